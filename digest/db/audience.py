"""Questions about everybody who is on the roster now: how many, where, in which languages and groups."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from digest.db.schema import employee
from digest.domain.schedule import Place

_HERE = employee.c.left_at.is_(None)


def size(connection: Connection) -> int:
    """How many people an edition would count."""
    return int(connection.execute(select(func.count()).select_from(employee).where(_HERE)).scalar_one())


def places(connection: Connection) -> frozenset[Place]:
    """Where people live, each zone with each country once."""
    rows = connection.execute(select(employee.c.zone, employee.c.country).where(_HERE).distinct())
    return frozenset(Place(zone=row.zone, country=row.country) for row in rows)


def languages(connection: Connection) -> frozenset[str]:
    """The languages people read."""
    return frozenset(connection.execute(select(employee.c.language).where(_HERE).distinct()).scalars())


def joined_after(connection: Connection, employee_id: int) -> bool:
    """True when somebody stands behind `employee_id` in the order of numbers."""
    found = connection.execute(select(employee.c.id).where(_HERE, employee.c.id > employee_id).limit(1)).scalar_one_or_none()
    return found is not None


def group_sizes(connection: Connection) -> dict[str, int]:
    """Members per group: "team:Quality" and "country:DE" -> how many; shared mailboxes are nobody."""
    found: dict[str, int] = {}
    for kind in ("team", "country"):
        column = employee.c[kind]
        rows = connection.execute(select(column, func.count()).where(_HERE, employee.c.shared.is_(False), column != "").group_by(column))
        found |= {f"{kind}:{name}": int(members) for name, members in rows}
    return found
