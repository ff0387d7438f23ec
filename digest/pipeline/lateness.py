"""Letters that are late for no good reason, or failed, or were left on the wire: the sentences of `digest verify` about messages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from digest.config import Config
from digest.db import lateness, relays
from digest.db.lateness import Late
from digest.db.relays import Trouble
from digest.domain.calendar import zone_of
from digest.domain.message import FailReason
from digest.domain.quiet import parse_quiet, quiet_since
from digest.domain.spoken import counted, moment, span
from digest.pipeline import transports

_LATE = timedelta(minutes=30)  # a letter that waits so long is late, unless somebody or something asked for it
_BUSY = timedelta(minutes=10)  # a transport that tried a message in this time is at it
_FAILED_SPOKEN_OF = timedelta(weeks=1)  # what failed is named that long after the last due hour
_TOLERATED = 0.05  # wrong addresses in a roster that need no word here; who keeps it finds them in `edition status`


def problems(connection: Connection, config: Config, now: datetime) -> list[str]:
    """A sentence for each, with what is known about its cause and what to type."""
    return [*_abandoned(connection, config), *_late(connection, config, now), *_failed(connection, now)]


def _abandoned(connection: Connection, config: Config) -> Iterator[str]:
    for name, count in lateness.abandoned(connection).items():
        them = "it" if count == 1 else "them"
        decide = f"names {them}, then decide with `digest edition resolve --edition {name}`"
        after = decide if config.delivery.on_doubt == "hold" else f"sends {them} again"
        yield f"{name} has {count:,} still sending, and the run that held {them} is dead. Run `digest tick`, which {after}."


def _late(connection: Connection, config: Config, now: datetime) -> Iterator[str]:
    """Letters that might have gone out half an hour ago, by edition and transport, with what is known about that transport."""
    found: dict[tuple[str, str], list[Late]] = {}
    for one in _waiting_long(connection, config, now):
        found.setdefault((one.period, one.route), []).append(one)
    busy, known = lateness.busy_routes(connection, now - _BUSY), relays.troubles(connection, now)
    limits = {relay.name: relay.limits for relay in transports.relays(config)} if found else {}
    for (period, route), group in found.items():
        if route in busy or (route not in known and lateness.throttled(connection, route, tuple(limits.get(route, ())), now)):
            continue
        count, since = sum(one.count for one in group), min(one.since for one in group)
        head = f"{count:,} of {counted(lateness.planned(connection, period), 'letter')} of {period} {'is' if count == 1 else 'are'} late"
        yield f"{head}, by {span(now - since)} at most. {_because(route, known.get(route), now)}"


def _waiting_long(connection: Connection, config: Config, now: datetime) -> Iterator[Late]:
    """Quiet hours are no lateness: what people are asleep for counts only when it was late before they went to bed."""
    quiet = parse_quiet(config.schedule.quiet)
    over = now - timedelta(hours=config.delivery.deadline_hours) - _BUSY
    for one in lateness.late(connection, now - _LATE, over, now):
        began = quiet_since(now, quiet, zone_of(one.zone, config.site_zone))
        if began is None:
            yield one
        else:
            yield from (more for more in lateness.late(connection, began - _LATE, over, now, one.zone) if more.key == one.key)


def _because(route: str, trouble: Trouble | None, now: datetime) -> str:
    if trouble is None:
        return f"Nothing is known that keeps {route} from it: run `digest tick` and read what it says."
    why = trouble.reason.rstrip(".")
    if trouble.until is not None:
        return f"{route} rests until {moment(trouble.until, now)} ({why}); `digest edition resume` ends the rest."
    at = "" if trouble.at is None else f", {trouble.at:%Y-%m-%d %H:%M} UTC"
    return f"{route} could not be used when it was last tried{at}: {why}."


def _failed(connection: Connection, now: datetime) -> Iterator[str]:
    for one in lateness.failed(connection, now - _FAILED_SPOKEN_OF):
        total = sum(one.reasons.values())
        wrong = one.reasons.get(FailReason.ADDRESS, 0)
        if total > wrong or wrong > _TOLERATED * one.planned:
            why = next(iter(one.reasons)) if len(one.reasons) == 1 else ", ".join(f"{reason}: {count:,}" for reason, count in one.reasons.items())
            yield (
                f"{one.period} is over, and {total:,} of {counted(one.planned, 'letter')} failed ({why}). "
                f"See who may get it again with `digest edition resend --edition {one.period} --dry-run`."
            )
