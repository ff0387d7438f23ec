"""The schedule's promises: one due hour per person and week, on a working day, never in quiet hours, whatever the clocks do."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain import schedule
from digest.domain.calendar import WEEKDAYS, day_in, following
from digest.domain.quiet import Quiet
from digest.domain.schedule import DaysOff, Hours, Place, Timetable
from tests.domain.test_calendar import at

ZONES = sorted(available_timezones())
NIGHT = Quiet(start=time(21), end=time(6))
HOURS = Hours(
    day="tuesday",
    at=time(9, 0),
    site_zone=ZoneInfo("Europe/Berlin"),
    everywhere_local=True,
    plan_ahead=timedelta(hours=24),
    catch_up=timedelta(hours=24),
    quiet=NIGHT,
)
SITE = replace(HOURS, everywhere_local=False)
LISBON = Place("Europe/Lisbon", "PT")
PLACES = frozenset({Place("Asia/Kolkata", "IN"), LISBON, Place("Africa/Nairobi", "KE")})


def table(hours: Hours = HOURS, *off: tuple[str, str], places: frozenset[Place] = PLACES) -> Timetable:
    """A timetable; `off`: (country or "" for everywhere, day)."""
    days = [(country, date.fromisoformat(day)) for country, day in off]
    everywhere = frozenset(day for country, day in days if not country)
    return Timetable(hours=hours, places=places, off=DaysOff(everywhere=everywhere, in_country=frozenset(pair for pair in days if pair[0])))


def local(moment: datetime, place: Place) -> datetime:
    return moment.astimezone(ZoneInfo(place.zone)).replace(tzinfo=None)


def due(hours: Hours, place: Place, *off: tuple[str, str], period: str = "2026-W48") -> str:
    """The person's own day and clock, or "holiday"."""
    found = schedule.due(period, table(hours, *off), place)
    return "holiday" if found.holiday else f"{local(found.at, place):%a %d %H:%M}"


def test_each_person_is_due_at_nine_on_their_own_clock() -> None:
    assert schedule.due("2026-W48", table(), Place("Asia/Kolkata", "IN")).at == at("2026-11-24T03:30")
    assert schedule.due("2026-W48", table(), LISBON).at == at("2026-11-24T09:00")


@pytest.mark.parametrize("zone", ["", "Mars/Olympus"])
def test_somebody_whose_zone_is_not_known_lives_in_the_sites(zone: str) -> None:
    assert schedule.due("2026-W48", table(), Place(zone, "")).at == at("2026-11-24T08:00")


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Europe/Lisbon", "Tue 24 08:00"),  # nine in Berlin
        ("America/New_York", "Tue 24 06:00"),  # three at night: the end of the quiet hours
        ("America/Los_Angeles", "Tue 24 06:00"),  # midnight
        ("Pacific/Auckland", "Wed 25 06:00"),  # nine in the evening
        ("Pacific/Honolulu", "Tue 24 06:00"),  # ten on Monday evening
    ],
)
def test_the_sites_hour_waits_for_the_end_of_each_persons_quiet_hours(zone: str, said: str) -> None:
    assert due(SITE, Place(zone, "")) == said


def test_an_hour_that_a_gap_pushes_into_quiet_hours_waits_for_their_end() -> None:
    night = replace(HOURS, day="sunday", at=time(2, 30), quiet=Quiet(start=time(3), end=time(5)))
    assert due(night, Place("Europe/Berlin", ""), period="2026-W13") == "Sun 29 05:00"


@pytest.mark.parametrize(
    ("off", "said"),
    [
        ([("PT", "2026-11-25")], "Tue 24 09:00"),  # another day
        ([("ES", "2026-11-24")], "Tue 24 09:00"),  # another country
        ([("PT", "2026-11-24")], "Wed 25 09:00"),
        ([("", "2026-11-24")], "Wed 25 09:00"),  # closed everywhere
        ([("PT", "2026-11-24"), ("", "2026-11-25"), ("PT", "2026-11-26")], "Fri 27 09:00"),
        ([("PT", f"2026-11-{day}") for day in (24, 25, 26, 27)], "Mon 30 09:00"),  # over the weekend, into the next ISO week
        ([("PT", f"2026-11-{day}") for day in (24, 25, 26, 27, 30)], "holiday"),  # Tuesday belongs to the next letter
    ],
)
def test_a_day_off_moves_the_letter_to_the_next_working_day_before_the_next_letter(off: list[tuple[str, str]], said: str) -> None:
    assert due(HOURS, LISBON, *off) == said
    assert due(replace(HOURS, on_day_off="skip"), LISBON, *off) == ("holiday" if said != "Tue 24 09:00" else said)


