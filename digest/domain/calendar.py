"""The organisation's weeks, and each employee's own hour in them.

A period is an ISO week of the organisation, so an employee who changes zone gets neither two messages nor none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, kw_only=True)
class Hours:
    """When the week goes out, as `[schedule]` says it."""

    day: str
    at: time
    site_zone: ZoneInfo
    everywhere_local: bool  # True: each employee's own wall clock; False: the site's
    plan_ahead: timedelta
    catch_up: timedelta


def period_of(day: date) -> str:
    """The ISO week of `day` as 2026-W48."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def parse_period(text: str) -> tuple[int, int]:
    """Year and week of `2026-W48`. Raises ValueError when there is no such week."""
    year, mark, week = text.partition("-W")
    if not mark or not (year.isascii() and year.isdigit() and week.isascii() and week.isdigit() and len(week) == len("48")):
        raise ValueError(text)
    date.fromisocalendar(int(year), int(week), 1)
    return int(year), int(week)


def day_in(period: str, weekday: str) -> date:
    """The local date of `weekday` in `period`."""
    year, week = parse_period(period)
    return date.fromisocalendar(year, week, WEEKDAYS.index(weekday) + 1)


def following(period: str) -> str:
    """The week after `period`."""
    return period_of(day_in(period, "monday") + timedelta(days=7))


def to_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment a wall clock in `zone` shows `wall` (naive, whole minutes).

    A time that a clock change skips moves to the end of the gap; one that comes twice takes the first.
    """
    while True:
        moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
            return moment
        wall += timedelta(minutes=1)


def due_at(period: str, hours: Hours, zone: ZoneInfo) -> datetime:
    """When the message of `period` is due for somebody in `zone`."""
    wall = datetime.combine(day_in(period, hours.day), hours.at)
    return to_utc(wall, zone if hours.everywhere_local else hours.site_zone)


@dataclass(frozen=True, kw_only=True)
class Window:
    """The span of one period: from its first due hour anywhere to its last."""

    period: str
    first: datetime
    last: datetime


def window(period: str, hours: Hours, zones: frozenset[str]) -> Window:
    """First and last due hour of `period` over the zones people live in (the site's when nobody is there)."""
    moments = [due_at(period, hours, ZoneInfo(zone)) for zone in zones] or [due_at(period, hours, hours.site_zone)]
    return Window(period=period, first=min(moments), last=max(moments))


def is_over(last_due: datetime, hours: Hours, now: datetime) -> bool:
    """True when even the catch-up after `last_due` has passed: what was not sent by then is missed."""
    return now > last_due + hours.catch_up


def coming(now: datetime, hours: Hours, zones: frozenset[str]) -> Window:
    """The period that is next to go out, or is going out: the first whose last hour and catch-up are not over."""
    period = period_of((now.astimezone(hours.site_zone) - timedelta(days=7)).date())
    while True:
        found = window(period, hours, zones)
        if not is_over(found.last, hours, now):
            return found
        period = following(period)


def to_plan(now: datetime, hours: Hours, zones: frozenset[str]) -> str | None:
    """The period whose planning is due now, or None while the coming one is still far."""
    found = coming(now, hours, zones)
    return found.period if now >= found.first - hours.plan_ahead else None


def missed(now: datetime, hours: Hours, zones: frozenset[str], known: frozenset[str]) -> list[str]:
    """Periods since the oldest known edition that are over and have no edition: they never started."""
    if not known:
        return []
    period, found = min(known), []
    while is_over(window(period, hours, zones).last, hours, now):
        if period not in known:
            found.append(period)
        period = following(period)
    return found
