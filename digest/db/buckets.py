"""Token buckets in the database, so that a limit holds over restarts and for all processes together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
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
    """What the limits of `transport` allow of `wanted`. Its buckets stay locked until the transaction ends."""
    if not limits or not wanted:
        return Allowance(room=wanted)
    buckets = _held(connection, transport, limits, now)
    granted = room(buckets, wanted)
    return Allowance(room=granted, wait=wait(buckets) if granted == 0 else 0.0)


def take(connection: Connection, transport: str, limits: Sequence[Limit], count: int, now: datetime) -> None:
    """Spend `count` tokens of every limit; in the transaction that claims the messages."""
    if limits and count:
        left = [spend(one, count) for one in _held(connection, transport, limits, now)]
        connection.execute(_SPEND, [{"of": transport, "per": one.limit.per, "left": one.tokens, "at": one.filled_at} for one in left])


def _held(connection: Connection, transport: str, limits: Sequence[Limit], now: datetime) -> list[Bucket]:
    found = _stored(connection, transport)
    if any(limit.per not in found for limit in limits):
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        for limit in limits:
            values = {"transport": transport, "period": limit.per, "tokens": full(limit, now).tokens, "filled_at": now}
            connection.execute(dialect.insert(bucket).values(values).on_conflict_do_nothing())
        found = _stored(connection, transport)
    held = [(limit, *found[limit.per]) for limit in limits]
    return [Bucket(limit=limit, tokens=tokens, filled_at=filled).at(now) for limit, tokens, filled in held]


def _stored(connection: Connection, transport: str) -> dict[str, tuple[float, datetime]]:
    rows = connection.execute(select(bucket).where(bucket.c.transport == transport).order_by(bucket.c.period).with_for_update())
    return {row.period: (row.tokens, row.filled_at) for row in rows}
