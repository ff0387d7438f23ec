"""Letters that are late without a reason that anybody gave, letters that failed, and those that a dead run left on the wire."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, func, or_, select

from digest.db import runs, sweeps
from digest.db.hot import OPEN, WAITING
from digest.db.schema import attempt, bucket, edition, employee, message
from digest.domain.edition import EditionState
from digest.domain.message import MessageState
from digest.domain.throttle import Bucket, Limit

_NEVER = (MessageState.SKIPPED, MessageState.SUPPRESSED, MessageState.CANCELLED)
_LOOKED_AT = 10_000  # newest attempts


@dataclass(frozen=True, kw_only=True)
class Late:
    """Messages of an edition that might have gone out by a transport, for people of a zone; `since`: the one that waits longest."""

    period: str
    route: str
    zone: str
    count: int
    since: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about."""
        return self.period, self.route, self.zone


@dataclass(frozen=True, kw_only=True)
class Failed:
    """An edition that is over, how many letters of it were to go out, and how many failed, by reason."""

    period: str
    planned: int
    reasons: dict[str, int]


def late(connection: Connection, before: datetime, over: datetime, now: datetime, zone: str | None = None) -> list[Late]:
    """What might have gone out before `before` and still waits: nobody paused it, its next try is not to come, no canary is out.

    What was due before `over` is past its deadline, which is another matter. `zone`: only of people there; "" is who was erased.
    """
    waits_for_canary = (edition.c.canary_left == 0) & (edition.c.canary_until > now)
    those = edition.c.state.in_(OPEN) & ~edition.c.paused & func.coalesce(~waits_for_canary, True)
    those &= message.c.state.in_(WAITING) & (message.c.next_attempt_at < before)
    names = (edition.c.period, message.c.route, func.coalesce(employee.c.zone, "").label("zone"))
    those &= (message.c.due_at >= over) | (message.c.next_attempt_at >= over)
    if zone is not None:
        those &= func.coalesce(employee.c.zone, "") == zone
    rows = (
        select(*names, func.count().label("count"), func.min(message.c.next_attempt_at).label("since"))
        .select_from(message.join(edition, edition.c.id == message.c.edition_id).outerjoin(employee, employee.c.id == message.c.employee_id))
        .where(those)
        .group_by(*names)
        .order_by(*names)
    )
    found = connection.execute(rows).all()
    return [Late(period=row[0], route=row[1], zone=row[2], count=int(row[3]), since=row[4]) for row in found]


def planned(connection: Connection, period: str) -> int:
    """How many letters of an edition were to go out."""
    mine = (edition.c.period == period) & message.c.state.not_in(_NEVER)
    counted = select(func.count()).select_from(message.join(edition, edition.c.id == message.c.edition_id)).where(mine)
    return int(connection.execute(counted).scalar_one())


def busy_routes(connection: Connection, since: datetime) -> set[str]:
    """The transports whose messages were tried since then, or that tried any."""
    newest = select(attempt).order_by(attempt.c.id.desc()).limit(_LOOKED_AT).subquery()
    rows = select(newest.c.transport, message.c.route).join_from(newest, message, message.c.id == newest.c.message_id).where(newest.c.at > since)
    return {name for row in connection.execute(rows.distinct()) for name in row}


def throttled(connection: Connection, name: str, limits: tuple[Limit, ...], now: datetime) -> bool:
    """True when a limit of the transport allows nothing now. Looks, and locks nothing."""
    rows = {row.period: row for row in connection.execute(select(bucket).where(bucket.c.transport == name))}
    held = [(limit, rows[limit.per]) for limit in limits if limit.per in rows]
    return any(Bucket(limit=limit, tokens=row.tokens, filled_at=row.filled_at).at(now).tokens < 1 for limit, row in held)


def failed(connection: Connection, since: datetime) -> list[Failed]:
    """Editions that closed with failed messages, and whose last due hour was after `since`, oldest first."""
    mine = (edition.c.state == EditionState.CLOSED) & (edition.c.due_until >= since) & (message.c.state == MessageState.FAILED)
    joined = message.join(edition, edition.c.id == message.c.edition_id)
    rows = select(edition.c.period, message.c.reason, func.count()).select_from(joined).where(mine)
    found: dict[str, dict[str, int]] = {}
    grouped = rows.group_by(edition.c.period, message.c.reason).order_by(edition.c.period, message.c.reason)
    for period, reason, count in connection.execute(grouped):
        found.setdefault(period, {})[reason] = int(count)
    return [Failed(period=period, planned=planned(connection, period), reasons=reasons) for period, reasons in found.items()]


def abandoned(connection: Connection) -> dict[str, int]:
    """Period -> messages that are still sending though the run that held them lives no more, oldest first."""
    if connection.dialect.name == "sqlite":
        dead = sweeps.holders(connection)
        dead = set() if dead and _somebody_delivers(connection) else dead
    else:
        dead = runs.dead(connection, "")
    if not dead:
        return {}
    named = message.c.run_id.in_([one for one in dead if one is not None])
    those: ColumnElement[bool] = or_(named, message.c.run_id.is_(None)) if None in dead else named
    joined = message.join(edition, edition.c.id == message.c.edition_id)
    rows = select(edition.c.period, func.count()).select_from(joined).where(message.c.state == MessageState.SENDING, those)
    return {period: int(count) for period, count in connection.execute(rows.group_by(edition.c.period).order_by(edition.c.period))}


def _somebody_delivers(connection: Connection) -> bool:
    """SQLite: whether a run holds the lock beside the database. It is tried shared and let go at once."""
    path = Path(f"{connection.engine.url.database}.delivering.lock")
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # no run ever was here
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
