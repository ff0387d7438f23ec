"""When events are too old, when the clock is believed about it, and when leaving looks like a machine's work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from digest.domain.privacy import SETTLED, believable, horizon, machine_leavers
from tests.conftest import NOW

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis takes naive bounds


@given(MOMENTS, st.integers(1, 800))
def test_no_event_that_stays_is_older_than_promised_and_none_goes_more_than_a_day_early(now: datetime, keep_days: int) -> None:
    before = horizon(now, keep_days)
    assert before >= now - timedelta(days=keep_days)
    assert before - (now - timedelta(days=keep_days)) < timedelta(days=1)
    assert (before.hour, before.minute, before.second, before.microsecond) == (0, 0, 0, 0)


@given(MOMENTS, st.integers(1, 800), st.timedeltas(timedelta(0), timedelta(days=3000)))
def test_the_horizon_never_moves_back(now: datetime, keep_days: int, later: timedelta) -> None:
    assert horizon(now + later, keep_days) >= horizon(now, keep_days)


@given(st.integers(1, 800), st.timedeltas(timedelta(0), timedelta(days=1)))
def test_a_clock_that_ticks_every_day_is_believed_whatever_is_kept(keep_days: int, pause: timedelta) -> None:
    assert believable(NOW, NOW - SETTLED - pause, keep_days)


@given(st.integers(1, 800), st.timedeltas(timedelta(seconds=1), timedelta(days=40_000)))
def test_a_clock_that_jumped_so_far_that_everything_would_go_is_not_believed(keep_days: int, jump: timedelta) -> None:
    seen = datetime(1990, 1, 1, tzinfo=UTC)
    assert not believable(seen + timedelta(days=keep_days) + SETTLED + jump, seen, keep_days)


def test_a_database_without_a_past_has_nothing_to_be_afraid_of() -> None:
    assert believable(NOW, None, 90)


def test_more_than_a_tenth_of_machines_among_those_who_left_is_told() -> None:
    assert machine_leavers({}) is None
    assert machine_leavers({"human": 9, "machine": 1}) is None
    said = machine_leavers({"human": 8, "machine": 1})
    assert said is not None
    assert said.startswith("1 of 9 people")
    assert machine_leavers({"machine": 1}) is not None
