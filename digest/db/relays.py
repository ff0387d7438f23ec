"""What was last wrong with each relay, kept while it stays wrong, so that somebody who looks later can be told.

It shares the row of the transport's rest: a rest has a reason of its own, and while one lasts that is what counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.schema import transport

_REASON = 250  # characters of the column, its moment included


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A relay that cannot be used: it rests `until` then, or was last found away `at` that moment; never both."""

    name: str
    reason: str
    at: datetime | None = None
    until: datetime | None = None


def note_trouble(connection: Connection, name: str, reason: str, now: datetime) -> None:
    """Remember why a transport could not be used just now. A rest that lasts keeps its own reason."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"rest_until": None, "reason": f"{now.isoformat(timespec='seconds')} {reason}"[:_REASON]}
    over = transport.c.rest_until.is_(None) | (transport.c.rest_until <= now)
    made = dialect.insert(transport).values(name=name, **values)
    connection.execute(made.on_conflict_do_update(index_elements=["name"], set_=values, where=over))


def clear(connection: Connection, name: str) -> bool:
    """The transport was there again: its trouble is forgotten. A rest stays. False when there was nothing to forget."""
    known = (transport.c.name == name) & transport.c.rest_until.is_(None) & (transport.c.reason != "")
    return connection.execute(update(transport).where(known).values(reason="")).rowcount == 1


def troubles(connection: Connection, now: datetime) -> dict[str, Trouble]:
    """Every transport that rests now or was away when it was last asked, by name."""
    rows = connection.execute(select(transport).where(transport.c.reason != "").order_by(transport.c.name)).all()
    found = {row.name: _trouble(row.name, row.rest_until, row.reason) for row in rows if row.rest_until is None or row.rest_until > now}
    return {name: trouble for name, trouble in found.items() if trouble is not None}


def _trouble(name: str, until: datetime | None, said: str) -> Trouble | None:
    if until is not None:
        return Trouble(name=name, reason=said, until=until)
    stamp, _, reason = said.partition(" ")
    try:
        return Trouble(name=name, reason=reason, at=datetime.fromisoformat(stamp))
    except ValueError:  # a rest that was ended, with its reason left behind
        return None
