"""Claiming: a waiting message goes to sending by compare-and-set, and names the run that holds it.

Who must not be mailed any more is set aside in the same step, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, or_, select, update

from digest.db.schema import edition, employee, message, suppression
from digest.domain.edition import EditionState
from digest.domain.employee import EmployeeId
from digest.domain.message import FailReason, Message, MessageId, MessageState, Pick, SkipReason
from digest.domain.suppression import address_hash

OPEN = (EditionState.APPROVED, EditionState.SENDING)
WAITING = (MessageState.QUEUED, MessageState.DEFERRED)
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
_MOST = 512  # rows looked at together when many must be set aside


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What may be claimed.

    `until`: due times up to then. `retry`: in an at-once run the deferred messages it may try, edition -> ids with the first
    one last; claims use it up, so that none is tried twice. None: deferred messages are due by their hour.
    """

    run: str
    first: int | None  # the edition to look in before any other: the one of the last claim
    now: datetime
    until: datetime
    deadline: timedelta
    room: int
    retry: dict[int, list[int]] | None
    resting: frozenset[str]  # domains that asked for rest
    rest_until: datetime


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """The claimed messages, and how many were set aside on the way, by their new state."""

    messages: tuple[Message, ...]
    set_aside: tuple[str, ...]


_MOMENT = message.c.dated_at.type
_FIELDS: list[ColumnElement[Any]] = [message.c[f] for f in ("id", "employee_id", "state", "language", "picks", "spares", "networks", "name")]
_FIELDS += [message.c[f] for f in ("due_at", "next_attempt_at", "attempts", "dated_at", "share_token")]
_FIELDS += [employee.c.mailbox, employee.c.address, employee.c.left_at]
_FIELDS += [message.c.edition_id, edition.c.period, edition.c.state.label("edition_state")]
# Spelled out, because an IN list is put together anew for every execution.
_OPEN_EDITION = or_(*(edition.c.state == state for state in OPEN)) & ~edition.c.paused
_WAITING = or_(*(message.c.state == state for state in WAITING))
_EDITIONS = select(edition.c.id).where(_OPEN_EDITION).order_by(edition.c.period)
_JOINED: Select[Any] = (
    select(*_FIELDS)
    .select_from(message.join(edition, edition.c.id == message.c.edition_id).outerjoin(employee, employee.c.id == message.c.employee_id))
    .where(_OPEN_EDITION)
)
_STOPPED = (
    select(suppression.c.address_hash, suppression.c.reason)
    .where(
        suppression.c.address_hash.in_(bindparam("hashes", expanding=True)),
        suppression.c.lifted_at.is_(None),
        suppression.c.until.is_(None) | (suppression.c.until > bindparam("at", type_=_MOMENT)),
    )
    .order_by(suppression.c.id.desc())  # the reason that came first is read last, and stays
)
_DUE = (
    _JOINED.where(
        message.c.edition_id == bindparam("edition"),
        message.c.state == bindparam("waiting"),
        message.c.next_attempt_at <= bindparam("until"),
    )
    .order_by(message.c.next_attempt_at)
    .limit(bindparam("room"))
    .with_for_update(skip_locked=True, of=message)
)
_NAMED = _JOINED.where(
    message.c.edition_id == bindparam("edition"),
    message.c.state == MessageState.DEFERRED,
    message.c.id.in_(bindparam("ids", expanding=True)),
).with_for_update(skip_locked=True, of=message)
_TAKE = (
    update(message)
    .where(message.c.id.in_(bindparam("ids", expanding=True)), _WAITING)
    .values(
        state=MessageState.SENDING,
        run_id=bindparam("run"),
        dated_at=func.coalesce(message.c.dated_at, bindparam("at", type_=_MOMENT)),
    )
)


def claim(connection: Connection, wanted: Claim) -> Claimed:
    """Take up to `wanted.room` messages that may go out now; one edition after the other, retries after first tries."""
    taken: list[Message] = []
    aside: list[str] = []
    for edition_id in _open_editions(connection, wanted.first):
        for rows in _candidates(connection, edition_id, wanted, taken):
            fit, out = _sift(connection, rows, wanted)
            aside += out
            taken += _take(connection, fit[: wanted.room - len(taken)], wanted)
            if len(taken) >= wanted.room:
                return Claimed(messages=tuple(taken), set_aside=tuple(aside))
    return Claimed(messages=tuple(taken), set_aside=tuple(aside))


def _open_editions(connection: Connection, first: int | None) -> Iterator[int]:
    """`first`, and then, when that was not enough, every edition that may go out, the oldest period first."""
    if first is not None:
        yield first
    yield from (found for found in connection.execute(_EDITIONS).scalars().all() if found != first)


def _candidates(connection: Connection, edition_id: int, wanted: Claim, taken: Sequence[Message]) -> Iterator[Sequence[Row[Any]]]:
    """Waiting rows in the order of their hour, in growing handfuls: each is claimed or set aside before the next is read."""
    room = wanted.room
    for state in WAITING if wanted.retry is None else (MessageState.QUEUED,):
        while rows := connection.execute(_DUE, {"edition": edition_id, "waiting": state, "until": wanted.until, "room": room}).all():
            yield rows
            room = min(2 * room, _MOST)
    named = [] if wanted.retry is None else wanted.retry.get(edition_id, [])
    while named:
        ids = [named.pop() for _ in range(min(wanted.room - len(taken), len(named)))]
        yield connection.execute(_NAMED, {"edition": edition_id, "ids": ids}).all()


