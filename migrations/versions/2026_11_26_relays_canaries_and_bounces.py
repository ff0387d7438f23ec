"""Relays, canaries and bounces: which relay carries what, how far a canary is, and what came back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_26_relays"
down_revision = "2026_11_24_first_tables"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.add_column("edition", sa.Column("routing", sa.String(64), nullable=False, server_default=""))
    op.add_column("edition", sa.Column("canary_left", sa.Integer()))
    op.add_column("edition", sa.Column("canary_until", sa.DateTime(timezone=True)))
    op.add_column("message", sa.Column("route", sa.String(40), nullable=False, server_default="smtp"))
    op.drop_index("ix_message_due", "message")
    op.create_index("ix_message_due", "message", ["edition_id", "state", "route", "next_attempt_at"])
    op.add_column("attempt", sa.Column("transport", sa.String(40), nullable=False, server_default=""))
    op.create_table(
        "transport",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("rest_until", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.String(250), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_transport")),
    )
    op.create_table(
        "bucket",
        sa.Column("transport", sa.String(40), nullable=False),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("transport", "period", name=op.f("pk_bucket")),
    )
    op.create_table(
        "bounce",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message_id", sa.BigInteger()),
        sa.Column("employee_id", sa.BigInteger()),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("text", sa.String(250), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_bounce_message_id_message"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_bounce_employee_id_employee"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounce")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_bounce_fingerprint")),
    )
    op.create_index(op.f("ix_bounce_message_id"), "bounce", ["message_id"])
    op.create_index(op.f("ix_bounce_employee_id"), "bounce", ["employee_id"])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("bounce")
    op.drop_table("bucket")
    op.drop_table("transport")
    op.drop_column("attempt", "transport")
    op.drop_index("ix_message_due", "message")
    op.create_index("ix_message_due", "message", ["edition_id", "state", "next_attempt_at"])
    op.drop_column("message", "route")
    op.drop_column("edition", "canary_until")
    op.drop_column("edition", "canary_left")
    op.drop_column("edition", "routing")
