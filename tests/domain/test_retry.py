"""The retry curve, its end, and what a server asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.phase import Kind, Outcome, Phase
from digest.domain.retry import asked_wait, next_attempt, wait
from digest.errors import NaiveTimeError
from tests.conftest import NOW

LATER = Outcome(phase=Phase.RCPT, kind=Kind.TEMPORARY, code=450, text="450 4.2.0 later")
NEVER = Outcome(phase=Phase.RCPT, kind=Kind.PERMANENT, code=550)
FAR = NOW + timedelta(days=2)


def test_the_first_wait_is_about_five_minutes() -> None:
    assert next_attempt(1, LATER, FAR, NOW, 0.5) == NOW + timedelta(minutes=5)
    assert next_attempt(1, LATER, FAR, NOW, 0.0) == NOW + timedelta(minutes=4)
    assert next_attempt(1, LATER, FAR, NOW, 1.0) == NOW + timedelta(minutes=6)


def test_a_permanent_refusal_is_not_tried_again() -> None:
    assert next_attempt(1, NEVER, FAR, NOW, 0.5) is None


def test_nothing_is_tried_after_the_deadline() -> None:
    assert next_attempt(1, LATER, NOW + timedelta(minutes=5), NOW, 0.5) is not None
    assert next_attempt(1, LATER, NOW + timedelta(minutes=5), NOW, 0.6) is None


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(NaiveTimeError):
        next_attempt(1, LATER, FAR, NOW.replace(tzinfo=None), 0.5)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_grow_to_four_hours_and_never_shrink(attempts: int, jitter: float) -> None:
    again = next_attempt(attempts, LATER, NOW + timedelta(days=9), NOW, jitter)
    assert again is not None
    assert timedelta(minutes=4) <= again - NOW <= timedelta(hours=4.8)
    assert wait(attempts) <= wait(attempts + 1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("450 4.7.1 Greylisted, try again in 300 seconds", 300),
        ("451 please retry in 5 minutes", 300),
        ("451 4.7.1 Try again later, in 2 hours.", 7200),
        ("450 come back later in 90s", 90),
        ("450 try again in 0 seconds", None),
        ("450 try again later", None),
        ("450 in 5 minutes it was over", None),
    ],
)
def test_a_server_that_names_a_wait_gets_it(text: str, seconds: int | None) -> None:
    found = asked_wait(text)
    assert (None if found is None else found.total_seconds()) == seconds
