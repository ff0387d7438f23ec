"""What an import would change: who is the same person, who left, and what stays theirs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from digest.domain.employee import Employee, EmployeeId
from digest.domain.roster import DEFAULTS, Difference, FieldChange, Known, RosterRow, difference, sparing
from digest.domain.suppression import address_hash

LEFT = datetime(2026, 1, 1, tzinfo=UTC)


def known(number: int, address: str, *, chosen: set[str] | None = None, **more: Any) -> Known:
    return Known(employee=Employee(**{"id": EmployeeId(number), "address": address, "name": "Ann", **more}), chosen=frozenset(chosen or ()))


def row(address: str, **more: Any) -> RosterRow:
    return RosterRow(**{"line": 2, "address": address, "name": "Ann", **more})


def compare(rows: list[RosterRow], *people: Known, erased: frozenset[str] = frozenset()) -> Difference:
    return difference(rows, people, erased)


def test_somebody_new_joins_with_defaults_where_the_file_is_silent() -> None:
    found = compare([row("Ann@example.com", language="", team="Lab")])
    assert found.joined == ({**DEFAULTS, "address": "Ann@example.com", "name": "Ann", "roster_id": None, "team": "Lab"},)


def test_the_same_file_again_changes_nothing() -> None:
    found = compare([row("ann@example.com", roster_id="1", topics=())], known(1, "ann@example.com", roster_id="1"))
    assert (found.is_empty, found.unchanged) == (True, 1)


def test_a_new_address_and_name_are_the_same_person_by_number() -> None:
    found = compare([row("ann.lee@example.com", name="Ann Lee", roster_id="1")], known(1, "ann@example.com", roster_id="1"))
    assert found.changed[0].fields == (
        FieldChange(field="address", before="ann@example.com", after="ann.lee@example.com"),
        FieldChange(field="name", before="Ann", after="Ann Lee"),
    )
    assert (found.joined, found.left) == ((), ())


def test_a_number_that_was_never_known_is_learnt_from_the_address() -> None:
    found = compare([row("ANN@example.com", roster_id="1")], known(1, "ann@example.com"))
    assert found.changed[0].values == {"address": "ANN@example.com", "roster_id": "1"}


def test_a_file_without_numbers_forgets_none() -> None:
    assert compare([row("ann@example.com", roster_id="")], known(1, "ann@example.com", roster_id="1")).is_empty


def test_what_a_person_chose_stays() -> None:
    found = compare([row("ann@example.com", language="de", zone="UTC", topics=("x",))], known(1, "ann@example.com", chosen={"language", "topics"}))
    assert found.is_empty


def test_an_empty_cell_takes_a_value_back_and_a_missing_column_does_not() -> None:
    people = known(1, "ann@example.com", team="Lab", country="DE", zone="Europe/Berlin")
    assert compare([row("ann@example.com", team="", zone="")], people).changed[0].values == {"team": "", "zone": "UTC"}


def test_whoever_is_missing_left_and_whoever_is_back_returned() -> None:
    found = compare([row("ann@example.com", team="Lab")], known(1, "ann@example.com", left_at=LEFT), known(2, "ben@example.com"))
    assert ([change.employee.id for change in found.returned], found.returned[0].values) == ([1], {"team": "Lab"})
    assert [person.id for person in found.left] == [2]


def test_an_address_given_to_somebody_else_is_somebody_else() -> None:
    found = compare([row("ann@example.com", name="Anna Ito", roster_id="9")], known(1, "ann@example.com", roster_id="1"))
    assert ([values["roster_id"] for values in found.joined], [p.id for p in found.left], found.released) == (["9"], [1], (1,))


def test_the_same_name_at_the_same_address_is_a_person_whom_hr_numbered_anew() -> None:
    found = compare([row("ann@example.com", roster_id="9")], known(1, "ann@example.com", roster_id="1"))
    assert (found.changed[0].values, found.left) == ({"roster_id": "9"}, ())


def test_two_people_may_exchange_their_addresses() -> None:
    people = known(1, "ann@example.com", roster_id="1"), known(2, "ben@example.com", roster_id="2", name="Ben")
    found = compare([row("ben@example.com", roster_id="1"), row("ann@example.com", roster_id="2", name="Ben")], *people)
    assert [change.values for change in found.changed] == [{"address": "ben@example.com"}, {"address": "ann@example.com"}]
    assert (found.joined, found.left, found.released) == ((), (), ())


def test_somebody_new_takes_the_address_that_a_colleague_gave_up() -> None:
    rows = [row("ann@example.com", name="Anna", line=2), row("ann.lee@example.com", roster_id="1", line=3)]
    found = compare(rows, known(1, "ann@example.com", roster_id="1"))
    assert ([values["address"] for values in found.joined], found.changed[0].values) == (["ann@example.com"], {"address": "ann.lee@example.com"})


def test_whoever_asked_to_be_forgotten_is_left_out() -> None:
    found = compare([row("Ann@Example.com")], erased=frozenset({address_hash("ann@example.com")}))
    assert (found.joined, found.erased, found.is_empty) == ((), 1, True)


@pytest.mark.parametrize(("here", "gone", "refused"), [(5, 1, False), (5, 2, True), (4, 3, False), (10, 2, False), (10, 3, True), (5, 5, True)])
def test_more_than_a_fifth_leaving_looks_like_half_a_file(here: int, gone: int, *, refused: bool) -> None:
    people = [known(n, f"p{n}@example.com") for n in range(here)]
    found = compare([row(f"p{n}@example.com") for n in range(gone, here)], *people)
    assert (len(found.left), found.too_many_leave) == (gone, refused)


def test_those_who_left_long_ago_do_not_count_as_leaving() -> None:
    people = [known(n, f"p{n}@example.com", left_at=LEFT if n else None) for n in range(6)]
    found = compare([row("p0@example.com")], *people)
    assert (found.is_empty, found.here, found.unchanged) == (True, 1, 1)


def test_what_somebody_chose_while_the_files_were_compared_is_spared() -> None:
    people = known(1, "ann@example.com"), known(2, "ben@example.com"), known(3, "eve@example.com", left_at=LEFT)
    rows = [row("ann@example.com", language="de"), row("ben@example.com", language="de", team="Lab"), row("eve@example.com", language="de")]
    found = compare(rows, *people)
    spared = sparing(found, {EmployeeId(n): frozenset({"language"}) for n in (1, 2, 3)})
    assert [change.values for change in spared.changed] == [{"team": "Lab"}]
    assert ([change.values for change in spared.returned], spared.unchanged) == ([{}], 1)
