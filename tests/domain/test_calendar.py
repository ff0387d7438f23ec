"""The calendar's promises: weeks that read back, and wall clocks that mean one moment in every zone."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain import calendar

ZONES = sorted(available_timezones())
QUARTER = timedelta(minutes=15)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def shown(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def changes(zone: ZoneInfo, first: date, last: date) -> Iterator[datetime]:
    """The moments between two days at which the zone's clocks change, to the minute."""
    days = [datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(days=n) for n in range((last - first).days + 1)]
    for day, next_day in pairwise(days):
        before = day.astimezone(zone).utcoffset()
        if before != next_day.astimezone(zone).utcoffset():
            minutes = range(24 * 60)
            yield day + timedelta(minutes=bisect_left(minutes, 1, key=lambda n: (day + timedelta(minutes=n)).astimezone(zone).utcoffset() != before))


@pytest.mark.parametrize(
    ("zone", "said", "moment"),
    [
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00"),  # skipped: the end of the gap, 03:00 local
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),  # twice: the first
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30"),  # a gap of half an hour
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45"),  # half an hour twice: the first
        ("Africa/Cairo", "2026-04-24T00:15", "2026-04-23T22:00"),  # gaps at midnight
        ("Asia/Beirut", "2026-03-29T00:00", "2026-03-28T22:00"),
        ("America/Santiago", "2026-09-06T00:30", "2026-09-06T04:00"),
        ("America/Havana", "2026-03-08T00:59", "2026-03-08T05:00"),
        ("Atlantic/Azores", "2026-03-29T00:30", "2026-03-29T01:00"),
        ("America/Havana", "2026-11-01T00:30", "2026-11-01T04:30"),  # midnight twice: the first
        ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T10:00"),  # a day that never was: the first minute of the next
        ("Asia/Pyongyang", "2018-05-04T23:45", "2018-05-04T15:00"),
    ],
)
def test_a_skipped_hour_moves_to_the_end_of_the_gap_and_a_doubled_one_takes_the_first(zone: str, said: str, moment: str) -> None:
    assert calendar.to_utc(wall(said), ZoneInfo(zone)) == at(moment)


@pytest.mark.parametrize(("old", "new"), [("Asia/Calcutta", "Asia/Kolkata"), ("Europe/Kiev", "Europe/Kyiv"), ("US/Pacific", "America/Los_Angeles")])
def test_a_zone_under_its_old_name_keeps_the_same_clock(old: str, new: str) -> None:
    said = wall("2026-07-14T09:00")
    assert calendar.to_utc(said, ZoneInfo(old)) == calendar.to_utc(said, ZoneInfo(new))


def test_every_change_of_every_clock_in_two_years_keeps_the_rule() -> None:
    gaps = folds = 0
    for name in ZONES:
        zone = ZoneInfo(name)
        for change in changes(zone, date(2026, 1, 1), date(2028, 1, 1)):
            before, after = (change - timedelta(minutes=1)).astimezone(zone), change.astimezone(zone)
            start = before.replace(tzinfo=None, fold=0) + timedelta(minutes=1)  # the wall clock as it would have gone on
            end = shown(change, zone)
            gaps, folds = gaps + (end > start), folds + (end < start)
            for n in range(-12, 13):
                said = min(start, end) + n * QUARTER
                moment = calendar.to_utc(said, zone)
                if start <= said < end:
                    assert moment == change, f"{name} {said}: a time in the gap means its end"
                else:
                    assert shown(moment, zone) == said, f"{name} {said}: the clock shows another time"
                    assert shown(moment - abs(end - start), zone) != said, f"{name} {said}: it is not the first time"
            assert after.utcoffset() != before.utcoffset()
    assert gaps > 300
    assert folds > 300


@given(st.sampled_from(ZONES), st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))  # noqa: DTZ001 - wall times
def test_the_wall_clock_shows_the_hour_asked_for_or_the_first_one_after_a_gap(zone: str, said: datetime) -> None:
    said = said.replace(second=0, microsecond=0)
    assert timedelta(0) <= shown(calendar.to_utc(said, ZoneInfo(zone)), ZoneInfo(zone)) - said <= timedelta(hours=24)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "Europe", "../../etc/passwd", "Ber\0lin", "GMT+99"])
def test_a_zone_that_is_not_known_is_the_sites(name: str) -> None:
    site = ZoneInfo("Europe/Berlin")
    assert calendar.zone_of(name, site) is site
    assert calendar.zone_of("Asia/Kolkata", site).key == "Asia/Kolkata"


@given(st.dates(date(2020, 1, 1), date(2035, 12, 31)))
def test_a_period_reads_back_as_the_week_it_was_made_of(day: date) -> None:
    period = calendar.period_of(day)
    assert calendar.day_in(period, "monday") <= day <= calendar.day_in(period, "sunday")
    assert calendar.period_of(calendar.day_in(calendar.following(period), "sunday")) == calendar.following(period)


@pytest.mark.parametrize("text", ["2026-48", "2026-W60", "2026-W5", "W48", "2026-W٤٨", ""])
def test_what_is_no_week_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        calendar.parse_period(text)
