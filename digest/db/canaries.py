"""The canary of an edition in the database: how many of it are left to send, when it is judged, how it fared."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select, update

from digest.db.schema import bounce, edition, message
from digest.domain.bounce import BounceKind
from digest.domain.canary import Look
from digest.domain.edition import EditionState
from digest.domain.message import FailReason, MessageState

_OFFERED = (MessageState.SENT, MessageState.FAILED, MessageState.IN_DOUBT, MessageState.DEFERRED)
_OWN_FAULT = (FailReason.ADDRESS, FailReason.EXPIRED)
_BACK = (BounceKind.HARD, BounceKind.SOFT, BounceKind.OURS)  # it did not arrive


def begin(connection: Connection, edition_id: int, size: int) -> None:
    """Send `size` messages of an approved edition first; at its first claim."""
    mine = (edition.c.id == edition_id) & (edition.c.state == EditionState.APPROVED)
    connection.execute(update(edition).where(mine).values(canary_left=size, canary_until=None))


def wait_of(connection: Connection, edition_id: int) -> datetime | None:
    """When the canary that is out is judged."""
    found: datetime | None = connection.execute(select(edition.c.canary_until).where(edition.c.id == edition_id)).scalar_one()
    return found


def spend(connection: Connection, edition_id: int, count: int, until: datetime) -> None:
    """Take `count` claims from what is left; with the last one the wait `until` its judgement begins."""
    mine = update(edition).where(edition.c.id == edition_id, edition.c.canary_left > 0)
    connection.execute(mine.values(canary_left=edition.c.canary_left - count))
    out = update(edition).where(edition.c.id == edition_id, edition.c.canary_left <= 0, edition.c.canary_until.is_(None))
    connection.execute(out.values(canary_left=0, canary_until=until))


def passed(connection: Connection, edition_id: int) -> None:
    """The rest may follow."""
    connection.execute(update(edition).where(edition.c.id == edition_id).values(canary_left=None, canary_until=None))


def again(connection: Connection, edition_id: int, size: int) -> None:
    """Send `size` messages first once more: what went out of the canary came back without having been offered."""
    connection.execute(update(edition).where(edition.c.id == edition_id).values(canary_left=size, canary_until=None))


def on_the_wire(connection: Connection, edition_id: int) -> bool:
    """True while a message of the canary has no outcome yet."""
    held = select(message.c.id).where(message.c.edition_id == edition_id, message.c.state == MessageState.SENDING).limit(1)
    return connection.execute(held).first() is not None


def look(connection: Connection, edition_id: int) -> Look:
    """How the messages fared that were offered so far."""
    mine = message.c.edition_id == edition_id
    states = select(message.c.state, message.c.reason, func.count()).where(mine, message.c.state.in_(_OFFERED), message.c.attempts > 0)
    counts = connection.execute(states.group_by(message.c.state, message.c.reason)).all()
    back = select(bounce.c.kind, func.count(func.distinct(message.c.employee_id))).join_from(bounce, message, message.c.id == bounce.c.message_id)
    reports = connection.execute(back.where(mine, message.c.state == MessageState.SENT).group_by(bounce.c.kind)).all()
    told = {str(kind): int(count) for kind, count in reports}
    return Look(
        offered=sum(count for _, _, count in counts),
        accepted=sum(count for state, _, count in counts if state == MessageState.SENT),
        unknown=sum(count for state, reason, count in counts if state == MessageState.FAILED and reason == FailReason.ADDRESS),
        failed=sum(count for state, reason, count in counts if state == MessageState.FAILED and reason not in _OWN_FAULT),
        bounced=sum(told.get(kind, 0) for kind in _BACK),
        complained=told.get(BounceKind.COMPLAINT, 0),
        in_doubt=sum(count for state, _, count in counts if state == MessageState.IN_DOUBT),
    )
