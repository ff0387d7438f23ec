"""Reading the outbox for people: reasons, one employee's message, its attempts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from digest.db.schema import attempt, edition, message, transport
from digest.domain.message import MessageState


def reasons(connection: Connection, edition_id: int) -> dict[str, int]:
    """Reason -> messages that have it, sorted by reason."""
    named = select(message.c.reason, func.count()).where(message.c.edition_id == edition_id, message.c.reason != "")
    return {reason: int(count) for reason, count in sorted(connection.execute(named.group_by(message.c.reason)))}


def of_employee(connection: Connection, edition_id: int, employee_id: int) -> Row[Any] | None:
    """The employee's message row in the edition, or None."""
    return connection.execute(select(message).where(message.c.edition_id == edition_id, message.c.employee_id == employee_id)).first()


def attempts(connection: Connection, message_id: int) -> list[dict[str, Any]]:
    """Every try on the wire, oldest first, with the transport that made it."""
    rows = connection.execute(select(attempt).where(attempt.c.message_id == message_id).order_by(attempt.c.id))
    columns = ("phase", "outcome", "code", "text", "transport")
    return [{"at": row.at.isoformat(), **{name: row._mapping[name] for name in columns}} for row in rows]  # noqa: SLF001 - SQLAlchemy's documented name


def routes(connection: Connection, edition_id: int) -> dict[str, dict[str, int]]:
    """Transport -> state -> messages dealt to it; what was never to be sent has none."""
    never = (MessageState.SKIPPED, MessageState.SUPPRESSED, MessageState.CANCELLED)
    mine = (message.c.edition_id == edition_id) & message.c.state.not_in(never)
    found: dict[str, dict[str, int]] = {}
    rows = select(message.c.route, message.c.state, func.count()).where(mine).group_by(message.c.route, message.c.state)
    for route, state, count in connection.execute(rows):
        found.setdefault(route, {})[state] = int(count)
    return dict(sorted(found.items()))


def recent(connection: Connection, edition_id: int, since: datetime, most: int) -> list[tuple[datetime, str, str]]:
    """(when, transport, outcome) of the edition's tries since then, newest first, `most` tries of any edition being looked at."""
    newest = select(attempt).order_by(attempt.c.id.desc()).limit(most).subquery()
    mine = select(newest.c.at, newest.c.transport, newest.c.outcome).join_from(newest, message, message.c.id == newest.c.message_id)
    rows = connection.execute(mine.where(message.c.edition_id == edition_id, newest.c.at > since).order_by(newest.c.id.desc()))
    return [(row.at, row.transport, row.outcome) for row in rows]


def due(connection: Connection, edition_id: int, now: datetime) -> int:
    """How many waiting messages of the edition have come to their hour."""
    waiting = (message.c.edition_id == edition_id) & message.c.state.in_((MessageState.QUEUED, MessageState.DEFERRED))
    return int(connection.execute(select(func.count()).where(waiting, message.c.next_attempt_at <= now)).scalar_one())


def canary(connection: Connection, edition_id: int) -> tuple[int | None, datetime | None]:
    """How many of the canary are still to go, None without one; and when it is judged, once it is out."""
    row = connection.execute(select(edition.c.canary_left, edition.c.canary_until).where(edition.c.id == edition_id)).one()
    return row.canary_left, row.canary_until


def resting(connection: Connection, now: datetime) -> dict[str, tuple[datetime, str]]:
    """The transports that are left alone now: name -> until when, and why."""
    rows = connection.execute(select(transport).where(transport.c.rest_until > now).order_by(transport.c.name))
    return {row.name: (row.rest_until, row.reason) for row in rows}
