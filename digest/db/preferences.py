"""What a person wishes for their own letter, in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select, update

from digest.db.schema import edition, employee

OF_ROSTER: Final = frozenset({"language", "topics", "networks"})  # what a person chose of these no import changes any more
_FIELDS = ("shared", "named", "measured", "language", "topics", "networks", "mastodon", "frequency", "paused_until", "hour", "chosen")
_LATELY = 4  # editions


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """One person's own row, as far as they decide about it."""

    shared: bool
    named: bool
    measured: bool | None
    language: str
    topics: tuple[str, ...]
    networks: tuple[str, ...]
    mastodon: str
    frequency: str
    paused_until: datetime | None
    hour: str
    chosen: frozenset[str]


def of(connection: Connection, number: int, *, lock: bool = False) -> Wishes | None:
    """What this person wishes; with `lock` nobody else changes it before the transaction is over. None when they are gone."""
    found = select(*(employee.c[name] for name in _FIELDS)).where(employee.c.id == number)
    row = connection.execute(found.with_for_update() if lock else found).first()
    if row is None:
        return None
    lists = {"topics": tuple(row.topics), "networks": tuple(row.networks), "chosen": frozenset(row.chosen)}
    return Wishes(**{name: getattr(row, name) for name in _FIELDS} | lists)


def keep(connection: Connection, number: int, before: Wishes, values: Mapping[str, Any]) -> None:
    """Set fields by their names in `Wishes`; those that a roster says too are the person's own from now on."""
    row: dict[str, Any] = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    row["chosen"] = sorted(before.chosen | (OF_ROSTER & values.keys()))
    connection.execute(update(employee).where(employee.c.id == number).values(row))


def topics_lately(connection: Connection) -> frozenset[str]:
    """The topics of posts in the last editions."""
    rows = connection.execute(select(edition.c.content).where(edition.c.content.is_not(None)).order_by(edition.c.period.desc()).limit(_LATELY))
    return frozenset(topic for content in rows.scalars() for post in (content or {}).get("posts", ()) for topic in post["topics"])
