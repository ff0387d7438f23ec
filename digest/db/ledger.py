"""Reading the outbox for people: reasons, one employee's message, its attempts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from digest.db.schema import attempt, bounce, edition, message
from digest.domain.bounce import BounceSource
from digest.domain.message import MessageState


def reasons(connection: Connection, edition_id: int) -> dict[str, dict[str, int]]:
    """State -> reason -> messages that have both, sorted."""
    named = select(message.c.state, message.c.reason, func.count()).where(message.c.edition_id == edition_id, message.c.reason != "")
    found: dict[str, dict[str, int]] = {}
    for state, reason, count in sorted(connection.execute(named.group_by(message.c.state, message.c.reason))):
        found.setdefault(state, {})[reason] = int(count)
    return found


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


def carried(connection: Connection, edition_id: int) -> dict[str, int]:
    """Transport -> messages of the edition that it really took, whichever they were dealt to."""
    mine = (message.c.edition_id == edition_id) & (attempt.c.outcome == MessageState.SENT)
    joined = attempt.join(message, message.c.id == attempt.c.message_id)
    rows = select(attempt.c.transport, func.count(attempt.c.message_id.distinct())).select_from(joined).where(mine)
    return {name: int(count) for name, count in connection.execute(rows.group_by(attempt.c.transport)) if name}


def next_try(connection: Connection, edition_id: int) -> datetime | None:
    """When the first deferred message of the edition is tried again."""
    deferred = (message.c.edition_id == edition_id) & (message.c.state == MessageState.DEFERRED)
    found: datetime | None = connection.execute(select(func.min(message.c.next_attempt_at)).where(deferred)).scalar_one()
    return found


def came_back(connection: Connection, edition_id: int) -> dict[str, int]:
    """Kind -> messages of the edition of which something came back later; what was refused on the wire is no part of it."""
    mine = (message.c.edition_id == edition_id) & (bounce.c.source != BounceSource.SMTP)
    joined = bounce.join(message, message.c.id == bounce.c.message_id)
    rows = select(bounce.c.kind, func.count(bounce.c.message_id.distinct())).select_from(joined).where(mine)
    return {kind: int(count) for kind, count in sorted(connection.execute(rows.group_by(bounce.c.kind)))}


def returned(connection: Connection, message_id: int) -> list[dict[str, Any]]:
    """What came back about one message, oldest first: when, of which kind, with which status and words."""
    mine = (bounce.c.message_id == message_id) & (bounce.c.source != BounceSource.SMTP)
    rows = connection.execute(select(bounce).where(mine).order_by(bounce.c.at, bounce.c.id))
    return [{"at": row.at.isoformat(), "kind": row.kind, "status": row.status, "text": row.text} for row in rows]
