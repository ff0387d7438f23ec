"""The outbox on the way to the wire: claim by compare-and-set, settle by compare-and-set, in one short transaction.

A claim takes the row from queued or deferred to sending and names the run that holds it; a settlement takes it from
sending by that very run to its end. Who must not be mailed any more is set aside in the same step, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from digest.db import suppressions
from digest.db.schema import attempt, edition, employee, message
from digest.domain.edition import EditionState
from digest.domain.employee import EmployeeId
from digest.domain.message import FailReason, Message, MessageId, MessageState, Pick, SkipReason
from digest.domain.suppression import SuppressionReason

OPEN = (EditionState.APPROVED, EditionState.SENDING)
WAITING = (MessageState.QUEUED, MessageState.DEFERRED)
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
_MOST = 512  # rows looked at together when many must be set aside


@dataclass(frozen=True, kw_only=True)
class Try:
    """One try on the wire, as the attempt table keeps it."""

    phase: str
    code: int | None
    text: str
    connection: int


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What a claimed message became."""

    message: Message
    state: MessageState
    reason: str
    next_attempt_at: datetime | None  # of a deferred message
    attempt: Try


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What may be claimed.

    `until`: due times up to then. `retry`: in an at-once run the deferred messages it may try, edition -> ids with the first
    one last; claims use it up, so that none is tried twice. None: deferred messages are due by their hour.
    """

    run: str
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


_FIELDS = [message.c[f] for f in ("id", "employee_id", "state", "language", "picks", "spares", "networks", "name")]
_FIELDS += [message.c[f] for f in ("due_at", "next_attempt_at", "attempts", "dated_at", "share_token")]
_FIELDS += [employee.c.mailbox, employee.c.address, employee.c.left_at]
_JOINED: Select[Any] = select(*_FIELDS).select_from(message.outerjoin(employee, employee.c.id == message.c.employee_id))

_EDITIONS = select(edition.c.id, edition.c.period, edition.c.state).where(edition.c.state.in_(OPEN), ~edition.c.paused).order_by(edition.c.period)
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
    .where(message.c.id.in_(bindparam("ids", expanding=True)), message.c.state.in_(WAITING))
    .values(
        state=MessageState.SENDING,
        run_id=bindparam("run"),
        dated_at=func.coalesce(message.c.dated_at, bindparam("at", type_=message.c.dated_at.type)),
    )
)
_SETTLE = (
    update(message)
    .where(message.c.id == bindparam("b_id"), message.c.state == MessageState.SENDING, message.c.run_id == bindparam("b_run"))
    .values(
        state=bindparam("b_state"),
        reason=bindparam("b_reason"),
        attempts=message.c.attempts + bindparam("b_tries"),
        next_attempt_at=bindparam("b_next"),
        sent_at=bindparam("b_sent"),
        run_id=None,
    )
)


def claim(connection: Connection, wanted: Claim) -> Claimed:
    """Take up to `wanted.room` messages that may go out now; the oldest edition first, retries after first tries."""
    taken: list[Message] = []
    aside: list[str] = []
    for found in connection.execute(_EDITIONS).all():
        for rows in _candidates(connection, found.id, wanted):
            fit, out = _sift(connection, rows, wanted)
            aside += out
            taken += _take(connection, fit[: wanted.room - len(taken)], found, wanted)
            if len(taken) >= wanted.room:
                return Claimed(messages=tuple(taken), set_aside=tuple(aside))
    return Claimed(messages=tuple(taken), set_aside=tuple(aside))


def _candidates(connection: Connection, edition_id: int, wanted: Claim) -> Iterable[Sequence[Row[Any]]]:
    """Waiting rows in the order of their hour, in growing handfuls: each is claimed or set aside before the next is read."""
    room = wanted.room
    while rows := connection.execute(_DUE, {"edition": edition_id, "waiting": MessageState.QUEUED, "until": wanted.until, "room": room}).all():
        yield rows
        room = min(2 * room, _MOST)
    if wanted.retry is None:
        while rows := connection.execute(_DUE, {"edition": edition_id, "waiting": MessageState.DEFERRED, "until": wanted.until, "room": room}).all():
            yield rows
        return
    while ids := [wanted.retry[edition_id].pop() for _ in range(min(room, len(wanted.retry.get(edition_id, []))))]:
        yield connection.execute(_NAMED, {"edition": edition_id, "ids": ids}).all()


def _sift(connection: Connection, rows: Sequence[Row[Any]], wanted: Claim) -> tuple[list[Row[Any]], list[str]]:
    """Those that may be mailed, and the new states of those that may not."""
    stopped = suppressions.reasons(connection, [row.address for row in rows if row.address], wanted.now)
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
        connection.execute(update(message).where(message.c.id.in_(ids), message.c.state.in_(WAITING)).values(state=state, reason=reason))
    if resting:
        connection.execute(update(message).where(message.c.id.in_(resting)).values(next_attempt_at=wanted.rest_until))
    return fit, [state for (state, _), ids in aside.items() for _ in ids]


def _verdict(row: Row[Any], stopped: dict[str, SuppressionReason], wanted: Claim) -> tuple[MessageState, str] | None:
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


def _take(connection: Connection, rows: Sequence[Row[Any]], found: Any, wanted: Claim) -> list[Message]:  # noqa: ANN401 - a row of _EDITIONS
    if not rows:
        return []
    connection.execute(_TAKE, {"ids": [row.id for row in rows], "run": wanted.run, "at": wanted.now})
    if found.state == EditionState.APPROVED:
        connection.execute(
            update(edition).where(edition.c.id == found.id, edition.c.state == EditionState.APPROVED).values(state=EditionState.SENDING)
        )
    return [_noun(row, found, wanted.now) for row in rows]


def _noun(row: Row[Any], found: Any, now: datetime) -> Message:  # noqa: ANN401 - a row of _EDITIONS
    return Message(
        id=MessageId(row.id),
        edition=found.id,
        period=found.period,
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


def settle(connection: Connection, run: str, settlements: Sequence[Settlement], now: datetime) -> None:
    """Record the outcomes of this run's messages, an attempt row for each."""
    if not settlements:
        return
    done = connection.execute(_SETTLE, [_settled(item, run, now) for item in settlements])
    connection.execute(insert(attempt), [_attempt(item, now) for item in settlements])
    if done.rowcount != len(settlements):
        _prove(connection, settlements, now)
    for item in settlements:
        if item.state is MessageState.FAILED and item.reason == FailReason.ADDRESS:  # a bounce; no report will follow it
            suppressions.suppress(connection, item.message.address, SuppressionReason.HARD_BOUNCE, now)


