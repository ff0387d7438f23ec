"""Raw events are kept for a while and then gone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete

from digest.db.schema import bounce, click, visit


def forget_events(connection: Connection, before: datetime) -> int:
    """Delete clicks and visits from before that moment; how many. Safe to interrupt and to run twice."""
    return sum(connection.execute(delete(table).where(table.c.at < before)).rowcount for table in (click, visit))


def forget_bounces(connection: Connection, before: datetime) -> int:
    """Delete what came back before that moment; how many. What followed from it, a suppression, stays."""
    return connection.execute(delete(bounce).where(bounce.c.at < before)).rowcount
