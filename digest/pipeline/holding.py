"""What holds letters back that have come to their hour: said by every tick, so that nobody takes silence for an end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from digest.config import Config
from digest.db import editions, held, relays
from digest.db.held import PutOff
from digest.domain.calendar import zone_of
from digest.domain.message import MessageState
from digest.domain.quiet import parse_quiet, quiet_until
from digest.domain.spoken import moment
from digest.pipeline.committer import BREAKER, CANARY

_MACHINES = frozenset({BREAKER, CANARY})
What = Literal["paused", "rest", "canary", "quiet", "asked_to_wait", "deferred"]


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Something that holds `count` letters back; `by` is empty, or who paused: "breaker", "canary", or a person's name."""

    what: What
    subject: str  # the edition, or for a rest the transport
    count: int
    reason: str = ""
    until: datetime | None = None
    by: str = ""
    said: str

    @property
    def needs_somebody(self) -> bool:
        """True when nothing goes on until somebody acts, and nobody asked for that."""
        return self.what == "paused" and self.by in _MACHINES

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"until": None if self.until is None else self.until.isoformat()}


def look(connection: Connection, config: Config, now: datetime) -> tuple[Hold, ...]:
    """Everything that holds something back now, what needs somebody first."""
    return (*_paused(connection), *_rests(connection, now), *_canaries(connection, now), *_put_off(connection, config, now))


def resume_command(connection: Connection, period: str) -> str:
    """What to type for the edition to go on; the newest needs no name."""
    newest = editions.newest(connection)
    named = "" if newest is not None and newest.period == period else f" --edition {period}"
    return f"`digest edition resume{named}`"


def _paused(connection: Connection) -> Iterator[Hold]:
    for one in held.paused(connection):
        why = f" ({one.reason})" if one.reason else ""
        waits = f", and {one.waiting:,} {_wait(one.waiting)}" if one.waiting else ""
        go_on = f"Go on with {resume_command(connection, one.period)}"
        cured = ", once that is cured" if one.who in _MACHINES else ""
        said = f"{one.period} is paused{why}{waits}. {go_on}{cured}."
        yield Hold(what="paused", subject=one.period, count=one.waiting, reason=one.reason, by=one.who, said=said)


def _rests(connection: Connection, now: datetime) -> Iterator[Hold]:
    waiting = held.waits_for(connection, now)
    for name, trouble in relays.troubles(connection, now).items():
        count = waiting.get(name, 0)
        if trouble.until is None or not count:
            continue
        why, when = trouble.reason.rstrip("."), moment(trouble.until, now)
        said = f"{name} rests until {when} ({why}), and {count:,} {_wait(count)} for it. `digest edition resume` ends the rest."
        yield Hold(what="rest", subject=name, count=count, reason=trouble.reason, until=trouble.until, said=said)


def _canaries(connection: Connection, now: datetime) -> Iterator[Hold]:
    for one in held.canaries(connection, now):
        rest = f"the rest of {one.period} ({one.waiting:,}) follows at {moment(one.until, now)}, unless too much of it fails"
        said = f"The canary of {one.offered:,} is out; {rest}."
        yield Hold(what="canary", subject=one.period, count=one.waiting, until=one.until, said=said)


def _put_off(connection: Connection, config: Config, now: datetime) -> Iterator[Hold]:
    quiet = parse_quiet(config.schedule.quiet)
    groups: dict[tuple[str, What], list[PutOff]] = defaultdict(list)
    for one in held.put_off(connection, now):
        hushed = quiet_until(now, quiet, zone_of(one.zone, config.site_zone)) is not None
        groups[one.period, "deferred" if one.state == MessageState.DEFERRED else "quiet" if hushed else "asked_to_wait"].append(one)
    for (period, what), found in sorted(groups.items()):
        count, until = sum(one.count for one in found), min(one.until for one in found)
        yield Hold(what=what, subject=period, count=count, until=until, said=_later(what, count, moment(until, now), several=len(found) > 1))


def _later(what: What, count: int, when: str, *, several: bool) -> str:
    if what == "deferred":
        return f"{count:,} {'is' if count == 1 else 'are'} deferred; the next try is at {when}."
    until = f"{when} and later" if several and what == "quiet" else when
    return f"{count:,} {_wait(count)} until {until} ({'schedule.quiet' if what == 'quiet' else 'their domain asked for a rest'})."


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"
