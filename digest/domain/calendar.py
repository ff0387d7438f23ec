"""The organisation's weeks, and wall clocks turned into moments.

A period is an ISO week of the organisation, so an employee who changes zone gets neither two messages nor none.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


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


@lru_cache(maxsize=1024)  # zoneinfo itself keeps only eight, and reads the others anew
def zone_of(name: str, otherwise: ZoneInfo) -> ZoneInfo:
    """The zone called `name`; `otherwise` for "" and for a name that is not known (any more)."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; empty or no name at all; the name of a folder of zones
        return otherwise
