"""What is hidden of small groups stays hidden, by subtraction too."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from digest.domain.employee import Employee, EmployeeId
from digest.domain.groups import EVERYONE, group_of, shown
from digest.domain.report import ranged
from digest.domain.spreadsheet import harmless


def person(team: str, country: str) -> Employee:
    return Employee(id=EmployeeId(1), address="ana@example.org", name="Ana", team=team, country=country)


def test_the_group_of_a_person_is_the_smallest_that_is_large_enough() -> None:
    sizes = {"team:Quality": 5, "team:Lab": 4, "country:PT": 9, "country:KE": 2}
    assert group_of(person("Quality", "PT"), sizes, 5) == "team:Quality"
    assert group_of(person("Lab", "PT"), sizes, 5) == "country:PT"
    assert group_of(person("Lab", "KE"), sizes, 5) == EVERYONE
    assert group_of(person("", ""), sizes, 5) == EVERYONE


def test_of_nine_as_four_and_five_at_most_one_is_shown() -> None:
    assert shown({"a": 2, "b": 3}, {"a": 4, "b": 5}, 5) == {"a": None, "b": None}


def test_large_groups_are_shown() -> None:
    assert shown({"a": 2, "b": 3}, {"a": 6, "b": 5}, 5) == {"a": 2, "b": 3}


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(1, 12), max_size=6), st.integers(3, 8))
def test_nothing_hidden_can_be_had_by_subtraction(members: dict[str, int], minimum: int) -> None:
    found = shown(dict.fromkeys(members, 1), members, minimum)
    hidden = [group for group, count in found.items() if count is None]
    assert all(members[group] >= minimum for group in found if group not in hidden)
    if hidden and len(hidden) < len(members):
        assert len(hidden) > 1
        assert sum(members[group] for group in hidden) >= minimum


def test_a_figure_of_few_people_has_no_number() -> None:
    assert str(ranged(41, 48, members=100, minimum=5)) == "41-48"
    assert str(ranged(7, 7, members=100, minimum=5)) == "7"
    assert str(ranged(2, 3, members=100, minimum=5)) == "fewer than 5"
    assert str(ranged(0, 0, members=3, minimum=5)) == "0"
    assert ranged(2, 3, members=100, minimum=5).as_data() == {"low": None, "high": None, "hidden": True}


def test_a_cell_that_a_spreadsheet_would_compute_is_neutralised() -> None:
    assert [harmless(cell) for cell in ("=1+1", "+49", "-1", "@x", "\tx", "plain")] == ["'=1+1", "'+49", "'-1", "'@x", "'\tx", "plain"]
