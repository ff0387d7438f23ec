"""Where the outbox stands, and an operator's word on it: counts, doubts, pause, resume, cancel, resolve."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select, update

from digest.db.hot import OPEN, WAITING
from digest.db.schema import attempt, audit, edition, employee, message
from digest.domain.edition import EditionState
from digest.domain.message import MessageState

_PAUSABLE = (EditionState.PLANNING, EditionState.DRAFT, *OPEN)


def counts(connection: Connection, edition_id: int) -> dict[str, int]:
    """State -> messages of the edition; every state is named, and their sum is the audience."""
    rows = connection.execute(select(message.c.state, func.count()).where(message.c.edition_id == edition_id).group_by(message.c.state))
    found = {str(state): int(count) for state, count in rows}
    return {state.value: found.get(state.value, 0) for state in MessageState}


def doubts(connection: Connection, edition_id: int) -> list[dict[str, Any]]:
    """The edition's messages whose outcome is unknown: message, employee, address, reason, since."""
    since = select(func.max(attempt.c.at)).where(attempt.c.message_id == message.c.id).scalar_subquery()
    rows = connection.execute(
        select(
            message.c.id.label("message"),
            message.c.employee_id.label("employee"),
            employee.c.mailbox.label("address"),
            message.c.reason,
            since.label("since"),
        )
        .select_from(message.outerjoin(employee, employee.c.id == message.c.employee_id))
        .where(message.c.edition_id == edition_id, message.c.state == MessageState.IN_DOUBT)
        .order_by(message.c.id),
    )
    return [{**row, "address": row["address"] or ""} for row in rows.mappings()]


def resolve(connection: Connection, message_id: int, decision: Literal["sent", "queued"], *, who: str, now: datetime) -> bool:
    """Decide a doubtful message: it arrived, or it is sent again under its Message-ID. False when it is not in doubt.

    A failed message may be queued again as well. Its edition is opened again if it had closed.
    """
    allowed = [MessageState.IN_DOUBT] if decision == "sent" else [MessageState.IN_DOUBT, MessageState.FAILED]
    values: dict[str, Any] = {"state": MessageState(decision), "reason": "resolved"}
    values |= {"sent_at": now} if decision == "sent" else {"next_attempt_at": now}
    done = connection.execute(update(message).where(message.c.id == message_id, message.c.state.in_(allowed)).values(values))
    if not done.rowcount:
        return False
    if decision == "queued":
        reopen(connection, connection.execute(select(message.c.edition_id).where(message.c.id == message_id)).scalar_one())
    record(connection, "message.resolve", f"message:{message_id}", decision, who, now)
    return True


def reopen(connection: Connection, edition_id: int) -> None:
    """Something of the edition waits again: it is no longer closed, and its messages are dealt to the transports anew."""
    mine = edition.c.id == edition_id
    connection.execute(update(edition).where(mine).values(routing=""))  # the one on the message may be gone by now
    connection.execute(update(edition).where(mine, edition.c.state == EditionState.CLOSED).values(state=EditionState.SENDING))


def pause(connection: Connection, edition_id: int, *, reason: str, who: str, now: datetime) -> bool:
    """Stop claims from the edition; False when it is over or paused already."""
    going = (edition.c.id == edition_id) & edition.c.state.in_(_PAUSABLE) & ~edition.c.paused
    done = connection.execute(update(edition).where(going).values(paused=True, reason=reason))
    return _changed(connection, done.rowcount, "edition.pause", edition_id, reason, who, now)


def pause_open(connection: Connection, *, reason: str, who: str, now: datetime) -> int:
    """Stop claims from every edition that may go out; how many that were."""
    going = connection.execute(select(edition.c.id).where(edition.c.state.in_(OPEN))).scalars().all()
    return sum(pause(connection, edition_id, reason=reason, who=who, now=now) for edition_id in going)


def resume_paused(connection: Connection, *, reason: str, who: str, now: datetime) -> int:
    """Let claims go on from every edition that was paused for this reason; how many that were."""
    held = connection.execute(select(edition.c.id).where(edition.c.paused, edition.c.reason == reason)).scalars().all()
    return sum(resume(connection, edition_id, who=who, now=now) for edition_id in held)


def resume(connection: Connection, edition_id: int, *, who: str, now: datetime) -> bool:
    """Let claims go on; False when it is not paused."""
    done = connection.execute(update(edition).where(edition.c.id == edition_id, edition.c.paused).values(paused=False, reason=""))
    return _changed(connection, done.rowcount, "edition.resume", edition_id, "", who, now)


def cancel(connection: Connection, edition_id: int, *, reason: str, who: str, now: datetime) -> int | None:
    """Stop the edition for good: what waits is cancelled; how many, or None when it is over already."""
    alive = (edition.c.id == edition_id) & edition.c.state.in_(_PAUSABLE)
    done = connection.execute(update(edition).where(alive).values(state=EditionState.CANCELLED, paused=False, reason=reason))
    if not _changed(connection, done.rowcount, "edition.cancel", edition_id, reason, who, now):
        return None
    waiting = (message.c.edition_id == edition_id) & message.c.state.in_(WAITING)
    return connection.execute(update(message).where(waiting).values(state=MessageState.CANCELLED)).rowcount


def _changed(connection: Connection, rows: int, what: str, edition_id: int, detail: str, who: str, now: datetime) -> bool:
    if rows:
        record(connection, what, f"edition:{edition_id}", detail, who, now)
    return rows == 1


def record(connection: Connection, what: str, subject: str, detail: str, who: str, now: datetime) -> None:
    """Note who did what, for the audit."""
    connection.execute(insert(audit).values(at=now, who=who, what=what, subject=subject, detail=detail))
