"""What is hidden of small groups stays hidden: by subtraction, by a second look, and whatever the rest shows."""

from __future__ import annotations

from itertools import combinations

from hypothesis import assume, given
from hypothesis import strategies as st

from digest.domain.employee import Employee, EmployeeId
from digest.domain.groups import EVERYONE, Partition, hidden, shown, table, too_small
from digest.domain.report import ranged
from digest.domain.spreadsheet import harmless

MINIMUM = st.integers(3, 8)
NAMES = st.text("abcdef", min_size=1, max_size=2)


@st.composite
def companies(draw: st.DrawFn) -> tuple[dict[str, int], dict[str, int]]:
    """Members and counts of groups that do not overlap; nobody counts twice."""
    members = draw(st.dictionaries(NAMES, st.integers(0, 14), min_size=1, max_size=7))
    return members, {name: draw(st.integers(0, people)) for name, people in members.items()}


def person(team: str, country: str) -> Employee:
    return Employee(id=EmployeeId(1), address="ana@example.org", name="Ana", team=team, country=country)


def test_the_group_of_a_person_is_the_smallest_that_is_large_enough() -> None:
    found = Partition({("Quality", "PT"): 5, ("Lab", "PT"): 4, ("Sales", "PT"): 3, ("Lab", "KE"): 0, ("", ""): 6}, 5)
    assert found.group_of(person("Quality", "PT")) == "team:Quality"
    assert found.group_of(person("Lab", "PT")) == found.group_of(person("Sales", "PT")) == "country:PT"
    assert found.group_of(person("", "")) == EVERYONE
    assert found.sizes == {"team:Quality": 5, "country:PT": 7, EVERYONE: 6}


def test_four_people_do_not_stand_alone_for_a_country_whose_others_count_in_their_teams() -> None:
    found = Partition({("Quality", "PT"): 30, ("Lab", "PT"): 4}, 5)
    assert found.group_of(person("Lab", "PT")) == found.group_of(person("Quality", "PT")) == EVERYONE


def test_who_comes_later_joins_a_large_group() -> None:
    assert Partition({("Quality", "PT"): 9, ("Lab", "PT"): 30}, 5).group_of(person("New", "FR")) == "team:Lab"
    assert Partition({}, 5).group_of(person("New", "FR")) == EVERYONE


@given(st.dictionaries(st.tuples(st.sampled_from(["", "a", "b", "c"]), st.sampled_from(["", "DE", "FR"])), st.integers(1, 12)), MINIMUM)
def test_nobody_is_ever_in_a_group_smaller_than_the_minimum_unless_everybody_is(people: dict[tuple[str, str], int], minimum: int) -> None:
    found = Partition(people, minimum)
    assert sum(found.sizes.values()) == sum(people.values())
    for team, country in people:
        group = found.group_of(person(team, country))
        assert group in {f"team:{team}", f"country:{country}", EVERYONE}
        assert found.sizes[group] >= minimum or set(found.sizes) == {EVERYONE}


def test_of_nine_as_four_and_five_none_is_shown() -> None:
    assert shown({"a": 2, "b": 5}, {"a": 4, "b": 5}, 5) == {"a": None, "b": None}


def test_a_group_of_four_takes_the_next_smallest_with_it() -> None:
    counts, members = {"a": 3, "b": 6, "c": 9, "d": 20}, {"a": 4, "b": 8, "c": 12, "d": 30}
    assert shown(counts, members, 5) == {"a": None, "b": None, "c": 9, "d": 20}


def test_a_large_group_of_whom_few_pressed_takes_another_with_it_too() -> None:
    assert shown({"a": 2, "b": 6, "c": 9}, {"a": 40, "b": 8, "c": 12}, 5) == {"a": None, "b": None, "c": 9}


def test_large_groups_are_shown_and_so_is_silence() -> None:
    assert shown({"a": 6, "b": 5, "c": 0}, {"a": 6, "b": 5, "c": 9}, 5) == {"a": 6, "b": 5, "c": 0}


