"""Claiming: a waiting message goes to sending by compare-and-set, and names the run that holds it.

Who must not be mailed any more is set aside in the same step, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, select, update

from digest.db import gate, hot
from digest.db.hot import IS_WAITING, OPEN_EDITION, WAITING
from digest.db.prepared import Row
from digest.db.schema import edition, message
from digest.domain.employee import EmployeeId
from digest.domain.message import FailReason, Message, MessageId, MessageState, Pick, SkipReason
from digest.domain.suppression import address_hash

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
Retry = dict[int, dict[str, list[int]]]
Changed = tuple[tuple[Pick, ...], tuple[Pick, ...]]  # other picks and spares
Route = tuple[str, frozenset[str] | None]  # a transport, and the domains whose messages of it are meant; None: all of them


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
    routes: tuple[Route, ...] = (("smtp", None),)  # whose messages: the transport's own, then those it stands in for
    retry: Retry | None = None
    resting: frozenset[str] = frozenset()  # domains that asked for rest
    rest_until: datetime = FOREVER
    home: Callable[[str, int], str] | None = None  # (domain, employee) -> transport; None when there is only one
    quiet: Callable[[str], datetime | None] | None = None  # zone -> the end of the quiet hours that hold there now
    only: frozenset[str] = frozenset()  # addresses and domains that may get mail; none: everybody
    canary: Callable[[int], int] | None = None  # audience -> how many go first
    canary_until: datetime = FOREVER  # when a canary that is out now is judged
    plain: frozenset[int] = frozenset()  # editions that are known to be going out, without a canary
    give_way: Callable[[Connection, Sequence[Row]], Mapping[int, Changed]] | None = None  # which of these carry other posts now


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """The claimed messages, and what was met on the way."""

    messages: tuple[Message, ...] = ()
    set_aside: tuple[str, ...] = ()  # the new state of each that must not go out
    canaries: tuple[int, ...] = ()  # editions whose canary is out
    plain: tuple[int, ...] = ()  # editions that go out without one
    more: bool = False  # so much was set aside that the rest is left for another claim


_EDITIONS = select(edition.c.id).where(OPEN_EDITION).order_by(edition.c.period)
_MOST = 512  # rows looked at together when many must be set aside
_ENOUGH = 2000  # rows set aside in one claim; others want to write as well


def claim(connection: Connection, wanted: Claim) -> Claimed:
    """Take up to `wanted.room` messages that may go out now; one edition after the other, retries after first tries."""
    found = _Finding()
    for edition_id in _open_editions(connection, wanted.first):
        _claim_from(connection, edition_id, wanted, found)
        if len(found.taken) >= wanted.room or found.aside >= _ENOUGH:
            break
    return Claimed(
        messages=tuple(found.taken),
        set_aside=tuple(found.states),
        canaries=tuple(found.canaries),
        plain=tuple(found.plain),
        more=found.aside >= _ENOUGH,
    )


@dataclass(kw_only=True)
class _Finding:
    taken: list[Message] = field(default_factory=list)
    states: list[str] = field(default_factory=list)  # of those that were set aside for good
    aside: int = 0  # rows that were changed and not taken
    canaries: list[int] = field(default_factory=list)
    plain: list[int] = field(default_factory=list)


def _claim_from(connection: Connection, edition_id: int, wanted: Claim, found: _Finding) -> None:
    room = wanted.room - len(found.taken)
    entered = None
    if edition_id not in wanted.plain:
        # Locked before its messages, because whoever pauses or cancels it takes the locks in that order.
        entered = gate.enter(connection, edition_id, wanted.canary)
        if entered is None or entered.left == 0:
            found.canaries += [] if entered is None else [edition_id]
            return
        room = room if entered.left is None else min(room, entered.left)
    taken = 0
    for rows in _candidates(connection, edition_id, wanted, room):
        fit = _sift(connection, rows, wanted, found)[: room - taken]
        found.taken += _take(connection, fit, wanted)
        taken += len(fit)
        if taken >= room or found.aside >= _ENOUGH:
            break
    if entered is not None and taken:
        gate.leave(connection, edition_id, entered, taken, wanted.canary_until)
    if entered is not None and entered.left is None and (taken or entered.sending):
        found.plain.append(edition_id)


def _open_editions(connection: Connection, first: int | None) -> Iterator[int]:
    """`first`, and then, when that was not enough, every edition that may go out, the oldest period first."""
    if first is not None:
        yield first
    yield from (found for found in connection.execute(_EDITIONS).scalars().all() if found != first)


def _candidates(connection: Connection, edition_id: int, wanted: Claim, room: int) -> Iterator[Sequence[Row]]:
    """Waiting rows in the order of their hour, in growing handfuls: each is claimed or set aside before the next is read."""
    handful = room
    for state in WAITING if wanted.retry is None else (MessageState.QUEUED,):
        for route, domains in wanted.routes:
            which = {"edition": edition_id, "waiting": state, "route": route, "until": wanted.until}
            while rows := hot.due_rows(connection, {**which, "room": handful}, domains):
                yield rows
                handful = min(2 * handful, _MOST)
    mine = [] if wanted.retry is None else [wanted.retry.get(edition_id, {}).get(route, []) for route, domains in wanted.routes if domains is None]
    for named in mine:
        while named:
            ids = [named.pop() for _ in range(min(room, len(named)))]
            yield hot.named_rows(connection, edition_id, ids)


def _sift(connection: Connection, rows: Sequence[Row], wanted: Claim, found: _Finding) -> list[Row]:
    """Those that may be mailed now; the others are changed as they must be."""
    stopped = _stopped(connection, rows, wanted.now)
    fit: list[Row] = []
    changes: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for row in rows:
        change = _verdict(row, stopped, wanted) or _not_now(row, wanted)
        if change is None:
            fit.append(row)
        else:
            changes.setdefault(tuple(change.items()), []).append(row.id)
    for values, ids in changes.items():
        connection.execute(update(message).where(message.c.id.in_(ids), IS_WAITING).values(dict(values)))
        found.states += [dict(values)["state"]] * len(ids) if "state" in dict(values) else []
        found.aside += len(ids)
    return fit


def _not_now(row: Row, wanted: Claim) -> dict[str, Any] | None:
    """What changes when the message may go out, but not now or not this way."""
    domain = row.address.rpartition("@")[2]
    if wanted.home is not None and wanted.home(domain, row.employee_id) != row.route:
        return {"route": wanted.home(domain, row.employee_id)}
    until = wanted.rest_until if domain in wanted.resting else None
    if wanted.quiet is not None:
        until = wanted.quiet(row.zone) or until
    if until is None:
        return None
    if row.next_attempt_at <= row.due_at + wanted.deadline < until:
        return {"state": MessageState.FAILED, "reason": FailReason.EXPIRED}
    return {"next_attempt_at": until}


def _stopped(connection: Connection, rows: Sequence[Row], now: datetime) -> dict[str, str]:
    """Address -> why it must not be mailed."""
    addresses = {address_hash(row.address): row.address for row in rows if row.address is not None}
    found = hot.stopped(connection, list(addresses), now) if addresses else []
    return {addresses[row.address_hash]: row.reason for row in found}


def _verdict(row: Row, stopped: dict[str, str], wanted: Claim) -> dict[str, Any] | None:
    """The end of a message that must not go out any more, or None."""
    if row.address is None or row.left_at is not None:
        waiting = row.state == MessageState.QUEUED  # a deferred message was offered already, so it is not "no message was planned"
        return {"state": MessageState.SKIPPED if waiting else MessageState.SUPPRESSED, "reason": SkipReason.LEFT}
    if row.paused_until is not None and row.due_at < row.paused_until and row.state == MessageState.QUEUED:
        return {"state": MessageState.SKIPPED, "reason": SkipReason.PAUSED}
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


def _take(connection: Connection, rows: Sequence[Row], wanted: Claim) -> list[Message]:
    changed = wanted.give_way(connection, rows) if rows and wanted.give_way is not None else {}
    if rows:
        hot.take(connection, [row.id for row in rows], run=wanted.run, route=wanted.routes[0][0], now=wanted.now)
    return [_noun(row, wanted.now, changed.get(row.id)) for row in rows]


def _noun(row: Row, now: datetime, changed: Changed | None) -> Message:
    return Message(
        id=MessageId(row.id),
        edition=row.edition_id,
        period=row.period,
        employee=EmployeeId(row.employee_id),
        address=row.mailbox,
        name=row.name,
        language=row.language,
        picks=changed[0] if changed else picks_of(row.picks),
        spares=changed[1] if changed else picks_of(row.spares),
        networks=tuple(row.networks),
        share_token=row.share_token or "",
        tally=row.tally,
        zone=row.zone,
        due_at=row.due_at,
        attempts=row.attempts,
        dated_at=row.dated_at or now,
    )


@lru_cache(maxsize=4096)
def picks_of(said: str) -> tuple[Pick, ...]:
    """Picks as their column's text says."""
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
