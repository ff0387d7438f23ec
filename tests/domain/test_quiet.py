"""Quiet hours: never a moment in them, and never one longer than needed, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.quiet import Quiet, parse_quiet, quiet_until
from tests.domain.test_calendar import at, changes

NIGHT = Quiet(start=time(21), end=time(6))
ZONES = sorted(available_timezones())
CLOCKS = st.builds(time, st.integers(0, 23), st.integers(0, 59))


def clock(moment: datetime, zone: ZoneInfo) -> time:
    return moment.astimezone(zone).time()


def test_the_words_of_the_configuration_are_read() -> None:
    assert parse_quiet("21:00-06:00") == NIGHT
    assert parse_quiet("") is None


@pytest.mark.parametrize(("said", "held"), [("20:59", False), ("21:00", True), ("00:00", True), ("05:59", True), ("06:00", False)])
def test_the_first_minute_is_quiet_and_the_end_is_not(said: str, held: bool) -> None:
    assert NIGHT.holds(time.fromisoformat(said)) is held
    assert Quiet(start=time(12), end=time(13)).holds(time(12, 30))


def test_the_same_moment_is_quiet_for_one_and_not_for_another() -> None:
    evening = at("2026-11-24T20:30:30")
    assert quiet_until(evening, NIGHT, ZoneInfo("Europe/Berlin")) == at("2026-11-25T05:00")
    assert quiet_until(evening, NIGHT, ZoneInfo("America/New_York")) is None
    assert quiet_until(evening, None, ZoneInfo("Europe/Berlin")) is None
    assert quiet_until(at("2026-11-25T04:59"), NIGHT, ZoneInfo("Europe/Berlin")) == at("2026-11-25T05:00")


@pytest.mark.parametrize(
    ("zone", "now", "quiet", "end"),
    [
        ("Europe/Berlin", "2026-03-28T23:00", "21:00-02:30", "2026-03-29T01:00"),  # the end is skipped: the end of the gap
        ("Europe/Berlin", "2026-10-25T00:10", "21:00-02:30", "2026-10-25T00:30"),  # the end comes twice: the first time ...
        ("Europe/Berlin", "2026-10-25T01:10", "21:00-02:30", "2026-10-25T01:30"),  # ... and when that is past, the second
        ("America/Havana", "2026-11-01T05:10", "21:00-00:30", "2026-11-01T05:30"),  # the same at midnight
        ("Europe/Berlin", "2026-03-29T00:30", "02:30-02:15", "2026-03-30T00:15"),  # a whole day but for minutes that the gap swallowed
        ("Africa/Cairo", "2026-04-23T21:30", "23:00-00:15", "2026-04-23T22:00"),  # 00:15 is skipped: 01:00
    ],
)
def test_a_change_of_the_clocks_ends_the_quiet_at_the_first_moment_that_is_not(zone: str, now: str, quiet: str, end: str) -> None:
    assert quiet_until(at(now), parse_quiet(quiet), ZoneInfo(zone)) == at(end)


def check(now: datetime, quiet: Quiet, zone: ZoneInfo) -> None:
    """The answer is not quiet, later than now, and every quarter of an hour before it is quiet.

    Only a clock that is set back may leave the quiet hours for some minutes; they count as quiet.
    """
    until = quiet_until(now, quiet, zone)
    if until is None:
        assert not quiet.holds(clock(now, zone))
        return
    assert until > now
    assert not quiet.holds(clock(until, zone))
    step, passed = timedelta(minutes=15), now
    while passed < until and passed.astimezone(zone).utcoffset() == now.astimezone(zone).utcoffset():
        assert quiet.holds(clock(passed, zone)), f"{zone.key}: {passed} was not quiet, yet the answer is {until}"
        passed += step


@given(st.sampled_from(ZONES), st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), CLOCKS, CLOCKS)  # noqa: DTZ001 - made UTC below
def test_the_answer_is_the_first_moment_that_is_not_quiet(zone: str, now: datetime, start: time, end: time) -> None:
    if start != end:
        check(now.replace(tzinfo=UTC), Quiet(start=start, end=end), ZoneInfo(zone))


@pytest.mark.parametrize("quiet", ["21:00-06:00", "22:30-00:30", "23:45-02:15", "00:15-01:45", "21:00-02:30", "01:30-01:15"])
def test_around_every_change_of_every_clock_the_answer_is_the_first_moment_that_is_not_quiet(quiet: str) -> None:
    found = parse_quiet(quiet)
    assert found is not None
    for name in ZONES:
        zone = ZoneInfo(name)
        for change in changes(zone, date(2026, 1, 1), date(2027, 1, 1)):
            for minutes in range(-180, 181, 20):
                check(change + timedelta(minutes=minutes), found, zone)