def test_a_group_without_people_hides_nobody() -> None:
    assert shown({"a": 2, "b": 7, "nobody": 0}, {"a": 4, "b": 9, "nobody": 0}, 5) == {"a": None, "b": None, "nobody": 0}


def derived(counts: dict[str, int], members: dict[str, int], gone: frozenset[str]) -> list[tuple[int, int]]:
    """(people, count) of everything that adding and subtracting what is shown, and the total, can give: unions of these."""
    alone = [(members[name], counts[name]) for name in counts if name not in gone]
    rest = (sum(members[name] for name in gone), sum(counts[name] for name in gone))
    return [*alone, rest] if gone else alone


@given(companies(), MINIMUM)
def test_nothing_that_can_be_computed_is_about_fewer_than_the_minimum(company: tuple[dict[str, int], dict[str, int]], minimum: int) -> None:
    members, counts = company
    people, total = sum(members.values()), sum(counts.values())
    assume(not too_small(people, total, minimum))  # else the total is not shown, and neither is anything else
    parts = derived(counts, members, hidden(counts, members, minimum))
    for size in range(1, min(len(parts), 4) + 1):
        for some in combinations(parts, size):
            assert not too_small(sum(people for people, _ in some), sum(count for _, count in some), minimum)


@given(companies(), MINIMUM)
def test_at_least_two_groups_could_have_been_any_hidden_count(company: tuple[dict[str, int], dict[str, int]], minimum: int) -> None:
    members, counts = company
    assume(not too_small(sum(members.values()), sum(counts.values()), minimum))
    gone = {name for name in hidden(counts, members, minimum) if members[name]}
    assert len(gone) != 1 or len({name for name in counts if members[name]}) == 1


@given(companies(), MINIMUM)
def test_a_group_is_hidden_only_when_it_must_be(company: tuple[dict[str, int], dict[str, int]], minimum: int) -> None:
    members, counts = company
    small = {name for name in counts if too_small(members[name], counts[name], minimum)}
    gone = hidden(counts, members, minimum)
    assert small <= gone
    assert bool(gone) == bool(small)


@given(companies(), MINIMUM, st.integers(0, 3))
def test_either_end_of_a_range_follows_the_rule(company: tuple[dict[str, int], dict[str, int]], minimum: int, more: int) -> None:
    members, lows = company
    ranges = {name: (low, min(low + more, members[name])) for name, low in lows.items()}
    found = table(ranges, members, minimum)
    for name, (low, high) in ranges.items():
        said = found[name]
        assert said.hidden == (name in hidden({key: pair[1] for key, pair in ranges.items()}, members, minimum))
        assert said.low in {0, low}
        assert said.hidden or said.high == high
        assert said.hidden or not 0 < said.low < minimum
    data = [figure.as_data() for figure in found.values()]
    assert all(one["low"] is None and one["high"] is None for one in data if one["hidden"])


def test_what_is_hidden_for_another_s_sake_says_so() -> None:
    found = table({"a": (2, 3), "b": (7, 7), "c": (9, 9)}, {"a": 9, "b": 9, "c": 12}, 5)
    assert [str(found[name]) for name in "abc"] == ["fewer than 5", "not shown", "9"]
    assert str(table({"a": (2, 7)}, {"a": 9}, 5)["a"]) == "0-7"


def test_a_figure_of_few_people_has_no_number() -> None:
    assert str(ranged(41, 48, members=100, minimum=5)) == "41-48"
    assert str(ranged(7, 7, members=100, minimum=5)) == "7"
    assert str(ranged(2, 3, members=100, minimum=5)) == "fewer than 5"
    assert str(ranged(0, 0, members=3, minimum=5)) == "0"
    assert ranged(2, 3, members=100, minimum=5).as_data() == {"low": None, "high": None, "hidden": True}


def test_a_cell_that_a_spreadsheet_would_compute_is_neutralised() -> None:
    assert [harmless(cell) for cell in ("=1+1", "+49", "-1", "@x", "\tx", "plain")] == ["'=1+1", "'+49", "'-1", "'@x", "'\tx", "plain"]
