"""Who of an edition is still without it, and putting them back into the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from digest.db import standing, suppressions
from digest.db.schema import edition_body, employee, message
from digest.domain.message import FailReason, MessageState

_CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Those who did not get it: `ids` can be sent to again, reason -> how many; `kept` cannot, why -> how many."""

    ids: tuple[int, ...]
    reasons: dict[str, int]
    kept: dict[str, int]


def has_letters(connection: Connection, edition_id: int) -> bool:
    """True while the compiled letters of the edition are kept."""
    return connection.execute(select(edition_body.c.language).where(edition_body.c.edition_id == edition_id).limit(1)).first() is not None


def missing(connection: Connection, edition_id: int, employee_id: int | None, reason: str | None, now: datetime) -> Missing:
    """The failed messages of an edition, or those of one reason, or the one of an employee.

    What failed for its address is sent again only to a person who is named: a corrected address is a person's own story.
    """
    ids: list[int] = []
    reasons: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for rows in _pages(connection, _failed(edition_id, employee_id, reason)):
        stopped = suppressions.reasons(connection, [row.address for row in rows if row.address is not None], now)
        for row in rows:
            why = _obstacle(row, stopped, named=employee_id is not None)
            (kept if why else reasons)[why or row.reason] += 1
            if not why:
                ids.append(row.id)
    return Missing(ids=tuple(ids), reasons=dict(sorted(reasons.items())), kept=dict(sorted(kept.items())))


def _failed(edition_id: int, employee_id: int | None, reason: str | None) -> Select[Any]:
    mine = (message.c.edition_id == edition_id) & (message.c.state == MessageState.FAILED)
    if employee_id is not None:
        mine &= message.c.employee_id == employee_id
    if reason is not None:
        mine &= message.c.reason == reason
    columns = [message.c.id, message.c.reason, employee.c.address, employee.c.left_at]
    return select(*columns).select_from(message.outerjoin(employee, employee.c.id == message.c.employee_id)).where(mine).order_by(message.c.id)


def _pages(connection: Connection, query: Select[Any]) -> list[Sequence[Row[Any]]]:
    rows = connection.execute(query).all()
    return [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]


def _obstacle(row: Row[Any], stopped: dict[str, Any], *, named: bool) -> str:
    if row.address is None or row.left_at is not None:
        return "left"
    if row.address in stopped:
        return str(stopped[row.address])
    return str(row.reason) if row.reason == FailReason.ADDRESS and not named else ""


def requeue(connection: Connection, edition_id: int, ids: Sequence[int], detail: str, *, who: str, now: datetime) -> int:
    """Queue failed messages again, due now whatever their deadline; the edition opens again. Returns how many."""
    done = 0
    for start in range(0, len(ids), _CHUNK):
        chunk = message.c.id.in_(ids[start : start + _CHUNK]) & (message.c.state == MessageState.FAILED)
        done += connection.execute(update(message).where(chunk).values(state=MessageState.QUEUED, reason="resent", next_attempt_at=now)).rowcount
    if done:
        standing.reopen(connection, edition_id)
        standing.record(connection, "edition.resend", f"edition:{edition_id}", detail, who, now)
    return done


def later(connection: Connection, edition_id: int) -> int:
    """How many people on the roster have no message in the edition: they joined after it was planned."""
    without = ~select(message.c.id).where(message.c.edition_id == edition_id, message.c.employee_id == employee.c.id).exists()
    return int(connection.execute(select(func.count()).select_from(employee).where(employee.c.left_at.is_(None), without)).scalar_one())
