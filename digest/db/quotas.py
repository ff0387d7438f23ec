"""How often somebody may do a thing in a day, counted in the database so that several servers agree."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.schema import quota


def take(connection: Connection, what: str, who: int | str, now: datetime, most: int) -> bool:
    """Count one more; False, and nothing counted, when `who` has done it `most` times this UTC day."""
    mine = {"what": what, "who": _hash(who), "day": now.date().isoformat()}
    made = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(quota)
    connection.execute(made.values(**mine, used=0).on_conflict_do_nothing())
    row = (quota.c.what == what) & (quota.c.who == mine["who"]) & (quota.c.day == mine["day"])
    return connection.execute(update(quota).where(row, quota.c.used < most).values(used=quota.c.used + 1)).rowcount == 1


def left(connection: Connection, what: str, who: int | str, now: datetime, most: int) -> int:
    """How often `who` may still do it this UTC day."""
    row = (quota.c.what == what) & (quota.c.who == _hash(who)) & (quota.c.day == now.date().isoformat())
    return max(most - (connection.execute(select(quota.c.used).where(row)).scalar() or 0), 0)


def forget(connection: Connection, before: datetime) -> int:
    """Delete the counts of days before that moment's; how many."""
    return connection.execute(delete(quota).where(quota.c.day < before.date().isoformat())).rowcount


def _hash(who: int | str) -> str:
    return hashlib.sha256(str(who).encode()).hexdigest()
