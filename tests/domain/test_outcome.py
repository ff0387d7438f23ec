"""The rules of outcomes: how well one is proven, the window, and that each counts once, however it was told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.outcome import Grade, Outcome, counted, graded, out_of_window, tally, values
from digest.domain.visitor import VisitorClass
from tests.conftest import NOW

EVIDENCE = st.tuples(st.none() | st.sampled_from(VisitorClass), st.booleans(), st.booleans())
OUTCOMES = st.lists(
    st.builds(
        Outcome,
        id=st.integers(1, 10**6),
        at=st.just(NOW),
        occurred_at=st.integers(0, 90).map(lambda days: NOW - timedelta(days=days)),
        event=st.sampled_from(["lead", "sale"]),
        grade=st.sampled_from(Grade),
        external_id=st.sampled_from(["", "L-1", "L-2"]),
        value_minor=st.none() | st.integers(0, 10**15),
        currency=st.sampled_from(["EUR", "JPY"]),
        visited_at=st.none() | st.integers(0, 90).map(lambda days: NOW - timedelta(days=days)),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)


@given(EVIDENCE)
def test_only_a_stranger_s_own_visit_proves_an_outcome(evidence: tuple[VisitorClass | None, bool, bool]) -> None:
    visitor, insider, matched = evidence
    found = graded(visitor, insider=insider, matched=matched)
    assert (found is Grade.A) == (visitor is VisitorClass.HUMAN and not insider)
    assert (found is Grade.C) == (visitor is None and not matched)


@given(EVIDENCE)
def test_more_evidence_never_makes_a_grade_worse(evidence: tuple[VisitorClass | None, bool, bool]) -> None:
    visitor, insider, matched = evidence
    assert graded(visitor, insider=insider, matched=True) <= graded(visitor, insider=insider, matched=matched)
    assert graded(VisitorClass.HUMAN, matched=matched) <= graded(visitor, insider=insider, matched=matched)
    assert graded(visitor, insider=insider) <= graded(None)


def test_an_outcome_belongs_to_a_visit_of_the_ninety_days_before_it() -> None:
    for days, fine in ((0, True), (90, True), (90.001, False), (-0.001, True), (-1, False)):
        assert (out_of_window(NOW, NOW, NOW - timedelta(days=days)) == "") is fine, days
    assert "90 days after it" in out_of_window(NOW, NOW, NOW - timedelta(days=91))
    assert "no later than now" in out_of_window(NOW + timedelta(minutes=6), NOW)


def one(number: int, grade: Grade, **more: object) -> Outcome:
    return replace(Outcome(id=number, at=NOW, occurred_at=NOW, event="lead", grade=grade, external_id="L-1"), **more)  # type: ignore[arg-type]  # fields by name


def test_what_somebody_said_and_the_crm_knows_is_one_lead_of_grade_a() -> None:
    assert [found.grade for found in counted([one(1, Grade.C), one(2, Grade.A), one(3, Grade.B)])] == [Grade.A]


def test_among_equals_the_last_click_wins() -> None:
    early, late = NOW - timedelta(days=9), NOW - timedelta(days=2)
    found = counted([one(1, Grade.A, visited_at=late, post="last"), one(2, Grade.A, visited_at=early, post="first")])
    assert [outcome.post for outcome in found] == ["last"]


def test_another_stage_of_the_same_lead_is_an_outcome_of_its_own() -> None:
    assert len(counted([one(1, Grade.A), one(2, Grade.A, event="sale")])) == 2


@given(OUTCOMES, st.randoms(use_true_random=False))
def test_the_order_in_which_they_were_told_changes_nothing(found: list[Outcome], random: object) -> None:
    mixed = sorted(found, key=lambda _: random.random())  # type: ignore[attr-defined]  # a Random
    assert counted(mixed) == counted(found) == counted(counted(found))


@given(OUTCOMES)
def test_nothing_is_lost_and_nothing_counted_twice(found: list[Outcome]) -> None:
    once = counted(found)
    assert {(o.event, o.external_id) for o in once} == {(o.event, o.external_id) for o in found}
    assert len([o for o in once if not o.external_id]) == len([o for o in found if not o.external_id])
    assert sum(sum(grades.values()) for grades in tally(once).values()) == len(once)


@given(OUTCOMES)
def test_no_money_is_invented_and_none_is_added_over_grades_or_currencies(found: list[Outcome]) -> None:
    named = [o for o in found if o.value_minor is not None]
    sums = values(found)
    assert set(sums) == {(o.event, o.grade, o.currency) for o in named}
    assert sum(sums.values()) == sum(o.value_minor or 0 for o in named)


@pytest.mark.parametrize("grade", Grade)
def test_a_tally_shows_every_grade_so_that_none_is_taken_for_another(grade: Grade) -> None:
    assert tally([one(1, grade)]) == {"lead": {each: int(each is grade) for each in Grade}}
