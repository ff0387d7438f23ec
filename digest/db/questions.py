"""The ledger of questions in the database. Whoever asked is a number in it, and that number is printed nowhere."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.schema import question
from digest.domain.question import WORDS, QuestionKind, QuestionState


def put(  # noqa: PLR0913 - the columns of one row, each by its name
    connection: Connection,
    *,
    key: str,
    employee: int | None,
    kind: QuestionKind,
    text: str,
    language: str,
    now: datetime,
    edition: int | None = None,
    post: str = "",
    confirmed: bool = True,
) -> int:
    """Enter what somebody asked; its number. The same `key` again is the same entry, as it stands by now.

    `key`: of the form or the message, at most 128 characters. `edition`, `post`: what it came out of and is about.
    `confirmed` False: it came in a way that does not show that the person wrote it.
    """
    made = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(question)
    values = {
        "key": key,
        "employee_id": employee,
        "kind": kind,
        "state": QuestionState.OPEN if confirmed else QuestionState.UNCONFIRMED,
        "text": text.strip()[:WORDS],
        "language": language,
        "edition_id": edition,
        "post_id": post,
        "asked_at": now,
        "owner": "",
        "answer": "",
        "hard": False,
        "version": 1,
    }
    connection.execute(made.values(**values).on_conflict_do_nothing(index_elements=["key"]))
    return int(connection.execute(select(question.c.id).where(question.c.key == key)).scalar_one())
