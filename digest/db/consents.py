"""The consent ledger: append-only; the last row of a switch counts and stands on the employee's row too."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, update

from digest.db.schema import consent_event, employee

_COLUMN = {"measure": "measured", "name": "named"}


def record(connection: Connection, employee_id: int, switch: str, *, value: bool, wording: str, now: datetime) -> None:
    """Note what the person chose (receive, measure, name, nominate or quote) and the version of the words they saw."""
    connection.execute(insert(consent_event).values(employee_id=employee_id, switch=switch, value=value, wording=wording, at=now))
    column = _COLUMN.get(switch)
    if column is not None:
        connection.execute(update(employee).where(employee.c.id == employee_id).values({column: value}))
