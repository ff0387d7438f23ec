"""How often: whose turn it is, by the letters that went out, and which hours there are to choose from."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.calendar import following
from digest.domain.frequency import PAUSE, Frequency, hours_on_offer, is_turn, rests, weeks_between
from digest.domain.message import SkipReason
from digest.domain.quiet import Quiet

EVERY = {Frequency.WEEKLY: 1, Frequency.FORTNIGHTLY: 2, Frequency.MONTHLY: 4}
DUE = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PERIODS = list(accumulate(range(120), lambda period, _: following(str(period)), initial="2026-W30"))  # over two turns of a year, one with 53 weeks
WEEKS = st.lists(st.booleans(), min_size=1, max_size=100)  # whether the edition of each week happens


def received(frequency: Frequency, happens: list[bool], changes: dict[int, Frequency] | None = None) -> list[int]:
    """The weeks, by place, in which somebody gets a letter."""
    had: list[int] = []
    for place, there in enumerate(happens):
        frequency = (changes or {}).get(place, frequency)
        if there and is_turn(frequency, PERIODS[had[-1]] if had else None, PERIODS[place]):
            had.append(place)
    return had


@given(frequency=st.sampled_from(Frequency), happens=WEEKS)
def test_nobody_gets_a_letter_sooner_than_they_asked(frequency: Frequency, happens: list[bool]) -> None:
    assert all(later - earlier >= EVERY[frequency] for earlier, later in pairwise(received(frequency, happens)))


@given(frequency=st.sampled_from(Frequency), happens=WEEKS)
def test_a_week_that_never_happened_costs_nobody_their_turn(frequency: Frequency, happens: list[bool]) -> None:
    had = received(frequency, happens)
    if any(happens):
        assert had[0] == happens.index(True)
    for earlier, later in pairwise([*had, len(happens)]):
        assert not any(happens[earlier + EVERY[frequency] : later])


@given(happens=WEEKS)
def test_weekly_is_every_edition(happens: list[bool]) -> None:
    assert received(Frequency.WEEKLY, happens) == [place for place, there in enumerate(happens) if there]


@given(happens=WEEKS, first=st.sampled_from(Frequency), then=st.sampled_from(Frequency), at=st.integers(0, 99))
def test_a_change_of_mind_counts_from_the_last_letter(happens: list[bool], first: Frequency, then: Frequency, at: int) -> None:
    had = received(first, happens, {at: then})
    assert all(later - earlier >= EVERY[then if later >= at else first] for earlier, later in pairwise(had))


def test_a_year_of_53_weeks_is_counted_whole() -> None:
    assert weeks_between("2026-W53", "2027-W01") == 1
    assert weeks_between("2026-W51", "2027-W02") == 4
    assert not is_turn(Frequency.FORTNIGHTLY, "2026-W53", "2027-W01")
    assert is_turn(Frequency.MONTHLY, "2026-W51", "2027-W02")


@pytest.mark.parametrize(("until", "said"), [(-1, None), (0, None), (1, SkipReason.PAUSED)])
def test_a_pause_ends_at_its_very_moment(until: int, said: SkipReason | None) -> None:
    moment = DUE + timedelta(seconds=until)
    assert rests(Frequency.WEEKLY, None, "2026-W48", paused_until=moment, due_at=DUE) == said


def test_a_pause_is_named_before_the_week_that_is_not_theirs() -> None:
    why = rests(Frequency.MONTHLY, "2026-W47", "2026-W48", paused_until=DUE + PAUSE, due_at=DUE)
    assert why is SkipReason.PAUSED
    assert rests(Frequency.MONTHLY, "2026-W47", "2026-W48", paused_until=None, due_at=DUE) is SkipReason.NOT_YOUR_WEEK


@given(quiet=st.none() | st.builds(Quiet, start=st.times(), end=st.times()))
def test_no_quiet_hour_is_offered_and_every_other_half_hour_is(quiet: Quiet | None) -> None:
    offered = [time.fromisoformat(hour) for hour in hours_on_offer(quiet)]
    assert not any(quiet is not None and quiet.holds(clock) for clock in offered)
    left = [clock for half in range(48) if (clock := time(half // 2, 30 * (half % 2))) not in offered]
    assert all(quiet is not None and quiet.holds(clock) for clock in left)
