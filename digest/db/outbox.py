"""Claiming: a waiting message goes to sending by compare-and-set, and names the run that holds it.

Who must not be mailed any more is set aside in the same step, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Text, bindparam, cast, func, or_, select, update

from digest.db import canaries
from digest.db.schema import edition, employee, message, suppression
from digest.domain.edition import EditionState
from digest.domain.employee import EmployeeId
from digest.domain.message import FailReason, Message, MessageId, MessageState, Pick, SkipReason
from digest.domain.suppression import address_hash

OPEN = (EditionState.APPROVED, EditionState.SENDING)
WAITING = (MessageState.QUEUED, MessageState.DEFERRED)
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
Retry = dict[int, dict[str, list[int]]]
_MOST = 512  # rows looked at together when many must be set aside


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What may be claimed.

    `until`: due times up to then. `retry`: in an at-once run the deferred messages it may try, edition -> transport -> ids with
    the first one last; claims use it up, so that none is tried twice. None: deferred messages are due by their hour.
    """

    run: str
    first: int | None  # the edition to look in before any other: the one of the last claim
    now: datetime
    until: datetime
    deadline: timedelta
    room: int
    routes: tuple[str, ...] = ("smtp",)  # whose messages: the transport's own, then those it stands in for
    retry: Retry | None = None
    resting: frozenset[str] = frozenset()  # domains that asked for rest
    rest_until: datetime = FOREVER
    home: Callable[[str, int], str] | None = None  # (domain, employee) -> transport; None when there is only one
    quiet: Callable[[str], datetime | None] | None = None  # zone -> the end of the quiet hours that hold there now
    only: frozenset[str] = frozenset()  # addresses and domains that may get mail; none: everybody
    canary: Callable[[int], int] | None = None  # audience -> how many go first
    canary_until: datetime = FOREVER  # when a canary that is out now is judged


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """The claimed messages, how many were set aside on the way, by their new state, and editions whose canary is out."""

    messages: tuple[Message, ...] = ()
    set_aside: tuple[str, ...] = ()
    canaries: tuple[int, ...] = ()


_MOMENT = message.c.dated_at.type
_FIELDS: list[ColumnElement[Any]] = [message.c[f] for f in ("id", "employee_id", "state", "language", "networks", "name")]
_FIELDS += [cast(message.c[f], Text).label(f) for f in ("picks", "spares")]  # as text: many people have the same ones, see `_picks`
_FIELDS += [message.c[f] for f in ("due_at", "next_attempt_at", "attempts", "dated_at", "share_token")]
_FIELDS += [message.c.route, employee.c.mailbox, employee.c.address, employee.c.left_at, employee.c.zone]
_FIELDS += [message.c.edition_id, edition.c.period, edition.c.state.label("edition_state"), edition.c.audience]
_FIELDS += [edition.c.canary_left, edition.c.canary_until]
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
        message.c.route == bindparam("route"),
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
    canaries_out: list[int] = []
    for edition_id in _open_editions(connection, wanted.first):
        for rows in _candidates(connection, edition_id, wanted, taken):
            room = _canary_room(connection, rows[0], wanted, wanted.room - len(taken)) if rows else 0
            if rows and not room:
                canaries_out.append(edition_id)
                break
            fit, out = _sift(connection, rows, wanted)
            aside += out
            taken += _take(connection, fit[:room], wanted)
            if len(taken) >= wanted.room:
                break
        if len(taken) >= wanted.room:
            break
    return Claimed(messages=tuple(taken), set_aside=tuple(aside), canaries=tuple(canaries_out))


def _canary_room(connection: Connection, row: Row[Any], wanted: Claim, room: int) -> int:
    """How many of `room` the edition's canary lets go; 0 once it is out and not judged."""
    if row.canary_left is None and row.edition_state == EditionState.APPROVED and wanted.canary and (size := wanted.canary(row.audience)):
        canaries.begin(connection, row.edition_id, size)
    elif row.canary_left is None:
        return room
    left = canaries.left(connection, row.edition_id)
    return room if left is None else min(room, left)


def _open_editions(connection: Connection, first: int | None) -> Iterator[int]:
    """`first`, and then, when that was not enough, every edition that may go out, the oldest period first."""
    if first is not None:
        yield first
    yield from (found for found in connection.execute(_EDITIONS).scalars().all() if found != first)


def _candidates(connection: Connection, edition_id: int, wanted: Claim, taken: Sequence[Message]) -> Iterator[Sequence[Row[Any]]]:
    """Waiting rows in the order of their hour, in growing handfuls: each is claimed or set aside before the next is read."""
    room = wanted.room
    for state in WAITING if wanted.retry is None else (MessageState.QUEUED,):
        for route in wanted.routes:
            which = {"edition": edition_id, "waiting": state, "route": route, "until": wanted.until}
            while rows := connection.execute(_DUE, {**which, "room": room}).all():
                yield rows
                room = min(2 * room, _MOST)
    for named in [] if wanted.retry is None else [wanted.retry.get(edition_id, {}).get(route, []) for route in wanted.routes]:
        while named:
            ids = [named.pop() for _ in range(min(wanted.room - len(taken), len(named)))]
            yield connection.execute(_NAMED, {"edition": edition_id, "ids": ids}).all()


