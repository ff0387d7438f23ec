"""Bounces in the database: whom a report is about, the row it leaves, and soft ones counted over the last editions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from digest.db import suppressions
from digest.db.schema import attempt, bounce, edition, employee, message, suppression
from digest.domain.bounce import SOFT_REST, SOFT_WINDOW, TEXT_LIMIT, BounceKind, BounceSource, soft_stops
from digest.domain.message import FailReason, MessageState
from digest.domain.suppression import SuppressionReason, address_hash

_TRIED = (MessageState.SENT, MessageState.FAILED, MessageState.IN_DOUBT)
_SHUTDOWN = 421
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Known:
    """A message that a report is about, and its employee as they are now; `employee` None and `address` "": erased."""

    message: int
    period: str
    employee: int | None
    address: str


@dataclass(frozen=True, kw_only=True)
class Bounce:
    """One row: what came back, about whom."""

    fingerprint: str  # makes a report that is read twice harmless
    message: int | None
    employee: int | None
    kind: BounceKind
    source: BounceSource
    status: str = ""
    text: str = ""


_KNOWN = (
    select(message.c.id, edition.c.period, employee.c.id.label("person"), employee.c.address)
    .select_from(message)
    .join(edition, edition.c.id == message.c.edition_id)
    .outerjoin(employee, employee.c.id == message.c.employee_id)
)


def by_message(connection: Connection, number: int) -> Known | None:
    """The message of that number, or None."""
    return _known(connection.execute(_KNOWN.where(message.c.id == number)).first())


def by_addresses(connection: Connection, addresses: Iterable[str]) -> Known | None:
    """The newest message that was offered to somebody who has one of `addresses` now, or None."""
    wanted = sorted({address.lower() for address in addresses})
    offered = employee.c.address.in_(wanted) & message.c.state.in_(_TRIED) & message.c.dated_at.is_not(None)
    return _known(connection.execute(_KNOWN.where(offered).order_by(message.c.dated_at.desc(), message.c.id.desc()).limit(1)).first())


def _known(row: Any) -> Known | None:  # noqa: ANN401 - a row of _KNOWN
    return None if row is None else Known(message=row.id, period=row.period, employee=row.person, address=row.address or "")


def record(connection: Connection, found: Bounce, now: datetime) -> bool:
    """Note a bounce; False when this report was read before."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = {
        "fingerprint": found.fingerprint,
        "at": now,
        "message_id": found.message,
        "employee_id": found.employee,
        "kind": found.kind,
        "source": found.source,
        "status": found.status[:20],
        "text": "".join(c if c.isprintable() else " " for c in found.text)[:TEXT_LIMIT],
    }
    done = connection.execute(dialect.insert(bounce).values(row).on_conflict_do_nothing(index_elements=["fingerprint"]).returning(bounce.c.id))
    return done.first() is not None


def record_refusal(connection: Connection, message_id: int, employee_id: int | None, kind: BounceKind, status: str, text: str, now: datetime) -> bool:
    """Note that the relay refused a message for good while we were talking; no report will follow it.

    `kind`: from `classify`. A soft one is counted at once. False when the message has such a row already.
    """
    fingerprint = hashlib.sha256(f"smtp:{message_id}".encode()).hexdigest()
    row = Bounce(fingerprint=fingerprint, message=message_id, employee=employee_id, kind=kind, source=BounceSource.SMTP, status=status, text=text)
    new = record(connection, row, now)
    if new and kind is BounceKind.SOFT and employee_id is not None:
        count_soft(connection, employee_id, now)
    return new


def count_soft(connection: Connection, employee_id: int, now: datetime) -> bool:
    """Stop mail for a while after three soft bounces in the last five editions; True when this stops it.

    Counted are messages that were offered since the last such stop: a soft bounce, a refusal without a telling code, or
    a deadline that passed while the server put that mailbox off. A sent message that did not come back wears it down.
    """
    address = connection.execute(select(employee.c.address).where(employee.c.id == employee_id)).scalar_one_or_none()
    if address is None or not soft_stops(_scores(connection, employee_id, address)):
        return False
    reason = SuppressionReason.SOFT_BOUNCE
    return suppressions.stop(connection, employee_id, address, reason, now, who="bounces", until=now + SOFT_REST)


def _scores(connection: Connection, employee_id: int, address: str) -> list[bool]:
    """True for each soft bounce among the last messages that say something about the mailbox, the newest first; one query."""
    told = exists().where(bounce.c.message_id == message.c.id).correlate(message)
    soft = exists().where(bounce.c.message_id == message.c.id, bounce.c.kind.in_([BounceKind.SOFT, BounceKind.HARD])).correlate(message)
    refused = and_(message.c.state == MessageState.FAILED, message.c.reason == FailReason.REFUSED, ~told)
    score = or_(soft, refused, and_(message.c.reason == FailReason.EXPIRED, message.c.state == MessageState.FAILED, _put_off()))
    rested = (
        select(func.max(suppression.c.at))
        .where(suppression.c.address_hash == address_hash(address), suppression.c.reason == SuppressionReason.SOFT_BOUNCE)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(score)
        .where(
            message.c.employee_id == employee_id, _speaks(), message.c.dated_at > func.coalesce(rested, literal(_LONG_AGO, message.c.dated_at.type))
        )
        .order_by(message.c.dated_at.desc(), message.c.id.desc())
        .limit(SOFT_WINDOW)
    )
    return [bool(row[0]) for row in rows]


def _speaks() -> ColumnElement[bool]:
    """Messages whose end says something about the mailbox: not those refused for our own sake, nor those nobody asked about."""
    ended = and_(message.c.state == MessageState.FAILED, message.c.reason.in_([FailReason.REFUSED, FailReason.ADDRESS]))
    return or_(message.c.state == MessageState.SENT, ended, and_(message.c.reason == FailReason.EXPIRED, _put_off()))


def _put_off() -> ColumnElement[bool]:
    """The server put off this mailbox itself: not the relay as a whole (421), nor us by a rule (4.7.x)."""
    mine = and_(attempt.c.message_id == message.c.id, attempt.c.phase.in_(["rcpt", "dot"]), attempt.c.code.between(400, 499))
    return exists().where(mine, attempt.c.code != _SHUTDOWN, attempt.c.text.not_like("4.7.%")).correlate(message)