def test_somebody_without_a_country_has_only_the_days_on_which_the_company_is_closed() -> None:
    nobody = Place("Europe/Lisbon", "")
    assert due(HOURS, nobody, ("PT", "2026-11-24")) == "Tue 24 09:00"
    assert due(HOURS, nobody, ("", "2026-11-24")) == "Wed 25 09:00"


def test_a_letter_on_weekends_moves_from_a_holiday_to_monday() -> None:
    saturday = replace(HOURS, day="saturday")
    assert due(saturday, LISBON) == "Sat 28 09:00"
    assert due(saturday, LISBON, ("PT", "2026-11-28")) == "Mon 30 09:00"


def test_a_holiday_counts_on_the_day_the_letter_would_reach_the_person() -> None:
    auckland = Place("Pacific/Auckland", "NZ")  # nine on Tuesday in Berlin is Wednesday morning there, after the quiet hours
    assert due(SITE, auckland, ("NZ", "2026-11-24")) == "Wed 25 06:00"
    assert due(SITE, auckland, ("NZ", "2026-11-25")) == "Thu 26 06:00"


def test_a_change_of_the_sites_clock_does_not_bring_two_letters_on_one_day() -> None:
    """Cairo's clocks change on Friday 24 April: ten there is nine in the evening in Tonga on Thursday, and eight on Friday."""
    cairo = replace(SITE, day="friday", at=time(10), site_zone=ZoneInfo("Africa/Cairo"))
    tonga, off = Place("Pacific/Tongatapu", "TO"), [("TO", f"2026-04-{day}") for day in (18, 20, 21, 22, 23)]
    assert due(cairo, tonga, period="2026-W17") == "Fri 24 20:00"
    assert due(cairo, tonga, *off, period="2026-W16") == "holiday", "Thursday's would arrive on Friday at six"


def test_a_letter_without_a_working_day_names_the_hour_it_would_have_had() -> None:
    found = schedule.due("2026-W48", table(replace(HOURS, on_day_off="skip"), ("PT", "2026-11-24")), LISBON)
    assert (found.at, found.holiday) == (at("2026-11-24T09:00"), True)


def test_closed_days_are_dates_or_days_of_every_year() -> None:
    said = ["12-24", "2027-01-04", "02-29"]
    found = schedule.closed_days(said, date(2026, 12, 1), date(2028, 3, 1))
    assert sorted(found) == [date(2026, 12, 24), date(2027, 1, 4), date(2027, 12, 24), date(2028, 2, 29)]


def test_planning_starts_a_day_before_the_earliest_zone_and_not_before() -> None:
    assert schedule.to_plan(at("2026-11-23T03:29"), table()) == []
    assert schedule.to_plan(at("2026-11-23T03:30"), table()) == ["2026-W48"]


def test_where_the_earliest_zone_has_a_holiday_planning_starts_before_the_next_one() -> None:
    assert schedule.to_plan(at("2026-11-23T05:59"), table(HOURS, ("IN", "2026-11-24"))) == []
    assert schedule.to_plan(at("2026-11-23T06:00"), table(HOURS, ("IN", "2026-11-24"))) == ["2026-W48"]


def test_the_coming_period_changes_when_the_last_catch_up_is_over() -> None:
    assert schedule.coming(at("2026-11-25T09:00"), table()).period == "2026-W48"
    assert schedule.coming(at("2026-11-25T09:01"), table()).period == "2026-W49"


def test_a_week_is_over_only_after_its_latest_due_hour_and_the_next_is_planned_meanwhile() -> None:
    holidays = table(HOURS, *(("PT", f"2026-11-{day}") for day in (24, 25, 26, 27)))
    assert schedule.window("2026-W48", holidays).last == at("2026-11-30T09:00")
    assert schedule.coming(at("2026-12-01T08:59"), holidays).period == "2026-W48"
    assert schedule.to_plan(at("2026-11-30T03:29"), holidays) == ["2026-W48"]
    assert schedule.to_plan(at("2026-11-30T03:30"), holidays) == ["2026-W48", "2026-W49"]
    assert schedule.to_plan(at("2026-12-01T09:01"), holidays) == ["2026-W49"]
    assert schedule.missed(at("2026-12-01T08:59"), holidays, {"2026-W47"}) == []
    assert schedule.missed(at("2026-12-01T09:01"), holidays, {"2026-W47"}) == ["2026-W48"]


