"""What should have happened by now and did not: letters that are too late, work that waits, a clock that is silent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select, update

from digest.db.hot import OPEN, WAITING
from digest.db.schema import attempt, edition, message, run
from digest.domain.message import MessageState, SkipReason

_UNFINISHED = (*WAITING, MessageState.SENDING)


def skip_late(connection: Connection, edition_id: int, before: datetime | None) -> int:
    """Letters of an edition nobody has sent from that were due before `before` (None: all) become `skipped: missed`; how many."""
    late = (message.c.edition_id == edition_id) & (message.c.state == MessageState.QUEUED)
    if before is not None:
        late &= message.c.due_at < before
    return connection.execute(update(message).where(late).values(state=MessageState.SKIPPED, reason=SkipReason.MISSED)).rowcount


def in_doubt(connection: Connection) -> dict[str, int]:
    """Period -> messages whose outcome is unknown, of whatever age, oldest first."""
    return _by_period(connection, message.c.state == MessageState.IN_DOUBT)


def left_over(connection: Connection, before: datetime) -> dict[str, int]:
    """Period -> messages of open editions that were due before `before` and are still not decided, oldest first."""
    open_ = edition.c.state.in_(OPEN) & ~edition.c.paused
    return _by_period(connection, open_ & message.c.state.in_(_UNFINISHED) & (message.c.due_at < before) & (message.c.next_attempt_at < before))


def _by_period(connection: Connection, those: ColumnElement[bool]) -> dict[str, int]:
    rows = select(edition.c.period, func.count()).select_from(message.join(edition, edition.c.id == message.c.edition_id)).where(those)
    return {period: int(count) for period, count in connection.execute(rows.group_by(edition.c.period).order_by(edition.c.period))}


def planning_since(connection: Connection, edition_id: int) -> datetime:
    """When the edition was opened."""
    found: datetime = connection.execute(select(edition.c.created_at).where(edition.c.id == edition_id)).scalar_one()
    return found


def waits_since(connection: Connection, now: datetime) -> datetime | None:
    """Since when the message that has waited longest might have been claimed; None when nothing is due."""
    claimable = edition.c.state.in_(OPEN) & ~edition.c.paused & message.c.state.in_(WAITING) & (message.c.next_attempt_at <= now)
    found = select(func.min(message.c.next_attempt_at)).select_from(message.join(edition, edition.c.id == message.c.edition_id)).where(claimable)
    return connection.execute(found).scalar_one_or_none()


def last_seen(connection: Connection, now: datetime) -> datetime | None:
    """The last sign of a delivering run up to `now`: it began, tried a message or ended."""
    ends = [select(func.max(column)).where(column <= now) for column in (run.c.started_at, run.c.ended_at)]
    tried = select(attempt.c.at).order_by(attempt.c.id.desc()).limit(1)
    found = [connection.execute(one).scalar_one_or_none() for one in (*ends, tried)]
    return max((moment for moment in found if moment is not None and moment <= now), default=None)
