"""What waits and why it does not go out: pauses, canaries that are out, letters put off; and what was set aside, by reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from digest.db.hot import OPEN, WAITING
from digest.db.schema import audit, edition, employee, message
from digest.domain.edition import EditionState
from digest.domain.message import MessageState

_PAUSABLE = (EditionState.PLANNING, EditionState.DRAFT, *OPEN)

_ASIDE = (MessageState.FAILED, MessageState.SUPPRESSED, MessageState.SKIPPED)
Tally = dict[tuple[str, str], int]  # (state, reason) -> messages


@dataclass(frozen=True, kw_only=True)
class Paused:
    """An edition that claims stop at, who stopped it last, and how many of its messages wait."""

    period: str
    reason: str
    who: str
    waiting: int


@dataclass(frozen=True, kw_only=True)
class CanaryOut:
    """An edition whose canary is out and not judged yet."""

    period: str
    until: datetime
    offered: int
    waiting: int


@dataclass(frozen=True, kw_only=True)
class PutOff:
    """Messages of an edition and a zone whose hour has come, and that wait for a later moment; `until`: the earliest."""

    period: str
    state: str
    zone: str
    until: datetime
    count: int


def paused(connection: Connection) -> list[Paused]:
    """Every paused edition that is not over, oldest first."""
    rows = connection.execute(select(edition).where(edition.c.paused, edition.c.state.in_(_PAUSABLE)).order_by(edition.c.period)).all()
    return [Paused(period=row.period, reason=row.reason, who=_who(connection, row.id), waiting=_waiting(connection, row.id)) for row in rows]


def _who(connection: Connection, edition_id: int) -> str:
    last = select(audit.c.who).where(audit.c.what == "edition.pause", audit.c.subject == f"edition:{edition_id}")
    return connection.execute(last.order_by(audit.c.id.desc()).limit(1)).scalar_one_or_none() or ""


def _waiting(connection: Connection, edition_id: int) -> int:
    mine = select(func.count()).where(message.c.edition_id == edition_id, message.c.state.in_(WAITING))
    return int(connection.execute(mine).scalar_one())


def canaries(connection: Connection, now: datetime) -> list[CanaryOut]:
    """Editions that wait for the judgement of their canary, oldest first."""
    out = edition.c.state.in_(OPEN) & ~edition.c.paused & (edition.c.canary_left == 0) & (edition.c.canary_until > now)
    rows = connection.execute(select(edition.c.id, edition.c.period, edition.c.canary_until).where(out).order_by(edition.c.period)).all()
    return [
        CanaryOut(period=row.period, until=row.canary_until, offered=_offered(connection, row.id), waiting=_waiting(connection, row.id))
        for row in rows
    ]


def _offered(connection: Connection, edition_id: int) -> int:
    tried = (message.c.attempts > 0) | (message.c.state == MessageState.SENDING)
    return int(connection.execute(select(func.count()).where(message.c.edition_id == edition_id, tried)).scalar_one())


def put_off(connection: Connection, now: datetime) -> list[PutOff]:
    """What is due in editions that go out, and waits for a later moment."""
    going = edition.c.state.in_(OPEN) & ~edition.c.paused
    later = message.c.state.in_(WAITING) & (message.c.due_at <= now) & (message.c.next_attempt_at > now)
    names = (edition.c.period, message.c.state, employee.c.zone)
    rows = (
        select(*names, func.min(message.c.next_attempt_at).label("until"), func.count().label("count"))
        .select_from(message.join(edition, edition.c.id == message.c.edition_id).outerjoin(employee, employee.c.id == message.c.employee_id))
        .where(going, later)
        .group_by(*names)
        .order_by(*names)
    )
    found = connection.execute(rows).all()
    return [PutOff(period=row[0], state=row[1], zone=row[2] or "", until=row[3], count=int(row[4])) for row in found]


def waits_for(connection: Connection, now: datetime) -> dict[str, int]:
    """Transport -> messages of editions that go out, dealt to it and due by now."""
    due = edition.c.state.in_(OPEN) & ~edition.c.paused & message.c.state.in_(WAITING) & (message.c.next_attempt_at <= now)
    rows = select(message.c.route, func.count()).select_from(message.join(edition, edition.c.id == message.c.edition_id)).where(due)
    return {route: int(count) for route, count in connection.execute(rows.group_by(message.c.route).order_by(message.c.route))}


def open_ids(connection: Connection) -> list[int]:
    """The editions that may go out."""
    return list(connection.execute(select(edition.c.id).where(edition.c.state.in_(OPEN))).scalars())


def tally(connection: Connection, edition_ids: Sequence[int]) -> Tally:
    """(state, reason) -> messages of these editions that will not go out."""
    if not edition_ids:
        return {}
    mine = message.c.edition_id.in_(edition_ids) & message.c.state.in_(_ASIDE)
    rows = select(message.c.state, message.c.reason, func.count()).where(mine).group_by(message.c.state, message.c.reason)
    return {(state, reason): int(count) for state, reason, count in connection.execute(rows)}
