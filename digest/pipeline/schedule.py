"""The schedule: `[schedule]`, where people live and what is off there, fetched for the rules in `domain/schedule.py`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time, timedelta

from sqlalchemy import Connection

from digest.config import Config
from digest.db import audience
from digest.domain.quiet import parse_quiet
from digest.domain.schedule import DaysOff, Hours, Timetable, closed_days
from digest.files.holidays import public_holidays

_AROUND = timedelta(weeks=5)  # days off are known this far before and after the day asked about


def hours(config: Config) -> Hours:
    """`[schedule]` as the rules take it."""
    return Hours(
        day=config.schedule.day,
        at=time.fromisoformat(config.schedule.time),
        site_zone=config.site_zone,
        everywhere_local=config.schedule.zone == "employee",
        plan_ahead=timedelta(hours=config.schedule.plan_hours),
        catch_up=timedelta(hours=config.schedule.catch_up_hours),
        quiet=parse_quiet(config.schedule.quiet),
        on_day_off="skip" if config.schedule.holidays == "skip" else "next",
    )


def timetable(connection: Connection, config: Config, day: date) -> Timetable:
    """The timetable of the people who are here now, good for the weeks around `day`."""
    places = audience.places(connection)
    countries = {place.country for place in places} if config.schedule.holidays != "ignore" else set()
    return Timetable(hours=hours(config), places=places, off=_days_off(config, countries, day))


def _days_off(config: Config, countries: Iterable[str], day: date) -> DaysOff:
    first, last = day - _AROUND, day + _AROUND
    found = ((country, off) for country in countries for year in {first.year, last.year} for off in public_holidays(country, year))
    return DaysOff(
        everywhere=closed_days(config.schedule.closed, first, last),
        in_country=frozenset((country, off) for country, off in found if first <= off <= last),
    )
