"""The consent ledger: append-only; the last row of a switch counts and stands on the employee's row too."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from digest.db.schema import consent_event, employee, message
from digest.domain.consent import How, Said, Switch
from digest.domain.message import MessageState

_COLUMN = {"measure": "measured", "name": "named"}
_WAITING = (MessageState.QUEUED, MessageState.DEFERRED)


def record(connection: Connection, employee_id: int, switch: str, *, value: bool, wording: str, now: datetime, how: How = How.TOLD) -> None:
    """Note what the person chose (receive, measure, name, nominate or quote), the version of the words they saw, and how it came."""
    connection.execute(insert(consent_event).values(employee_id=employee_id, switch=switch, value=value, wording=wording, how=how, at=now))
    column = _COLUMN.get(switch)
    if column is not None:
        chosen = connection.execute(select(employee.c.chosen).where(employee.c.id == employee_id)).scalar_one()
        own = {column: value, "chosen": sorted({*chosen, column})}
        connection.execute(update(employee).where(employee.c.id == employee_id).values(own))
    if switch == Switch.MEASURE and not value:  # a letter that waits says nothing of their clicks any more
        waiting = (message.c.employee_id == employee_id) & message.c.state.in_(_WAITING) & (message.c.tally != "")
        connection.execute(update(message).where(waiting).values(tally=""))


def said(connection: Connection, employee_id: int) -> list[Said]:
    """Everything the person said, the oldest first."""
    rows = connection.execute(select(consent_event).where(consent_event.c.employee_id == employee_id).order_by(consent_event.c.id))
    return [Said(switch=Switch(row.switch), value=row.value, wording=row.wording, at=row.at) for row in rows]


def last_words(connection: Connection, switch: Switch, people: Collection[int] | None = None) -> dict[int, bool]:
    """Employee -> their last word about a switch, for those (of `people`) who said one."""
    mine = consent_event.c.switch == switch
    if people is not None:
        mine &= consent_event.c.employee_id.in_(list(people))
    last = select(func.max(consent_event.c.id)).where(mine).group_by(consent_event.c.employee_id)
    rows = connection.execute(select(consent_event.c.employee_id, consent_event.c.value).where(consent_event.c.id.in_(last)))
    return {int(row.employee_id): bool(row.value) for row in rows}


def allowed(connection: Connection, switch: Switch, people: Collection[int]) -> frozenset[int]:
    """Those of `people` who said yes to a switch that starts off (nominate, quote)."""
    return frozenset(number for number, value in last_words(connection, switch, people).items() if value)
