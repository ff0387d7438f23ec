"""Letters by people in the database: that they were read, so that reading them again changes nothing, and what became of them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.schema import employee, message, notice, reply
from digest.domain.reply import Skip, Someone

KEPT, SKIPPED = "kept", "skipped"


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


def keep(connection: Connection, key: str, person: int, edition: int | None, *, contribution: int | None = None, question: int | None = None) -> None:
    """What it became."""
    values = {"employee_id": person, "edition_id": edition, "contribution_id": contribution, "question_id": question}
    connection.execute(update(reply).where(reply.c.message_key == key).values(state=KEPT, reason="", **values))


def someone(connection: Connection, *, address: str = "", number: int | None = None) -> Someone | None:
    """Whoever is on the roster now with this address, or this number."""
    mine = employee.c.id == number if number is not None else employee.c.address == address.strip().lower()
    columns = (employee.c.id, employee.c.address, employee.c.name, employee.c.language)
    row = connection.execute(select(*columns).where(mine, employee.c.left_at.is_(None))).first()
    return None if row is None else Someone(id=row.id, address=row.address, name=row.name, language=row.language)


def edition_of(connection: Connection, number: int) -> int | None:
    """The edition of a message."""
    return connection.execute(select(message.c.edition_id).where(message.c.id == number)).scalar_one_or_none()


def told(connection: Connection, number: int) -> int | None:
    """Whom a notice was for."""
    return connection.execute(select(notice.c.employee_id).where(notice.c.id == number)).scalar_one_or_none()


def forget(connection: Connection, before: datetime) -> int:
    """Delete that letters were read before that moment; how many. What they became stays."""
    return connection.execute(delete(reply).where(reply.c.at < before)).rowcount


def of_person(connection: Connection, number: int) -> list[dict[str, Any]]:
    """That letters of this person were read, for them alone."""
    mine = select(reply.c.at, reply.c.state, reply.c.reason).where(reply.c.employee_id == number).order_by(reply.c.id)
    return [dict(row) for row in connection.execute(mine).mappings()]
