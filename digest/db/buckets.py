"""Token buckets in the database, so that a limit holds over restarts and for all processes together.

On PostgreSQL the database's clock counts, one for all hosts; on SQLite all processes are on one machine and bring their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.schema import bucket
from digest.domain.throttle import Bucket, Limit, full, room, spend, wait


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """How many messages a transport may carry now; `wait`: seconds until it may carry one when that is none."""

    room: int
    wait: float = 0.0


_SPEND = (
    update(bucket)
    .where(bucket.c.transport == bindparam("of"), bucket.c.period == bindparam("per"))
    .values(tokens=bindparam("left"), filled_at=bindparam("at", type_=bucket.c.filled_at.type))
)


def allowance(connection: Connection, transport: str, limits: Sequence[Limit], wanted: int, now: datetime) -> Allowance:
    """What the limits of `transport` allow of `wanted`. Its buckets stay locked until the transaction ends.

    `now`: the time on SQLite; PostgreSQL looks at its own clock.
    """
    if not limits or not wanted:
        return Allowance(room=wanted)
    buckets = _held(connection, transport, limits, now)
    granted = room(buckets, wanted)
    return Allowance(room=granted, wait=wait(buckets) if granted == 0 else 0.0)


def take(connection: Connection, transport: str, limits: Sequence[Limit], count: int, now: datetime) -> None:
    """Spend `count` tokens of every limit; in the transaction that claims the messages."""
    if limits and count:
        left = [spend(one, count) for one in _held(connection, transport, limits, now)]
        _store(connection, transport, left)


def _held(connection: Connection, transport: str, limits: Sequence[Limit], now: datetime) -> list[Bucket]:
    found = _stored(connection, transport, now)
    if any(limit.per not in found for limit in limits):
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        for limit in limits:
            values = {"transport": transport, "period": limit.per, "tokens": full(limit, now).tokens, "filled_at": _clock(connection, now)}
            connection.execute(dialect.insert(bucket).values(values).on_conflict_do_nothing())
        found = _stored(connection, transport, now)
    before = [Bucket(limit=limit, tokens=found[limit.per].tokens, filled_at=found[limit.per].filled_at) for limit in limits]
    held = [one.at(found[one.limit.per].moment) for one in before]
    set_right = [new for old, new in zip(before, held, strict=True) if new.filled_at < old.filled_at]
    _store(connection, transport, set_right)  # at once: nothing may be taken for long, and then it would never be stored
    return held


def _stored(connection: Connection, transport: str, now: datetime) -> dict[str, Row[Any]]:
    columns = (bucket.c.period, bucket.c.tokens, bucket.c.filled_at, _clock(connection, now).label("moment"))
    rows = connection.execute(select(*columns).where(bucket.c.transport == transport).order_by(bucket.c.period).with_for_update(of=bucket))
    return {row.period: row for row in rows}


def _store(connection: Connection, transport: str, buckets: Sequence[Bucket]) -> None:
    if buckets:
        rows = [{"of": transport, "per": one.limit.per, "left": one.tokens, "at": one.filled_at} for one in buckets]
        connection.execute(_SPEND, rows)


def _clock(connection: Connection, now: datetime) -> ColumnElement[datetime]:
    moment = bucket.c.filled_at.type
    return func.clock_timestamp(type_=moment) if connection.dialect.name == "postgresql" else literal(now, moment)
