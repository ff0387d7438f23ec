"""When each person's letter of a week is due, and what a week's span is over all people: `[schedule]` as rules.

A day off moves the due hour to the next working day, at most six days on, so that it never meets next week's letter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from digest.domain.calendar import day_in, following, period_of, to_utc, zone_of
from digest.domain.quiet import Quiet, quiet_until

_DAY = timedelta(days=1)
_LATEST = 6  # days that a letter may move on
_SATURDAY = 5
_BACK, _AHEAD = 3, 2  # weeks: how far away a week can be that is still going out, or to be planned already


@dataclass(frozen=True, kw_only=True)
class Hours:
    """When the week goes out, as `[schedule]` says it."""

    day: str
    at: time
    site_zone: ZoneInfo
    everywhere_local: bool  # True: each employee's own wall clock; False: the site's
    plan_ahead: timedelta
    catch_up: timedelta
    quiet: Quiet | None = None  # on each employee's own clock, whoever's clock `at` is on
    on_day_off: Literal["next", "skip"] = "next"


class Place(NamedTuple):
    """What a person's due hour depends on: where they live, "" when it is not known, and the hour they chose."""

    zone: str
    country: str
    hour: str = ""  # "07:30" on their own clock, whoever's clock the schedule is on; "": as everybody


@dataclass(frozen=True, kw_only=True)
class DaysOff:
    """Days on which letters are not due: everywhere, and in single countries."""

    everywhere: frozenset[date] = frozenset()
    in_country: frozenset[tuple[str, date]] = frozenset()

    def hold(self, day: date, country: str) -> bool:
        """True when `day` is off for somebody in `country`."""
        return day in self.everywhere or (country, day) in self.in_country


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """Everything that due hours follow from: the schedule, where people live, and the days off around the weeks asked about."""

    hours: Hours
    places: frozenset[Place]
    off: DaysOff = DaysOff()


@dataclass(frozen=True, kw_only=True)
class Due:
    """When a person's letter is due."""

    at: datetime
    holiday: bool = False  # there is none this week; `at` is when it would have been due


@dataclass(frozen=True, kw_only=True)
class Window:
    """The span of one period: from its first due hour anywhere to its last."""

    period: str
    first: datetime
    last: datetime


def due(period: str, table: Timetable, place: Place) -> Due:
    """When the letter of `period` is due for somebody in `place`; never in their quiet hours, never on their day off."""
    hours = table.hours
    zone, day = zone_of(place.zone, hours.site_zone), day_in(period, hours.day)
    usual = _moment(day, hours, zone, place.hour)
    if not table.off.hold(_date(usual, zone), place.country):
        return Due(at=usual)
    later = _next_working(day, table, place, zone) if hours.on_day_off == "next" else None
    return Due(at=usual, holiday=True) if later is None else Due(at=later)


def _moment(day: date, hours: Hours, zone: ZoneInfo, own: str = "") -> datetime:
    """The person's own hour on `day`, else the schedule's, or the end of the quiet hours that it falls into."""
    at, local = (time.fromisoformat(own), True) if own else (hours.at, hours.everywhere_local)
    moment = to_utc(datetime.combine(day, at), zone if local else hours.site_zone)
    return quiet_until(moment, hours.quiet, zone) or moment


def _date(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def _next_working(day: date, table: Timetable, place: Place, zone: ZoneInfo) -> datetime | None:
    """The same hour on the next day, Monday to Friday, that is not off there; None when next week's letter comes first."""
    next_week = _date(_moment(day + 7 * _DAY, table.hours, zone, place.hour), zone)
    for days in range(1, _LATEST + 1):
        moment = _moment(day + days * _DAY, table.hours, zone, place.hour)
        found = _date(moment, zone)
        if found < next_week and found.weekday() < _SATURDAY and not table.off.hold(found, place.country):
            return moment
    return None


def closed_days(said: Collection[str], first: date, last: date) -> frozenset[date]:
    """The days from `first` to `last` that `said` names: "2026-12-24", or "12-24" in every year."""
    span = (first + n * _DAY for n in range((last - first).days + 1))
    return frozenset(day for day in span if day.isoformat() in said or f"{day:%m-%d}" in said)


@lru_cache(maxsize=64)
def window(period: str, table: Timetable) -> Window:
    """First and last due hour of `period` over the places people live in (the site's when nobody is there)."""
    places = table.places or {Place(zone="", country="")}
    moments = [due(period, table, place).at for place in places]
    return Window(period=period, first=min(moments), last=max(moments))


def is_over(last_due: datetime, hours: Hours, now: datetime) -> bool:
    """True when even the catch-up after `last_due` has passed: what was not sent by then is missed."""
    return now > last_due + hours.catch_up


def _near(now: datetime, hours: Hours) -> Iterator[str]:
    """The weeks around `now`, the oldest first; one before them is over for certain, one after them still far."""
    period = period_of(_date(now - timedelta(weeks=_BACK), hours.site_zone))
    for _ in range(_BACK + 1 + _AHEAD):
        yield period
        period = following(period)


def coming(now: datetime, table: Timetable) -> Window:
    """The period that is next to go out, or is going out: the first whose last hour and catch-up are not over."""
    windows = (window(period, table) for period in _near(now, table.hours))
    return next(found for found in windows if not is_over(found.last, table.hours, now))


def to_plan(now: datetime, table: Timetable) -> list[str]:
    """The periods that ought to be planned by now and are not over; two while days off make one week reach into the next."""
    windows = [window(period, table) for period in _near(now, table.hours)]
    hours = table.hours
    return [found.period for found in windows if now >= found.first - hours.plan_ahead and not is_over(found.last, hours, now)]


def missed(now: datetime, table: Timetable, known: Collection[str]) -> list[str]:
    """Periods since the oldest known edition that are over and have no edition: they never started."""
    if not known:
        return []
    period, end, found = min(known), coming(now, table).period, []
    while period < end:
        if period not in known:
            found.append(period)
        period = following(period)
    return found
