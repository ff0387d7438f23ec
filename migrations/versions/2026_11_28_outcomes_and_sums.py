"""Outcomes and sums: what a visit led to, what single events become after a while, captions handed out, letters to one person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_28_outcomes"
down_revision = "2026_11_26_relays"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.add_column("employee", sa.Column("mastodon", sa.String(253), nullable=False, server_default=""))
    with op.batch_alter_table("visit") as visit:
        visit.add_column(sa.Column("country", sa.String(2), nullable=False, server_default=""))
        visit.add_column(sa.Column("click_id", sa.String(16)))
        visit.create_unique_constraint(op.f("uq_visit_click_id"), ["click_id"])
    op.drop_index("ix_click_token_at", "click")  # nothing asks by token alone, and every press had to write a page of it
    op.create_table(
        "day_count",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("edition_id", sa.BigInteger(), nullable=False),
        sa.Column("post_id", sa.String(120), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("network", sa.String(20), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("class", sa.String(20), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_count")),
        sa.UniqueConstraint("day", "kind", "edition_id", "post_id", "channel", "network", "country", "class", name="uq_day_count_what"),
    )
    op.create_index(op.f("ix_day_count_edition_id"), "day_count", ["edition_id"])
    op.create_table(
        "outcome",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(60), nullable=False),
        sa.Column("grade", sa.String(1), nullable=False),
        sa.Column("click_id", sa.String(16), nullable=False),
        sa.Column("edition_id", sa.BigInteger()),
        sa.Column("post_id", sa.String(120), nullable=False),
        sa.Column("network", sa.String(20), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("owner", sa.String(240), nullable=False),
        sa.Column("visitor_class", sa.String(20), nullable=False),
        sa.Column("external_id", sa.String(200), nullable=False),
        sa.Column("value_minor", sa.BigInteger()),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome")),
        sa.UniqueConstraint("key", name=op.f("uq_outcome_key")),
    )
    op.create_index(op.f("ix_outcome_edition_id"), "outcome", ["edition_id"])
    op.create_table(
        "caption_use",
        sa.Column("edition_id", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("network", sa.String(20), nullable=False),
        sa.Column("caption", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_caption_use_edition_id_edition"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("edition_id", "n", "network", "caption", name=op.f("pk_caption_use")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("employee_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("dated_at", sa.DateTime(timezone=True)),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("text", sa.String(250), nullable=False),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_notice_employee_id_employee"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index(op.f("ix_notice_employee_id"), "notice", ["employee_id"])
    op.create_index("ix_notice_due", "notice", ["state", "next_attempt_at"])


def downgrade() -> None:
    """Take them away."""
    op.create_index("ix_click_token_at", "click", ["token", "at"])
    op.drop_table("notice")
    op.drop_table("caption_use")
    op.drop_table("outcome")
    op.drop_table("day_count")
    with op.batch_alter_table("visit") as visit:
        visit.drop_constraint(op.f("uq_visit_click_id"), type_="unique")
        visit.drop_column("click_id")
        visit.drop_column("country")
    op.drop_column("employee", "mastodon")
