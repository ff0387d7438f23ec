"""Notices in the database: written with what they tell, claimed before the wire, settled once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from digest.db.schema import employee, notice
from digest.domain.message import MessageState
from digest.domain.notice import APART, GATHERED, STUCK, Notice, Told

_TEXT = 250


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A notice that is due, and whom it is for as of now."""

    id: int
    kind: Notice
    told: Told
    made_at: datetime
    dated_at: datetime | None  # the first try's
    attempts: int
    employee: int
    address: str
    name: str
    language: str
    here: bool  # on the roster


def put(connection: Connection, employee_id: int, kind: Notice, now: datetime, *, about: str = "", told: Told | None = None) -> bool:
    """Write a notice, in the transaction that does what it tells; False when there was one like it within a day.

    `about`: what it is about ("contribution:12"); two of a kind about different things are not alike.
    """
    alike = (notice.c.employee_id == employee_id) & (notice.c.kind == kind) & (notice.c.about == about)
    if connection.execute(select(notice.c.id).where(alike, notice.c.made_at > now - APART).limit(1)).first() is not None:
        return False
    facts = (told or Told()).as_data()
    values = {"employee_id": employee_id, "kind": kind, "about": about, "facts": facts, "state": MessageState.QUEUED, "made_at": now}
    connection.execute(insert(notice).values(**values, next_attempt_at=now, attempts=0, text=""))
    return True


def gather(connection: Connection, employee_id: int, matter: str, how: str, now: datetime) -> None:
    """Tell somebody what was chosen for them: with the others in a receipt that has not gone yet, or in one an hour after the last."""
    connection.execute(select(employee.c.id).where(employee.c.id == employee_id).with_for_update())
    mine = (notice.c.employee_id == employee_id) & (notice.c.kind == Notice.CHOSE)
    last = connection.execute(select(notice).where(mine).order_by(notice.c.id.desc()).limit(1)).first()
    if last is not None and last.state == MessageState.QUEUED and not last.attempts:
        told = Told.of(last.facts)
        facts = replace(told, choices=(*told.choices, (matter, how))).as_data()
        connection.execute(update(notice).where(notice.c.id == last.id).values(facts=facts, made_at=now))
        return
    facts = Told(path="me", choices=((matter, how),)).as_data()
    values = {"employee_id": employee_id, "kind": Notice.CHOSE, "about": "", "facts": facts, "state": MessageState.QUEUED, "made_at": now}
    due_at = now if last is None else max(now, last.next_attempt_at + GATHERED)
    connection.execute(insert(notice).values(**values, next_attempt_at=due_at, attempts=0, text=""))


def thread(connection: Connection, employee_id: int, answers: str, now: datetime) -> None:
    """Say of what was just written for this person which message of theirs it answers."""
    mine = (notice.c.employee_id == employee_id) & (notice.c.made_at == now) & (notice.c.state == MessageState.QUEUED)
    for number, facts in connection.execute(select(notice.c.id, notice.c.facts).where(mine)).all():
        if not facts.get("answers"):
            connection.execute(update(notice).where(notice.c.id == number).values(facts={**facts, "answers": answers}))


def due(connection: Connection, now: datetime, most: int) -> list[Waiting]:
    """What is due now, oldest first."""
    mine = (notice.c.state == MessageState.QUEUED) & (notice.c.next_attempt_at <= now)
    people = (employee.c.mailbox, employee.c.name, employee.c.language, employee.c.left_at, employee.c.shared)
    joined = notice.join(employee, employee.c.id == notice.c.employee_id)
    rows = connection.execute(select(notice, *people).select_from(joined).where(mine).order_by(notice.c.id).limit(most)).all()
    return [
        Waiting(
            **{name: getattr(row, name) for name in ("id", "made_at", "dated_at", "attempts", "language")},
            kind=Notice(row.kind),
            told=Told.of(row.facts),
            employee=row.employee_id,
            address=row.mailbox,
            name="" if row.shared else row.name,
            here=row.left_at is None,
        )
        for row in rows
    ]


def claim(connection: Connection, number: int, now: datetime, *, as_of: datetime | None = None) -> bool:
    """Take one that is due, before anything is on the wire; False when another run was first, or it tells more than it did `as_of` then."""
    mine = (notice.c.id == number) & (notice.c.state == MessageState.QUEUED)
    if as_of is not None:
        mine &= notice.c.made_at == as_of
    dated = func.coalesce(notice.c.dated_at, now)
    values = {"state": MessageState.SENDING, "attempts": notice.c.attempts + 1, "dated_at": dated, "next_attempt_at": now}
    return connection.execute(update(notice).where(mine).values(values)).rowcount == 1


def settle(connection: Connection, number: int, state: MessageState, now: datetime, *, text: str = "", again: datetime | None = None) -> None:
    """Say how it ended, or when it is tried again."""
    values: dict[str, Any] = {"state": state, "text": text[:_TEXT]}
    values |= {"next_attempt_at": again} if again is not None else {"settled_at": now}
    connection.execute(update(notice).where(notice.c.id == number).values(values))


def recover(connection: Connection, now: datetime) -> int:
    """Notices whose run is gone are in doubt, and not sent again; how many."""
    stuck = (notice.c.state == MessageState.SENDING) & (notice.c.next_attempt_at < now - STUCK)
    return connection.execute(update(notice).where(stuck).values(state=MessageState.IN_DOUBT, settled_at=now)).rowcount


def forget(connection: Connection, before: datetime) -> int:
    """Delete notices from before that moment that are settled; how many."""
    return connection.execute(delete(notice).where(notice.c.made_at < before, notice.c.settled_at.is_not(None))).rowcount