def _sift(connection: Connection, rows: Sequence[Row[Any]], wanted: Claim) -> tuple[list[Row[Any]], list[str]]:
    """Those that may be mailed, and the new states of those that may not."""
    stopped = _stopped(connection, rows, wanted.now)
    fit: list[Row[Any]] = []
    aside: dict[tuple[MessageState, str], list[int]] = {}
    resting: list[int] = []
    for row in rows:
        verdict = _verdict(row, stopped, wanted)
        if verdict is not None:
            aside.setdefault(verdict, []).append(row.id)
        elif wanted.resting and row.address.rpartition("@")[2] in wanted.resting:
            resting.append(row.id)
        else:
            fit.append(row)
    for (state, reason), ids in aside.items():
        connection.execute(update(message).where(message.c.id.in_(ids), _WAITING).values(state=state, reason=reason))
    if resting:
        connection.execute(update(message).where(message.c.id.in_(resting)).values(next_attempt_at=wanted.rest_until))
    return fit, [state for (state, _), ids in aside.items() for _ in ids]


def _stopped(connection: Connection, rows: Sequence[Row[Any]], now: datetime) -> dict[str, str]:
    """Address -> why it must not be mailed; one prepared statement, because every claim asks it."""
    addresses = {address_hash(row.address): row.address for row in rows if row.address is not None}
    found = connection.execute(_STOPPED, {"hashes": list(addresses), "at": now}).all() if addresses else []
    return {addresses[row.address_hash]: row.reason for row in found}


def _verdict(row: Row[Any], stopped: dict[str, str], wanted: Claim) -> tuple[MessageState, str] | None:
    if row.address is None or row.left_at is not None:
        waiting = row.state == MessageState.QUEUED  # a deferred message was offered already, so it is not "no message was planned"
        return (MessageState.SKIPPED if waiting else MessageState.SUPPRESSED), SkipReason.LEFT
    if row.address in stopped:
        return MessageState.SUPPRESSED, stopped[row.address]
    if expired(row.due_at, row.next_attempt_at, wanted.deadline, wanted.now):
        return MessageState.FAILED, FailReason.EXPIRED
    return None


def expired(due_at: datetime, next_attempt_at: datetime, deadline: timedelta, now: datetime) -> bool:
    """True after the message's deadline. A try set for later than that is an operator's own word, and counts."""
    return now > due_at + deadline and next_attempt_at <= due_at + deadline


def _take(connection: Connection, rows: Sequence[Row[Any]], wanted: Claim) -> list[Message]:
    if not rows:
        return []
    connection.execute(_TAKE, {"ids": [row.id for row in rows], "run": wanted.run, "at": wanted.now})
    if rows[0].edition_state == EditionState.APPROVED:
        first = (edition.c.id == rows[0].edition_id) & (edition.c.state == EditionState.APPROVED)
        connection.execute(update(edition).where(first).values(state=EditionState.SENDING))
    return [_noun(row, wanted.now) for row in rows]


def _noun(row: Row[Any], now: datetime) -> Message:
    return Message(
        id=MessageId(row.id),
        edition=row.edition_id,
        period=row.period,
        employee=EmployeeId(row.employee_id),
        address=row.mailbox,
        name=row.name,
        language=row.language,
        picks=tuple(Pick(n=n, because=because) for n, because in row.picks),
        spares=tuple(Pick(n=n, because=because) for n, because in row.spares),
        networks=tuple(row.networks),
        share_token=row.share_token or "",
        due_at=row.due_at,
        attempts=row.attempts,
        dated_at=row.dated_at or now,
    )


def due(connection: Connection, until: datetime, most: int, states: Iterable[MessageState] = WAITING) -> int:
    """How many messages in `states` may be claimed that are due by `until`, counted up to `most`."""
    count = 0
    for edition_id in _open_editions(connection, None):
        for state in states:
            waiting = (message.c.edition_id == edition_id) & (message.c.state == state) & (message.c.next_attempt_at <= until)
            count += len(connection.execute(select(message.c.id).where(waiting).limit(most)).all())
    return min(count, most)


def deferred(connection: Connection) -> dict[int, list[int]]:
    """The deferred messages of open editions, edition -> ids, the one whose attempt comes first at the end."""
    found = {}
    for edition_id in _open_editions(connection, None):
        waiting = (message.c.edition_id == edition_id) & (message.c.state == MessageState.DEFERRED)
        ids = connection.execute(select(message.c.id).where(waiting).order_by(message.c.next_attempt_at.desc())).scalars()
        found[edition_id] = [int(one) for one in ids]
    return found


def sender(connection: Connection, edition_id: int) -> str:
    """The address in MAIL FROM, frozen with the edition."""
    return str(connection.execute(select(edition.c.envelope).where(edition.c.id == edition_id)).scalar_one()["from_address"])