def _settled(item: Settlement, run: str, now: datetime) -> dict[str, Any]:
    back = item.state is MessageState.QUEUED  # nothing was offered: no try is counted and it stays due
    return {
        "b_id": item.message.id,
        "b_run": run,
        "b_state": item.state,
        "b_reason": item.reason,
        "b_tries": 0 if back else 1,
        "b_next": now if back else item.next_attempt_at,
        "b_sent": now if item.state is MessageState.SENT else None,
    }


def _attempt(item: Settlement, now: datetime) -> dict[str, Any]:
    tried = item.attempt
    return {
        "message_id": item.message.id,
        "at": now,
        "phase": tried.phase,
        "outcome": item.state,
        "code": tried.code,
        "text": tried.text,
        "connection": tried.connection,
    }


def _prove(connection: Connection, settlements: Sequence[Settlement], now: datetime) -> None:
    """Another run took us for dead and doubted our messages; the relay's answer is evidence for those it accepted."""
    ids = [item.message.id for item in settlements if item.state is MessageState.SENT]
    doubted = (message.c.id.in_(ids)) & (message.c.state == MessageState.IN_DOUBT)
    connection.execute(update(message).where(doubted).values(state=MessageState.SENT, reason="", sent_at=now))


def due(connection: Connection, until: datetime, most: int, states: Iterable[MessageState] = WAITING) -> int:
    """How many messages in `states` may be claimed that are due by `until`, counted up to `most`."""
    count = 0
    for found in connection.execute(_EDITIONS).all():
        for state in states:
            waiting = (message.c.edition_id == found.id) & (message.c.state == state) & (message.c.next_attempt_at <= until)
            count += len(connection.execute(select(message.c.id).where(waiting).limit(most)).all())
    return min(count, most)


def deferred(connection: Connection) -> dict[int, list[int]]:
    """The deferred messages of open editions, edition -> ids, the one whose attempt comes first at the end."""
    found = {}
    for row in connection.execute(_EDITIONS).all():
        waiting = (message.c.edition_id == row.id) & (message.c.state == MessageState.DEFERRED)
        ids = connection.execute(select(message.c.id).where(waiting).order_by(message.c.next_attempt_at.desc())).scalars()
        found[int(row.id)] = [int(one) for one in ids]
    return found


def tries_since(connection: Connection, since: datetime, most: int) -> int:
    """How many tries were made since then by any run, counted up to `most`; the memory of a rate limit."""
    newest = select(attempt.c.at).order_by(attempt.c.id.desc()).limit(most).subquery()
    return int(connection.execute(select(func.count()).select_from(newest).where(newest.c.at > since)).scalar_one())


def sender(connection: Connection, edition_id: int) -> str:
    """The address in MAIL FROM, frozen with the edition."""
    return str(connection.execute(select(edition.c.envelope).where(edition.c.id == edition_id)).scalar_one()["from_address"])
