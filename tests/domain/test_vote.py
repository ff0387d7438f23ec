"""What "not for me" leads to: a source loses a place by a rule, and no figure speaks of fewer than five people."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.domain.vote import STRIKE, Tally, VoteReason, figures, source_of, standings, strikes

TEN, NINE = Tally(answers=10, salesy=3), Tally(answers=10, salesy=2)


def places(*tallies: Tally, said: int = 0) -> tuple[int, bool]:
    """Places left and whether it is news, for one source."""
    weeks = [(f"2026-W{number:02}", tally) for number, tally in enumerate(tallies, 1)]
    found = standings({"example.com": weeks}, {"example.com": said}, minimum=5, places=2)
    return (found[0].places, found[0].news) if found else (2, False)


def test_three_of_ten_twice_cost_a_place_and_the_next_edition_says_so() -> None:
    assert places(TEN, TEN) == (1, True)


def test_two_of_ten_change_nothing() -> None:
    assert places(NINE, NINE) == places(TEN, NINE) == (2, False)


def test_four_answers_are_no_figure_at_all() -> None:
    few = Tally(answers=4, salesy=4)
    assert places(few, few) == (2, False)
    assert figures({VoteReason.TOO_SALESY: 4}, 5) is None


def test_what_was_said_is_not_said_again_and_holds() -> None:
    assert places(TEN, TEN, NINE, said=1) == (1, False)
    assert places(TEN, TEN, TEN, TEN, said=1) == (0, True)
    assert places(*[TEN] * 8, said=2) == (0, False)


def test_a_source_is_the_host_of_an_address() -> None:
    assert source_of("https://www.Example.com/blog?a=1") == source_of("http://example.com:8080/") == "example.com"
    assert source_of(None) == source_of("") == ""


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(3, 10))
def test_no_strike_below_the_smallest_group_or_the_share(answers: int, salesy: int, minimum: int) -> None:
    salesy = min(salesy, answers)
    found = strikes(Tally(answers=answers, salesy=salesy), minimum)
    assert found == (answers >= minimum and (answers == 0 or salesy / answers >= STRIKE))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*VoteReason]), st.integers(0, 30)), st.integers(3, 8))
def test_no_figure_speaks_of_fewer_than_the_smallest_group_nor_gives_one_away(counts: dict[VoteReason, int], minimum: int) -> None:
    found = figures({reason.value: count for reason, count in counts.items()}, minimum)
    if found is None:
        assert sum(counts.values()) < minimum
        return
    assert all(count is None or count == 0 or count >= minimum for count in found.values())
    rest = sum(counts.values()) - sum(count or 0 for count in found.values())
    assert rest == 0 or rest >= minimum
