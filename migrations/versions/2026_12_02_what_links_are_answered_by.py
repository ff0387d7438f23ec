"""What links are answered by: a mark that each change draws anew, so that a server need not read everything again for every press.

SQLite alone has a server ask for it: there triggers draw it, whoever makes a change and however. It is drawn, not counted, so that
two files with as many changes are not taken for the same.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "2026_12_02_link_change"
down_revision = "2026_11_30_two_way"
branch_labels = None
depends_on = None

_WATCHED = {  # name -> what happens; a row that is new changes no answer that anybody remembers, but a post may come back
    "employee_update": "UPDATE OF left_at, measured, language, mastodon ON employee",
    "employee_delete": "DELETE ON employee",
    "token_update": "UPDATE ON token",
    "token_delete": "DELETE ON token",
    "message_update": "UPDATE OF networks, sent_at, dated_at ON message WHEN old.sent_at IS NOT NULL",
    "message_delete": "DELETE ON message",
    "edition_update": "UPDATE OF period, hash ON edition",
    "edition_delete": "DELETE ON edition",
    "edition_post_insert": "INSERT ON edition_post",
    "edition_post_update": "UPDATE ON edition_post",
    "edition_post_delete": "DELETE ON edition_post",
    "post_insert": "INSERT ON post",
    "post_update": "UPDATE OF title, url, visibility, recalled, public_from ON post",
    "post_delete": "DELETE ON post",
    "short_link_update": "UPDATE ON short_link",
    "short_link_delete": "DELETE ON short_link",
}


def upgrade() -> None:
    """Make it, and let a person's browser be found at once."""
    op.drop_index("ix_click_employee_id", "click")
    op.create_index("ix_click_employee", "click", ["employee_id", "source"])
    made = op.create_table(
        "link_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_change")),
    )
    op.bulk_insert(made, [{"id": 1, "mark": secrets.randbits(62)}])
    if op.get_bind().dialect.name == "sqlite":
        for name, event in _WATCHED.items():
            op.execute(f"CREATE TRIGGER link_change_{name} AFTER {event} BEGIN UPDATE link_change SET mark = random(); END")


def downgrade() -> None:
    """Take both away."""
    op.drop_index("ix_click_employee", "click")
    op.create_index("ix_click_employee_id", "click", ["employee_id"])
    if op.get_bind().dialect.name == "sqlite":
        for name in _WATCHED:
            op.execute(f"DROP TRIGGER link_change_{name}")
    op.drop_table("link_change")
