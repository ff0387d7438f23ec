"""The two-way half: what people give, ask, answer and choose; pictures; links that work once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_two_way"
down_revision = "2026_11_28_outcomes"
branch_labels = None
depends_on = None

_CHOICES = ("picture", "frequency", "paused_until", "hour", "trusted_at")


def upgrade() -> None:
    """Make them."""
    op.add_column("notice", sa.Column("about", sa.String(60), nullable=False, server_default=""))
    op.add_column("consent_event", sa.Column("how", sa.String(20), nullable=False, server_default=""))
    op.add_column("post", sa.Column("public_from", sa.DateTime(timezone=True)))
    op.add_column("message", sa.Column("tally", sa.String(80), nullable=False, server_default=""))
    op.add_column("employee", sa.Column("picture", sa.String(64), nullable=False, server_default=""))
    op.add_column("employee", sa.Column("frequency", sa.String(20), nullable=False, server_default="weekly"))
    op.add_column("employee", sa.Column("paused_until", sa.DateTime(timezone=True)))
    op.add_column("employee", sa.Column("hour", sa.String(5), nullable=False, server_default=""))
    op.add_column("employee", sa.Column("trusted_at", sa.DateTime(timezone=True)))
    op.create_table(
        "capability",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("employee_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("subject", sa.BigInteger()),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_capability_employee_id_employee"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_capability")),
    )
    op.create_index(op.f("ix_capability_employee_id"), "capability", ["employee_id"])
    op.create_table(
        "quota",
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("what", "who", "day", name=op.f("pk_quota")),
    )
    op.create_table(
        "contribution",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("employee_id", sa.BigInteger()),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("visibility", sa.String(20), nullable=False),
        sa.Column("language", sa.String(20), nullable=False),
        sa.Column("networks", sa.JSON(), nullable=False),
        sa.Column("captions", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("edition_id", sa.BigInteger()),
        sa.Column("n", sa.Integer()),
        sa.Column("post_id", sa.String(120)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True)),
        sa.Column("decide_by", sa.DateTime(timezone=True)),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("agreed_version", sa.Integer()),
        sa.Column("thanked_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_contribution_employee_id_employee"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contribution")),
        sa.UniqueConstraint("key", name=op.f("uq_contribution_key")),
        sa.UniqueConstraint("post_id", name=op.f("uq_contribution_post_id")),
    )
    op.create_index(op.f("ix_contribution_employee_id"), "contribution", ["employee_id"])
    op.create_index(op.f("ix_contribution_state"), "contribution", ["state"])
    op.create_table(
        "contribution_edit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contribution_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_contribution_edit_contribution_id_contribution"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contribution_edit")),
        sa.UniqueConstraint("contribution_id", "version", name=op.f("uq_contribution_edit_contribution_id_version")),
    )
    op.create_index(op.f("ix_contribution_edit_contribution_id"), "contribution_edit", ["contribution_id"])
    op.create_table(
        "question",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("employee_id", sa.BigInteger()),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(20), nullable=False),
        sa.Column("edition_id", sa.BigInteger()),
        sa.Column("post_id", sa.String(120), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("hard", sa.Boolean(), nullable=False),
        sa.Column("printed_in", sa.BigInteger()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_question_employee_id_employee"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        sa.UniqueConstraint("key", name=op.f("uq_question_key")),
    )
    op.create_index(op.f("ix_question_employee_id"), "question", ["employee_id"])
    op.create_index(op.f("ix_question_state"), "question", ["state"])
    op.create_table(
        "reply",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_key", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("employee_id", sa.BigInteger()),
        sa.Column("edition_id", sa.BigInteger()),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(60), nullable=False),
        sa.Column("contribution_id", sa.BigInteger()),
        sa.Column("question_id", sa.BigInteger()),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_reply_employee_id_employee"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["contribution_id"], ["contribution.id"], name=op.f("fk_reply_contribution_id_contribution"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_reply_question_id_question"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
        sa.UniqueConstraint("message_key", name=op.f("uq_reply_message_key")),
    )
    op.create_index(op.f("ix_reply_employee_id"), "reply", ["employee_id"])
    op.create_table(
        "vote",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("employee_id", sa.BigInteger(), nullable=False),
        sa.Column("post_id", sa.String(120), nullable=False),
        sa.Column("edition_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("class", sa.String(20), nullable=False),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_vote_employee_id_employee"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote")),
        sa.UniqueConstraint("employee_id", "post_id", name=op.f("uq_vote_employee_id_post_id")),
    )
    op.create_index(op.f("ix_vote_edition_id"), "vote", ["edition_id"])
    op.create_index(op.f("ix_vote_post_id"), "vote", ["post_id"])
    op.create_table(
        "correspondence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("post_id", sa.String(120), nullable=False),
        sa.Column("from_id", sa.BigInteger(), nullable=False),
        sa.Column("to_id", sa.BigInteger(), nullable=False),
        sa.Column("answers", sa.BigInteger()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("class", sa.String(20), nullable=False),
        sa.ForeignKeyConstraint(["from_id"], ["employee.id"], name=op.f("fk_correspondence_from_id_employee"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["to_id"], ["employee.id"], name=op.f("fk_correspondence_to_id_employee"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correspondence")),
        sa.UniqueConstraint("key", name=op.f("uq_correspondence_key")),
    )
    op.create_index(op.f("ix_correspondence_to_id"), "correspondence", ["to_id"])
    op.create_index(op.f("ix_correspondence_from_id"), "correspondence", ["from_id"])
    op.create_table(
        "picture",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("internal", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_picture")),
    )
    op.create_table(
        "picture_source",
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("picture", sa.String(64)),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("etag", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_picture_source")),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_table("picture_source")
    op.drop_table("picture")
    op.drop_table("correspondence")
    op.drop_table("vote")
    op.drop_table("reply")
    op.drop_table("question")
    op.drop_table("contribution_edit")
    op.drop_table("contribution")
    op.drop_table("quota")
    op.drop_table("capability")
    op.drop_column("notice", "about")
    op.drop_column("message", "tally")
    op.drop_column("post", "public_from")
    op.drop_column("consent_event", "how")
    for name in reversed(_CHOICES):
        op.drop_column("employee", name)
