"""A pick gives way to the next spare that keeps the mix; a wave is one due hour."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.domain.message import Pick
from digest.domain.post import Origin
from digest.domain.saturation import GAVE_WAY, give_way, wave
from tests.conftest import NOW

KINDS = {1: Origin.COLLEAGUE, 2: Origin.COLLEAGUE, 3: Origin.CURATED, 4: None, 5: Origin.COLLEAGUE, 6: Origin.CURATED}


def after(picks: list[int], spares: list[int], full: set[int]) -> tuple[list[int], list[tuple[int, str]]]:
    chosen, left = give_way(
        tuple(Pick(n=n, because="team") for n in picks), tuple(Pick(n=n) for n in spares), full, KINDS.__getitem__, share=0.5, curated=2
    )
    return [pick.n for pick in chosen], [(pick.n, pick.because) for pick in left]


def test_a_saturated_pick_gives_way_to_the_next_spare_and_that_is_recorded() -> None:
    assert after([1, 2, 3, 4], [5, 6], {2}) == ([1, 5, 3, 4], [(6, ""), (2, GAVE_WAY)])


def test_what_stays_inside_never_gives_way() -> None:
    assert after([1, 4], [5], {4}) == ([1, 4], [(5, "")])


def test_without_a_spare_that_keeps_the_mix_a_pick_stays() -> None:
    assert after([1, 3], [6], {1}) == ([1, 3], [(6, "")])
    assert after([1, 3], [], {1, 3}) == ([1, 3], [])


def test_a_spare_that_is_saturated_itself_or_gave_way_steps_in_for_nobody() -> None:
    assert after([1, 2], [5], {2, 5}) == ([1, 2], [(5, "")])
    chosen, left = give_way((Pick(n=1),), (Pick(n=2, because=GAVE_WAY),), {1}, KINDS.__getitem__, share=0.5, curated=2)
    assert chosen == (Pick(n=1),)
    assert left == (Pick(n=2, because=GAVE_WAY),)


def test_a_wave_is_one_due_hour() -> None:
    assert wave(NOW + timedelta(minutes=59, seconds=59)) == wave(NOW) == NOW
    assert wave(NOW + timedelta(hours=1)) == NOW + timedelta(hours=1)


NUMBERS = st.lists(st.sampled_from(sorted(KINDS)), unique=True)


@settings(deadline=None)
@given(NUMBERS, st.data())
def test_nothing_is_lost_or_doubled_and_a_mix_that_held_still_holds(numbers: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(numbers)))
    order = {Origin.COLLEAGUE: 0, Origin.CURATED: 1, None: 2}
    picks = sorted(numbers[:cut], key=lambda n: order[KINDS[n]])
    spares = [n for n in numbers[cut:] if KINDS[n] is not None]
    chosen, left = after(picks, spares, data.draw(st.sets(st.sampled_from(sorted(KINDS)))))
    assert sorted([*chosen, *(n for n, _ in left)]) == sorted([*picks, *spares])
    assert len(chosen) == len(picks)
    kinds = [KINDS[n] for n in picks]
    if kinds.count(Origin.CURATED) <= min(2, kinds.count(Origin.COLLEAGUE)):
        found = [KINDS[n] for n in chosen]
        assert found.count(Origin.CURATED) <= min(2, found.count(Origin.COLLEAGUE))
    assert [order[KINDS[n]] for n in chosen] == sorted(order[KINDS[n]] for n in chosen)
