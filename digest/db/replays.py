"""What waited on disk while the database was away, put where it belongs. Doing it twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select

from digest.db import links, suppressions
from digest.db.schema import click, consent_event, visit
from digest.db.schema import employee as person
from digest.domain.press import ERASED

_TOKEN = 40  # characters of its column


def put_events(connection: Connection, clicks: Sequence[Mapping[str, Any]], visits: Sequence[Mapping[str, Any]], draw: Callable[[], str]) -> None:
    """Insert clicks and visits; those of people who were erased meanwhile let go of them. `draw` gives letters nobody can guess."""
    there = _there(connection, {row["employee_id"] for row in clicks} - {None})
    nobody: dict[str, str] = {}
    kept = [
        row
        if row["employee_id"] is None or row["employee_id"] in there
        else {**row, "employee_id": None, "token": nobody.setdefault(row["token"], f"{ERASED}{draw()}"[:_TOKEN])}
        for row in clicks
    ]
    links.put_events(connection, [_known(click, row) for row in kept], [_known(visit, row) for row in visits])


def switch(connection: Connection, *, employee: int, at: datetime, receive: bool, how: str) -> None:
    """The person stopped the letter, or took that back, at that moment; what they said since then wins."""
    later = select(consent_event.c.id).where(consent_event.c.employee_id == employee, consent_event.c.switch == "receive", consent_event.c.at > at)
    if connection.execute(later.limit(1)).first() is None:
        (suppressions.come_back if receive else suppressions.leave)(connection, employee, at, how=how)


def _there(connection: Connection, numbers: Iterable[int]) -> set[int]:
    return set(connection.execute(select(person.c.id).where(person.c.id.in_(list(numbers)))).scalars())


def _known(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without columns that another version knows."""
    return {name: value for name, value in row.items() if name in table.c}
