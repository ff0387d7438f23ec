"""The ledger of questions in the database. Whoever asked is a number in it, and that number is printed nowhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.schema import edition, question
from digest.domain.edition import EditionState
from digest.domain.question import WORDS, Question, QuestionKind, QuestionState

SPOKEN = "command:"  # begins the key of what an editor entered, in words of their own
_NEVER = (EditionState.CANCELLED, EditionState.SKIPPED)


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
        "wording": "",
        "owner": "",
        "answer": "",
        "hard": False,
        "version": 1,
    }
    connection.execute(made.values(**values).on_conflict_do_nothing(index_elements=["key"]))
    return int(connection.execute(select(question.c.id).where(question.c.key == key)).scalar_one())


def get(connection: Connection, number: int) -> Question | None:
    """One entry, or None."""
    row = connection.execute(select(question).where(question.c.id == number)).first()
    return None if row is None else _noun(row)


def by_key(connection: Connection, key: str) -> Question | None:
    """The entry that a form or message made, or None."""
    row = connection.execute(select(question).where(question.c.key == key)).first()
    return None if row is None else _noun(row)


def listed(connection: Connection, states: Collection[QuestionState]) -> list[Question]:
    """Entries in one of `states`, the oldest first."""
    mine = select(question).where(question.c.state.in_(sorted(states))).order_by(question.c.asked_at, question.c.id)
    return [_noun(row) for row in connection.execute(mine)]


def unprinted(connection: Connection, edition_id: int) -> list[Question]:
    """Answers that no other edition has shown, the oldest first. One that was cancelled or skipped has shown nothing."""
    happened = select(edition.c.id).where(edition.c.state.not_in(_NEVER), edition.c.id != edition_id)
    new = question.c.printed_in.is_(None) | question.c.printed_in.not_in(happened)
    mine = select(question).where(question.c.state == QuestionState.ANSWERED, new).order_by(question.c.asked_at, question.c.id)
    return [_noun(row) for row in connection.execute(mine)]


def printed(connection: Connection, edition_id: int, numbers: Collection[int]) -> None:
    """Note which answers an edition shows; planned again and approved again it is what it shows then."""
    was = (question.c.printed_in == edition_id) & question.c.id.not_in(sorted(numbers))
    connection.execute(update(question).where(was).values(printed_in=None))
    free = question.c.id.in_(sorted(numbers)) & (question.c.state == QuestionState.ANSWERED)
    connection.execute(update(question).where(free).values(printed_in=edition_id))


def change(connection: Connection, one: Question, values: Mapping[str, Any]) -> bool:
    """Change an entry that is still as it was read; False when somebody was first. `values`: columns."""
    mine = (question.c.id == one.id) & (question.c.version == one.version)
    return connection.execute(update(question).where(mine).values(**values, version=one.version + 1)).rowcount == 1


def spans(connection: Connection, since: datetime) -> list[tuple[datetime, datetime]]:
    """(asked, answered) of everything that was answered since then."""
    done = question.c.answered_at.is_not(None) & (question.c.answered_at >= since)
    return [(row.asked_at, row.answered_at) for row in connection.execute(select(question).where(done).order_by(question.c.id))]


def _noun(row: Row[Any]) -> Question:
    names = ("id", "text", "wording", "language", "asked_at", "owner", "answer", "answered_at", "hard", "printed_in", "version")
    plain = {name: getattr(row, name) for name in names} | {"spoken": row.key.startswith(SPOKEN)}
    kind, state = QuestionKind(row.kind), QuestionState(row.state)
    return Question(**plain, kind=kind, state=state, employee=row.employee_id, edition=row.edition_id, post=row.post_id)


def of_person(connection: Connection, number: int) -> list[dict[str, Any]]:
    """What this person asked, for them alone."""
    names = ("asked_at", "kind", "state", "text", "wording", "language", "post_id", "owner", "answer", "answered_at")
    mine = select(*(question.c[name] for name in names)).where(question.c.employee_id == number).order_by(question.c.id)
    return [dict(row) for row in connection.execute(mine).mappings()]


def forget_person(connection: Connection, number: int) -> None:
    """What nobody has answered goes; what has its answer stays, and is nobody's."""
    mine = question.c.employee_id == number
    kept = mine & question.c.state.in_([QuestionState.ANSWERED, QuestionState.CLOSED])
    connection.execute(update(question).where(kept).values(employee_id=None))
    connection.execute(delete(question).where(mine))


def forget(connection: Connection, before: datetime) -> int:
    """Delete what was asked before that moment and taken back, or never confirmed; how many."""
    gone = question.c.state.in_([QuestionState.UNCONFIRMED, QuestionState.WITHDRAWN])
    return connection.execute(delete(question).where(gone, question.c.asked_at < before)).rowcount
