"""Questions about everybody who is on the roster now: how many, where, in which languages and groups."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from digest.db.schema import employee, message, token
from digest.domain.message import MessageState
from digest.domain.press import NOBODY
from digest.domain.schedule import Place

_HERE = employee.c.left_at.is_(None)


def size(connection: Connection) -> int:
    """How many people an edition would count."""
    return int(connection.execute(select(func.count()).select_from(employee).where(_HERE)).scalar_one())


def places(connection: Connection) -> frozenset[Place]:
    """Where people live and the hours they chose: each zone, country and hour that come together, once."""
    rows = connection.execute(select(employee.c.zone, employee.c.country, employee.c.hour).where(_HERE).distinct())
    return frozenset(Place(zone=row.zone, country=row.country, hour=row.hour) for row in rows)


def languages(connection: Connection) -> frozenset[str]:
    """The languages people read."""
    return frozenset(connection.execute(select(employee.c.language).where(_HERE).distinct()).scalars())


def readers(connection: Connection) -> dict[str, int]:
    """How many people read each language."""
    rows = connection.execute(select(employee.c.language, func.count()).where(_HERE).group_by(employee.c.language))
    return {row.language: int(row[1]) for row in rows}


def joined_after(connection: Connection, employee_id: int) -> bool:
    """True when somebody stands behind `employee_id` in the order of numbers."""
    found = connection.execute(select(employee.c.id).where(_HERE, employee.c.id > employee_id).limit(1)).scalar_one_or_none()
    return found is not None


def teams_and_countries(connection: Connection, *, opt_in: bool = False) -> dict[tuple[str, str], int]:
    """(team, country) -> people who are counted there; shared mailboxes are nobody, and so is who said no."""
    counted = employee.c.measured.is_(True) if opt_in else employee.c.measured.is_not(False)
    columns = (employee.c.team, employee.c.country)
    rows = connection.execute(select(*columns, func.count()).where(_HERE, employee.c.shared.is_(False), counted).group_by(*columns))
    return {(team, country): int(people) for team, country, people in rows}


def members(connection: Connection, edition_id: int) -> dict[str, int]:
    """Group -> people whose letter went out with links that are counted for it: as planned, whoever has moved, left or was erased since."""
    rows = connection.execute(
        select(token.c.group_key, func.count())
        .join(message, (message.c.edition_id == token.c.edition_id) & (message.c.share_token == token.c.token))
        .where(token.c.edition_id == edition_id, token.c.group_key.is_not(None), token.c.group_key != NOBODY, message.c.state == MessageState.SENT)
        .group_by(token.c.group_key),
    )
    return {group: int(people) for group, people in rows}
