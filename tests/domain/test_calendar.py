"""The calendar's promises: one hour per person and week, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain import calendar
from digest.domain.calendar import Hours

HOURS = Hours(
    day="tuesday",
    at=time(9, 0),
    site_zone=ZoneInfo("Europe/Berlin"),
    everywhere_local=True,
    plan_ahead=timedelta(hours=24),
    catch_up=timedelta(hours=24),
)
ZONES = frozenset({"Asia/Kolkata", "Europe/Lisbon", "Africa/Nairobi"})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_each_person_is_due_at_nine_on_their_own_clock() -> None:
    assert calendar.due_at("2026-W48", HOURS, ZoneInfo("Asia/Kolkata")) == at("2026-11-24T03:30")
    assert calendar.due_at("2026-W48", HOURS, ZoneInfo("Europe/Lisbon")) == at("2026-11-24T09:00")


@pytest.mark.parametrize(
    ("zone", "wall", "moment"),
    [
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00"),  # skipped: the end of the gap, 03:00 local
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),  # twice: the first
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30"),  # a gap of half an hour
        ("Africa/Cairo", "2026-04-24T00:15", "2026-04-23T22:00"),  # a gap at midnight
        ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T10:00"),  # a day that never was
    ],
)
def test_a_skipped_hour_moves_to_the_end_of_the_gap_and_a_doubled_one_takes_the_first(zone: str, wall: str, moment: str) -> None:
    assert calendar.to_utc(datetime.fromisoformat(wall), ZoneInfo(zone)) == at(moment)


@given(st.sampled_from(sorted(available_timezones())), st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))  # noqa: DTZ001 - wall times
def test_the_wall_clock_shows_the_hour_asked_for_or_the_first_one_after_a_gap(zone: str, wall: datetime) -> None:
    wall = wall.replace(second=0, microsecond=0)
    shown = calendar.to_utc(wall, ZoneInfo(zone)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert timedelta(0) <= shown - wall <= timedelta(hours=24)


@given(st.dates(datetime(2020, 1, 1).date(), datetime(2035, 12, 31).date()))  # noqa: DTZ001 - dates
def test_a_period_reads_back_as_the_week_it_was_made_of(day: object) -> None:
    from datetime import date

    assert isinstance(day, date)
    period = calendar.period_of(day)
    assert calendar.day_in(period, "monday") <= day <= calendar.day_in(period, "sunday")
    assert calendar.period_of(calendar.day_in(calendar.following(period), "sunday")) == calendar.following(period)


@pytest.mark.parametrize("text", ["2026-48", "2026-W60", "2026-W5", "W48", "2026-W٤٨", ""])
def test_what_is_no_week_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        calendar.parse_period(text)


def test_planning_starts_a_day_before_the_earliest_zone_and_not_before() -> None:
    assert calendar.to_plan(at("2026-11-23T03:29"), HOURS, ZONES) is None
    assert calendar.to_plan(at("2026-11-23T03:30"), HOURS, ZONES) == "2026-W48"


def test_the_coming_period_changes_when_the_last_catch_up_is_over() -> None:
    assert calendar.coming(at("2026-11-25T09:00"), HOURS, ZONES).period == "2026-W48"
    assert calendar.coming(at("2026-11-25T09:01"), HOURS, ZONES).period == "2026-W49"


def test_weeks_that_never_started_are_named_once_the_first_edition_exists() -> None:
    assert calendar.missed(at("2026-12-09T12:00"), HOURS, ZONES, frozenset()) == []
    assert calendar.missed(at("2026-12-09T12:00"), HOURS, ZONES, frozenset({"2026-W47", "2026-W49"})) == ["2026-W48", "2026-W50"]
