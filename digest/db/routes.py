"""Which transport carries each waiting message, and which transports are at rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.hot import OPEN, WAITING
from digest.db.schema import edition, employee, message, transport
from digest.db.session import read, write, yield_to_others
from digest.domain.routing import Route, route_of, signature

_CHUNK = 500
_REASON = 250  # characters that are kept of why a transport rests


def deal(engine: Engine, routes: Sequence[Route]) -> int:
    """Give every waiting message of the editions that may go out its transport; how many changed theirs.

    Short transactions, and none when the transports are those of the last time.
    """
    mark, changed = signature(routes), 0
    with read(engine) as connection:
        stale = connection.execute(select(edition.c.id).where(edition.c.state.in_(OPEN), edition.c.routing != mark)).scalars().all()
    for edition_id in stale:
        after: int | None = 0
        while after is not None:
            with write(engine) as connection:
                after, moved = _chunk(connection, edition_id, after, routes)
                changed += moved
                if after is None:
                    connection.execute(update(edition).where(edition.c.id == edition_id).values(routing=mark))
            yield_to_others(engine)
    return changed


def _chunk(connection: Connection, edition_id: int, after: int, routes: Sequence[Route]) -> tuple[int | None, int]:
    mine = (message.c.edition_id == edition_id) & message.c.state.in_(WAITING)
    if len(routes) == 1:
        other = mine & (message.c.route != routes[0].name)
        return None, connection.execute(update(message).where(other).values(route=routes[0].name)).rowcount
    rows = connection.execute(
        select(message.c.id, message.c.employee_id, message.c.route, employee.c.address)
        .select_from(message.join(employee, employee.c.id == message.c.employee_id))
        .where(mine, message.c.id > after)
        .order_by(message.c.id)
        .limit(_CHUNK),
    ).all()
    moves: dict[str, list[int]] = {}
    for row in rows:
        to = route_of(row.address.rpartition("@")[2], row.employee_id, routes)
        if row.route != to:
            moves.setdefault(to, []).append(row.id)
    for to, ids in moves.items():
        connection.execute(update(message).where(message.c.id.in_(ids), message.c.state.in_(WAITING)).values(route=to))
    return (rows[-1].id if len(rows) == _CHUNK else None), sum(map(len, moves.values()))


def rests(connection: Connection, now: datetime) -> dict[str, str]:
    """The transports that must not be used now, name -> why."""
    rows = connection.execute(select(transport.c.name, transport.c.reason).where(transport.c.rest_until > now))
    return {row.name: row.reason for row in rows}


def rest(connection: Connection, name: str, until: datetime, reason: str) -> None:
    """Leave a transport alone until then."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"rest_until": until, "reason": reason[:_REASON]}
    connection.execute(dialect.insert(transport).values(name=name, **values).on_conflict_do_update(index_elements=["name"], set_=values))


def wake(connection: Connection, now: datetime) -> int:
    """End every transport's rest; an operator says that what was wrong is cured. How many rested."""
    resting = update(transport).where(transport.c.rest_until > now)
    return connection.execute(resting.values(rest_until=None, reason="")).rowcount
