"""Reading the outbox for people: reasons, one employee's message, its attempts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select

from digest.db.schema import attempt, message


def reasons(connection: Connection, edition_id: int) -> dict[str, int]:
    """Reason -> messages that have it, sorted by reason."""
    named = select(message.c.reason, func.count()).where(message.c.edition_id == edition_id, message.c.reason != "")
    return {reason: int(count) for reason, count in sorted(connection.execute(named.group_by(message.c.reason)))}


def of_employee(connection: Connection, edition_id: int, employee_id: int) -> Row[Any] | None:
    """The employee's message row in the edition, or None."""
    return connection.execute(select(message).where(message.c.edition_id == edition_id, message.c.employee_id == employee_id)).first()


def attempts(connection: Connection, message_id: int) -> list[dict[str, Any]]:
    """Every try on the wire, oldest first."""
    rows = connection.execute(select(attempt).where(attempt.c.message_id == message_id).order_by(attempt.c.id))
    return [{"at": row.at.isoformat(), "phase": row.phase, "outcome": row.outcome, "code": row.code, "text": row.text} for row in rows]
