"""The ledger's rules: what is overdue, what an edition shows, how long answers take."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.question import Question, QuestionKind, QuestionState, answer_days, is_overdue, printable
from tests.conftest import NOW

DAY = date(2026, 11, 24)


def asked(number: int, days: int, **more: object) -> Question:
    plain = Question(
        id=number,
        kind=QuestionKind.QUESTION,
        state=QuestionState.OPEN,
        text=f"Why {number}?",
        language="en",
        quoted=True,
        asked_at=NOW - timedelta(days=days),
        owner="Jonas",
        employee=7,
    )
    return replace(plain, **more)  # type: ignore[arg-type]  # fields of a question


def answered(number: int, days: int, **more: object) -> Question:
    return asked(number, days, state=QuestionState.ANSWERED, answer="Because.", answered_at=NOW - timedelta(days=1), **more)


def test_28_days_old_is_absent_and_29_is_listed_with_its_owner() -> None:
    assert not is_overdue(DAY - timedelta(days=28), DAY)
    assert is_overdue(DAY - timedelta(days=29), DAY)
    assert printable([], [asked(1, 28)], DAY, room=4) == ()
    [late] = printable([], [asked(1, 29)], DAY, room=4)
    assert (late.question, late.owner, late.answer, late.days, late.entry) == ("Why 1?", "Jonas", "", 29, 1)


def test_nobody_reads_what_no_editor_has_read() -> None:
    assert printable([], [asked(1, 40, owner="")], DAY, room=4) == ()


def test_the_hard_question_goes_first_and_there_is_one() -> None:
    news = [answered(1, 9), answered(2, 8, hard=True), answered(3, 7, hard=True)]
    assert [(one.entry, one.hard) for one in printable(news, [], DAY, room=4)] == [(2, True), (1, False)]
    assert [one.entry for one in printable(news, [], DAY, room=4, hard=False)] == [1]


def test_what_waits_keeps_a_place_beside_many_answers() -> None:
    news, late = [answered(n, 9) for n in range(1, 8)], [asked(20, 50), asked(21, 40)]
    assert [one.entry for one in printable(news, late, DAY, room=4)] == [1, 2, 3, 20]
    assert [one.entry for one in printable(news[:1], late, DAY, room=4)] == [1, 20, 21]
    assert printable(news, late, DAY, room=0) == ()


@given(st.lists(st.integers(0, 60), max_size=8), st.lists(st.integers(0, 60), max_size=8), st.integers(0, 6))
def test_never_more_than_there_is_room_for_and_never_who_asked(news: list[int], waiting: list[int], room: int) -> None:
    new = [answered(n, days, hard=days % 3 == 0) for n, days in enumerate(news)]
    found = printable(new, [asked(100 + n, days) for n, days in enumerate(waiting)], DAY, room=room)
    assert len(found) <= room
    assert len({one.entry for one in found}) == len(found)
    assert sum(one.hard for one in found) <= 1
    assert all(one.answer or one.days > 28 for one in found)
    assert room == 0 or bool(found) == (any(not one.hard for one in new) or any(one.hard for one in new) or any(days > 28 for days in waiting))


@pytest.mark.parametrize(("hours", "days"), [([], None), ([1], 1), ([24], 1), ([25], 2), ([24, 240, 24], 1), ([24, 240], 6)])
def test_median_days_from_asking_to_answering(hours: list[int], days: int | None) -> None:
    assert answer_days((NOW, NOW + timedelta(hours=hour)) for hour in hours) == days
