"""Quiet hours: a span of each person's own clock in which nothing is sent to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digest.domain.calendar import to_utc

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """From `start` to before `end` on a wall clock; over midnight when `end` comes first."""

    start: time
    end: time

    def holds(self, clock: time) -> bool:
        """True when `clock` lies in it."""
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end


def parse_quiet(text: str) -> Quiet | None:
    """`21:00-06:00`, which the configuration has checked; None for no quiet hours."""
    start, _, end = text.partition("-")
    return Quiet(start=time.fromisoformat(start), end=time.fromisoformat(end)) if text else None


def quiet_until(now: datetime, quiet: Quiet | None, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours that hold at `now` in `zone` end (UTC), or None when it is not quiet there. Never quiet itself."""
    moment = now
    while quiet is not None and quiet.holds(_wall(moment, zone).time()):
        moment = _end(moment, quiet, zone)
    return None if moment == now else moment


def quiet_since(now: datetime, quiet: Quiet | None, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours that hold at `now` in `zone` began (UTC), or None when it is not quiet there."""
    if quiet_until(now, quiet, zone) is None or quiet is None:
        return None
    wall = _wall(now, zone)
    day = wall.date() - _DAY * (quiet.start > quiet.end and wall.time() < quiet.end)
    return min(now, to_utc(datetime.combine(day, quiet.start), zone))


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _end(now: datetime, quiet: Quiet, zone: ZoneInfo) -> datetime:
    """When the quiet hours that hold at `now` end: the first such time after it, where a clock change makes two."""
    wall = _wall(now, zone)
    day = wall.date() + _DAY * (quiet.start > quiet.end and wall.time() >= quiet.start)
    end = datetime.combine(day, quiet.end)
    first = to_utc(end, zone)
    return first if first > now else end.replace(tzinfo=zone, fold=1).astimezone(UTC)
