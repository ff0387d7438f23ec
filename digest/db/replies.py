"""Letters by people in the database: that they were read, so that reading them again changes nothing, and what became of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, cast, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.schema import audit, contribution, employee, message, notice, question, reply
from digest.domain.notice import Notice
from digest.domain.reply import Becomes, Skip, Someone

KEPT, SKIPPED = "kept", "skipped"
NOTE = "reply.note"  # in the audit: somebody's words beside what they are about


def key_of(identity: str) -> str:
    """What a Message-ID is known by; nobody can read it back."""
    return hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()


def begin(connection: Connection, key: str, now: datetime) -> bool:
    """Note that this letter is being read, in the transaction that takes it in; False when it entered something before, here or elsewhere.

    One that was skipped may be looked at again: its sender may be on the roster by now.
    """
    made = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(reply)
    row = {"message_key": key, "at": now, "state": SKIPPED, "reason": ""}
    if connection.execute(made.values(row).on_conflict_do_nothing(index_elements=["message_key"]).returning(reply.c.id)).first() is not None:
        return True
    mine = (reply.c.message_key == key) & (reply.c.state == SKIPPED)
    return connection.execute(update(reply).where(mine).values(at=now)).rowcount == 1  # PostgreSQL lets one at a time through here


def skip(connection: Connection, key: str, reason: Skip, *, person: int | None = None) -> None:
    """It enters nothing, and why."""
    connection.execute(update(reply).where(reply.c.message_key == key).values(state=SKIPPED, reason=reason, employee_id=person))


def keep(
    connection: Connection,
    key: str,
    person: int,
    edition: int | None,
    *,
    contribution: int | None = None,
    question: int | None = None,
    became: Becomes | None = None,
) -> None:
    """What it became. `became`: where neither a post nor an entry of the ledger says it."""
    values = {"employee_id": person, "edition_id": edition, "contribution_id": contribution, "question_id": question}
    connection.execute(update(reply).where(reply.c.message_key == key).values(state=KEPT, reason=became or "", **values))


def someone(connection: Connection, *, address: str = "", number: int | None = None) -> Someone | None:
    """Whoever is on the roster now with this address, or this number."""
    mine = employee.c.id == number if number is not None else employee.c.address == address.strip().lower()
    columns = (employee.c.id, employee.c.address, employee.c.name, employee.c.language)
    row = connection.execute(select(*columns).where(mine, employee.c.left_at.is_(None))).first()
    return None if row is None else Someone(id=row.id, address=row.address, name=row.name, language=row.language)


def edition_of(connection: Connection, number: int) -> int | None:
    """The edition of a message."""
    return connection.execute(select(message.c.edition_id).where(message.c.id == number)).scalar_one_or_none()


@dataclass(frozen=True, kw_only=True)
class Told:
    """A notice that somebody answers."""

    employee: int  # whom it was for
    kind: Notice
    about: str


def told(connection: Connection, number: int) -> Told | None:
    """The notice of that number, or None."""
    row = connection.execute(select(notice.c.employee_id, notice.c.kind, notice.c.about).where(notice.c.id == number)).first()
    return None if row is None else Told(employee=row.employee_id, kind=Notice(row.kind), about=row.about)


def put_note(connection: Connection, subject: str, words: str, *, who: str, now: datetime) -> None:
    """Keep somebody's words beside what they are about ("question:3"), in its history."""
    connection.execute(insert(audit).values(at=now, who=who, what=NOTE, subject=subject, detail=words))


def notes(connection: Connection, subject: str) -> list[tuple[datetime, str]]:
    """When somebody wrote which words beside it, the oldest first."""
    mine = select(audit.c.at, audit.c.detail).where(audit.c.what == NOTE, audit.c.subject == subject).order_by(audit.c.id)
    return [(row.at, row.detail) for row in connection.execute(mine)]


def forget_notes(connection: Connection, number: int) -> None:
    """A person's words beside their entries of the ledger and about themselves go; a post's go with its history."""
    mine = connection.execute(select(question.c.id).where(question.c.employee_id == number)).scalars()
    for subject in [f"employee:{number}", *(f"question:{one}" for one in mine)]:
        connection.execute(delete(audit).where(audit.c.what == NOTE, audit.c.subject == subject))
    connection.execute(delete(notice).where(notice.c.kind == Notice.NOTE, notice.c.about.startswith(f"employee:{number}:")))


def forget_lost_notes(connection: Connection) -> int:
    """Words beside entries that are gone go as well; how many."""
    gone = ~select(question.c.id).where(audit.c.subject == "question:" + cast(question.c.id, String)).exists()
    return connection.execute(delete(audit).where(audit.c.what == NOTE, audit.c.subject.startswith("question:"), gone)).rowcount


def forget(connection: Connection, before: datetime) -> int:
    """Delete that letters were read before that moment; how many. What they became stays."""
    return connection.execute(delete(reply).where(reply.c.at < before)).rowcount


def of_person(connection: Connection, number: int) -> list[dict[str, Any]]:
    """That letters of this person were read, for them alone."""
    mine = select(reply.c.at, reply.c.state, reply.c.reason).where(reply.c.employee_id == number).order_by(reply.c.id)
    return [dict(row) for row in connection.execute(mine).mappings()]


def notes_of_person(connection: Connection, number: int) -> list[dict[str, Any]]:
    """The words that stand beside this person's posts and entries, for them alone."""
    given = select(contribution.c.id).where(contribution.c.employee_id == number)
    asked = select(question.c.id).where(question.c.employee_id == number)
    subjects = [f"contribution:{one}" for one in connection.execute(given).scalars()]
    subjects += [f"question:{one}" for one in connection.execute(asked).scalars()]
    return [{"at": at, "about": subject, "text": text} for subject in subjects for at, text in notes(connection, subject)]