def test_where_nobody_lives_the_sites_clock_counts() -> None:
    assert schedule.window("2026-W48", table(places=frozenset())).first == at("2026-11-24T08:00")


def test_weeks_that_never_started_are_named_once_the_first_edition_exists() -> None:
    assert schedule.missed(at("2026-12-09T12:00"), table(), frozenset()) == []
    assert schedule.missed(at("2026-12-09T12:00"), table(), {"2026-W47", "2026-W49"}) == ["2026-W48", "2026-W50"]
    assert len(schedule.missed(at("2028-12-06T12:00"), table(), {"2026-W47"})) == 107  # 2026 has 53


def check_year(hours: Hours, zone: str, off: frozenset[date], **more: Any) -> None:
    """Fifty-four weeks of one person: a due hour or a named skip each, at their hour, never quiet, never off, never two on a day."""
    place, period, days, hours = Place(zone, "XX"), "2026-W02", [], replace(hours, **more)
    timetable = Timetable(hours=hours, places=frozenset({place}), off=DaysOff(in_country=frozenset(("XX", day) for day in off)))
    for _ in range(54):
        found = schedule.due(period, timetable, place)
        clock = local(found.at, place)
        assert not NIGHT.holds(clock.time()), f"{zone} {period}: due at {clock}"
        usual = day_in(period, hours.day)
        assert timedelta(0) <= clock.date() - usual <= timedelta(days=6) or not hours.everywhere_local
        if not found.holiday:
            assert clock.date() not in off
            days.append(clock.date())
        else:
            assert clock.date() in off
        period = following(period)
    assert all(one < other for one, other in pairwise(days)), f"{zone}: two letters on one day"


@pytest.mark.parametrize("hours", [HOURS, SITE, replace(HOURS, day="sunday", at=time(6, 0)), replace(SITE, at=time(20, 30))])
def test_in_every_zone_each_week_has_one_due_hour_that_is_not_quiet(hours: Hours) -> None:
    off = frozenset({date(2026, 4, 6), date(2026, 12, 22), date(2026, 12, 23), date(2026, 3, 29), date(2026, 10, 27)})
    for zone in ZONES:
        check_year(hours, zone, off)


@given(
    st.sampled_from(ZONES),
    st.sampled_from(WEEKDAYS),
    st.integers(6, 20),
    st.booleans(),
    st.sets(st.integers(0, 380).map(lambda n: date(2026, 1, 1) + timedelta(days=n)), max_size=120).map(frozenset),
)
def test_no_choice_of_days_off_gives_two_letters_on_one_day(zone: str, day: str, hour: int, own: bool, off: frozenset[date]) -> None:
    check_year(HOURS, zone, off, day=day, at=time(hour), everywhere_local=own)


@given(
    st.sampled_from(WEEKDAYS),
    st.integers(1, 144),
    st.integers(0, 144),
    st.booleans(),
    st.sets(st.integers(0, 60).map(lambda n: date(2026, 9, 20) + timedelta(days=n)), max_size=25).map(frozenset),
)
def test_a_week_is_to_be_planned_from_its_first_hour_to_the_end_of_its_catch_up(
    day: str, ahead: int, late: int, own: bool, off: frozenset[date]
) -> None:
    hours = replace(HOURS, day=day, plan_ahead=timedelta(hours=ahead), catch_up=timedelta(hours=late), everywhere_local=own)
    places = frozenset({Place("Pacific/Kiritimati", "XX"), Place("Pacific/Niue", "XX"), Place("Europe/Berlin", "")})
    timetable = Timetable(hours=hours, places=places, off=DaysOff(in_country=frozenset(("XX", one) for one in off)))
    minute = timedelta(minutes=1)
    for period in ("2026-W41", "2026-W42", "2026-W43"):
        span = schedule.window(period, timetable)
        begin, end = span.first - hours.plan_ahead, span.last + hours.catch_up
        assert period not in schedule.to_plan(begin - minute, timetable)
        assert period in schedule.to_plan(begin, timetable)
        assert period in schedule.to_plan(end, timetable)
        assert period not in schedule.to_plan(end + minute, timetable)
        assert schedule.coming(end, timetable).period <= period < schedule.coming(end + minute, timetable).period
        assert period not in schedule.missed(end, timetable, {"2026-W40"})
        assert period in schedule.missed(end + minute, timetable, {"2026-W40"})