def _sift(connection: Connection, rows: Sequence[Row[Any]], wanted: Claim) -> tuple[list[Row[Any]], list[str]]:
    """Those that may be mailed, and the new states of those that may not."""
    stopped = _stopped(connection, rows, wanted.now)
    fit: list[Row[Any]] = []
    changes: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for row in rows:
        change = _verdict(row, stopped, wanted) or _not_now(row, wanted)
        if change is None:
            fit.append(row)
        else:
            changes.setdefault(tuple(change.items()), []).append(row.id)
    for values, ids in changes.items():
        connection.execute(update(message).where(message.c.id.in_(ids), _WAITING).values(dict(values)))
    return fit, [state for values, ids in changes.items() if (state := dict(values).get("state")) for _ in ids]


def _not_now(row: Row[Any], wanted: Claim) -> dict[str, Any] | None:
    """What changes when the message may go out, but not now or not this way."""
    domain = row.address.rpartition("@")[2]
    if wanted.home is not None and (home := wanted.home(domain, row.employee_id)) != row.route:
        return {"route": home}
    if domain in wanted.resting:
        return {"next_attempt_at": wanted.rest_until}
    if wanted.quiet is not None and (until := wanted.quiet(row.zone)) is not None:
        return {"next_attempt_at": until}
    return None


def _stopped(connection: Connection, rows: Sequence[Row[Any]], now: datetime) -> dict[str, str]:
    """Address -> why it must not be mailed; one prepared statement, because every claim asks it."""
    addresses = {address_hash(row.address): row.address for row in rows if row.address is not None}
    found = connection.execute(_STOPPED, {"hashes": list(addresses), "at": now}).all() if addresses else []
    return {addresses[row.address_hash]: row.reason for row in found}


def _verdict(row: Row[Any], stopped: dict[str, str], wanted: Claim) -> dict[str, Any] | None:
    """The end of a message that must not go out any more, or None."""
    if row.address is None or row.left_at is not None:
        waiting = row.state == MessageState.QUEUED  # a deferred message was offered already, so it is not "no message was planned"
        return {"state": MessageState.SKIPPED if waiting else MessageState.SUPPRESSED, "reason": SkipReason.LEFT}
    if row.address in stopped:
        return {"state": MessageState.SUPPRESSED, "reason": stopped[row.address]}
    if wanted.only and not {row.address, row.address.rpartition("@")[2]} & wanted.only:
        return {"state": MessageState.SUPPRESSED, "reason": SkipReason.NOT_ALLOWED}
    if expired(row.due_at, row.next_attempt_at, wanted.deadline, wanted.now):
        return {"state": MessageState.FAILED, "reason": FailReason.EXPIRED}
    return None


def expired(due_at: datetime, next_attempt_at: datetime, deadline: timedelta, now: datetime) -> bool:
    """True after the message's deadline. A try set for later than that is an operator's own word, and counts."""
    return now > due_at + deadline and next_attempt_at <= due_at + deadline


def _take(connection: Connection, rows: Sequence[Row[Any]], wanted: Claim) -> list[Message]:
    if not rows:
        return []
    connection.execute(_TAKE, {"ids": [row.id for row in rows], "run": wanted.run, "at": wanted.now})
    if rows[0].canary_left is not None or wanted.canary is not None:
        canaries.spend(connection, rows[0].edition_id, len(rows), wanted.canary_until)
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
        picks=_picks(row.picks),
        spares=_picks(row.spares),
        networks=tuple(row.networks),
        share_token=row.share_token or "",
        due_at=row.due_at,
        attempts=row.attempts,
        dated_at=row.dated_at or now,
    )


@lru_cache(maxsize=4096)
def _picks(said: str) -> tuple[Pick, ...]:
    return tuple(Pick(n=n, because=because) for n, because in json.loads(said))


def due(connection: Connection, until: datetime, most: int, route: str, states: Iterable[MessageState] = WAITING) -> int:
    """How many messages of a transport may be claimed that are due by `until`, counted up to `most`."""
    count = 0
    for edition_id in _open_editions(connection, None):
        for state in states:
            waiting = (message.c.edition_id == edition_id) & (message.c.state == state) & (message.c.route == route)
            count += len(connection.execute(select(message.c.id).where(waiting, message.c.next_attempt_at <= until).limit(most)).all())
    return min(count, most)


def deferred(connection: Connection) -> Retry:
    """The deferred messages of open editions, edition -> transport -> ids, the one whose attempt comes first at the end."""
    found: Retry = {}
    for edition_id in _open_editions(connection, None):
        waiting = (message.c.edition_id == edition_id) & (message.c.state == MessageState.DEFERRED)
        rows = connection.execute(select(message.c.id, message.c.route).where(waiting).order_by(message.c.next_attempt_at.desc()))
        for row in rows:
            found.setdefault(edition_id, {}).setdefault(row.route, []).append(int(row.id))
    return found


def sender(connection: Connection, edition_id: int) -> str:
    """The address in MAIL FROM, frozen with the edition."""
    return str(connection.execute(select(edition.c.envelope).where(edition.c.id == edition_id)).scalar_one()["from_address"])
