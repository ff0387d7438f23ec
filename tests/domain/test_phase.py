"""Each row of the table in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.breaker import Breaker
from digest.domain.message import NEXT, MessageState
from digest.domain.phase import TABLE, Decision, Effect, Kind, Outcome, Phase, decide, enhanced_code

OK, TEMP, PERM, BROKEN, GARBLED = Kind.ACCEPTED, Kind.TEMPORARY, Kind.PERMANENT, Kind.BROKEN, Kind.UNREADABLE

CASES: list[tuple[str, Kind, int | None, str, bool, str, str, str]] = [
    # phase, kind, code, enhanced, reused -> state, reason, effect
    ("connect", BROKEN, None, "", False, "queued", "transport", "pause"),
    ("greeting", PERM, 554, "5.3.2", False, "queued", "transport", "pause"),
    ("greeting", TEMP, 421, "4.3.2", False, "queued", "transport", "pause"),
    ("ehlo", BROKEN, None, "", False, "queued", "transport", "pause"),
    ("ehlo", GARBLED, None, "", False, "queued", "transport", "pause"),
    ("starttls", PERM, 554, "5.7.4", False, "queued", "transport", "pause"),
    ("auth", PERM, 535, "5.7.8", False, "queued", "auth", "breaker"),
    ("auth", PERM, 504, "", False, "queued", "auth", "breaker"),
    ("auth", TEMP, 454, "4.7.0", False, "queued", "transport", "pause"),
    ("auth", BROKEN, None, "", False, "queued", "transport", "pause"),
    ("mail", TEMP, 451, "4.3.0", False, "deferred", "try_later", "pause"),
    ("mail", TEMP, 450, "4.7.1", False, "deferred", "try_later", "pause"),
    ("mail", PERM, 550, "5.1.8", False, "queued", "sender", "breaker"),
    ("mail", PERM, 530, "5.7.0", False, "queued", "sender", "breaker"),
    ("mail", PERM, 501, "", False, "queued", "sender", "breaker"),
    ("mail", PERM, 552, "", False, "failed", "too_big", "none"),
    ("mail", PERM, 552, "5.3.4", False, "failed", "too_big", "none"),
    ("mail", BROKEN, None, "", True, "queued", "", "close"),
    ("mail", PERM, 553, "5.1.7", False, "queued", "sender", "breaker"),
    ("mail", PERM, 553, "5.6.7", False, "failed", "relay_cannot", "none"),
    ("mail", BROKEN, None, "", False, "deferred", "broken", "pause"),
    ("mail", TEMP, 421, "4.4.2", True, "deferred", "shutdown", "pause"),
    ("mail", GARBLED, None, "", True, "deferred", "broken", "pause"),
    ("rcpt", TEMP, 450, "4.2.2", False, "deferred", "try_later", "none"),
    ("rcpt", TEMP, 451, "4.7.1", False, "deferred", "slow_down", "slow_domain"),
    ("rcpt", TEMP, 421, "4.7.0", False, "deferred", "shutdown", "pause"),
    ("rcpt", PERM, 550, "5.1.1", False, "failed", "address", "none"),
    ("rcpt", PERM, 550, "5.1.10", False, "failed", "address", "none"),
    ("rcpt", PERM, 550, "5.2.1", False, "failed", "address", "none"),
    ("rcpt", PERM, 552, "5.2.2", False, "failed", "refused", "none"),
    ("rcpt", PERM, 552, "", False, "failed", "refused", "none"),
    ("rcpt", PERM, 550, "", False, "failed", "refused", "none"),
    ("rcpt", PERM, 554, "5.7.1", False, "failed", "policy", "suspect"),
    ("rcpt", PERM, 553, "5.6.7", False, "failed", "relay_cannot", "none"),
    ("rcpt", PERM, 550, "5.1.8", False, "queued", "sender", "breaker"),
    ("rcpt", BROKEN, None, "", True, "deferred", "broken", "close"),
    ("data", TEMP, 451, "", False, "deferred", "try_later", "none"),
    ("data", PERM, 554, "5.5.1", False, "failed", "refused", "none"),
    ("data", PERM, 550, "5.7.515", False, "failed", "policy", "suspect"),
    ("data", PERM, 554, "5.6.3", False, "failed", "relay_cannot", "none"),
    ("data", GARBLED, 250, "", False, "deferred", "broken", "close"),
    ("body", BROKEN, None, "", False, "deferred", "broken", "close"),
    ("body", TEMP, 421, "", False, "deferred", "shutdown", "pause"),
    ("body", PERM, 552, "5.3.4", False, "failed", "too_big", "none"),
    ("body", GARBLED, 250, "", False, "deferred", "broken", "close"),
    ("dot", OK, 250, "2.0.0", False, "sent", "", "none"),
    ("dot", TEMP, 451, "4.7.1", False, "deferred", "try_later", "none"),
    ("dot", TEMP, 421, "4.3.2", False, "deferred", "shutdown", "pause"),
    ("dot", PERM, 550, "5.1.1", False, "failed", "address", "none"),
    ("dot", PERM, 552, "", False, "failed", "too_big", "none"),
    ("dot", PERM, 550, "5.2.3", False, "failed", "too_big", "none"),
    ("dot", PERM, 550, "5.7.515", False, "failed", "policy", "suspect"),
    ("dot", PERM, 550, "5.1.7", False, "failed", "policy", "breaker"),
    ("dot", PERM, 554, "5.6.0", False, "failed", "relay_cannot", "none"),
    ("dot", PERM, 554, "", False, "failed", "refused", "none"),
    ("dot", BROKEN, None, "", False, "in_doubt", "no_reply", "close"),
    ("dot", GARBLED, None, "", False, "in_doubt", "unreadable", "close"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(str(word) for word in case[:5]))
def test_a_reply_means_what_the_table_says(case: tuple[str, Kind, int | None, str, bool, str, str, str]) -> None:
    phase, kind, code, enhanced, reused, state, reason, effect = case
    found = decide(Outcome(phase=Phase(phase), kind=kind, code=code, enhanced=enhanced, reused=reused))
    assert (found.state, found.reason, found.effect) == (state, reason, effect)


outcomes = st.builds(
    Outcome,
    phase=st.sampled_from(Phase),
    kind=st.sampled_from(Kind),
    code=st.one_of(st.none(), st.integers(200, 599)),
    enhanced=st.from_regex(r"(|[245]\.[0-9]{1,3}\.[0-9]{1,3})", fullmatch=True),
    reused=st.booleans(),
)


@given(outcomes)
def test_every_outcome_has_a_decision_that_the_states_allow(outcome: Outcome) -> None:
    assert decide(outcome).state in NEXT[MessageState.SENDING]


@given(outcomes)
def test_only_what_happened_after_the_dot_can_be_sent_or_in_doubt(outcome: Outcome) -> None:
    if decide(outcome).state in {MessageState.SENT, MessageState.IN_DOUBT}:
        assert outcome.phase is Phase.DOT


def test_every_row_of_the_table_can_be_reached() -> None:
    reached = set()
    for phase, kind, code, enhanced, reused, *_ in CASES:
        outcome = Outcome(phase=Phase(phase), kind=kind, code=code, enhanced=enhanced, reused=reused)
        found = decide(outcome)
        reached.add((found.state, found.reason, found.effect))
    assert {(row.state, row.reason, row.effect) for row in TABLE} <= reached


@pytest.mark.parametrize(("text", "found"), [("5.1.1 no", "5.1.1"), ("no 5.1.1", ""), ("4.7.650 slow", "4.7.650"), ("5.1 no", ""), ("", "")])
def test_the_enhanced_code_stands_first_or_not_at_all(text: str, found: str) -> None:
    assert enhanced_code(text) == found


def note(breaker: Breaker, state: str, effect: Effect, employee: int = 1, reason: str = "") -> str | None:
    return breaker.note(Decision(state=MessageState(state), reason=reason, effect=effect), employee, "550 no")


def test_a_refused_sender_opens_the_breaker_at_once() -> None:
    assert note(Breaker(connections=4), "queued", Effect.BREAKER) == "breaker: the relay refuses our sender: 550 no"


def test_policy_refusals_of_three_employees_open_it_and_of_one_do_not() -> None:
    breaker = Breaker(connections=4)
    assert not any(note(breaker, "failed", Effect.SUSPECT, 1, "policy") for _ in range(9))
    assert note(breaker, "failed", Effect.SUSPECT, 2, "policy") is None
    assert note(breaker, "failed", Effect.SUSPECT, 3, "policy") == "breaker: policy refusals for 3 employees: 550 no"


def test_more_than_a_fifth_of_the_first_hundred_open_it() -> None:
    breaker = Breaker(connections=4)
    verdicts = [note(breaker, "failed", Effect.NONE, n, "refused") for n in range(21)]
    assert verdicts[:20] == [None] * 20
    assert verdicts[20] == "breaker: 21 of the first 21 messages failed: 550 no"


def test_failures_after_the_first_hundred_and_unknown_mailboxes_do_not_count() -> None:
    breaker = Breaker(connections=4)
    assert not any(note(breaker, "failed", Effect.NONE, n, "address") for n in range(50))
    assert not any(note(breaker, "sent", Effect.NONE, n) for n in range(50))
    assert not any(note(breaker, "failed", Effect.NONE, n, "refused") for n in range(500))


def test_a_run_of_closings_opens_it_and_one_success_ends_the_run() -> None:
    breaker = Breaker(connections=2)
    assert not any(note(breaker, "deferred", Effect.PAUSE, reason="shutdown") for _ in range(9))
    assert note(breaker, "sent", Effect.NONE) is None
    assert not any(note(breaker, "deferred", Effect.PAUSE, reason="shutdown") for _ in range(9))
    assert note(breaker, "deferred", Effect.PAUSE, reason="shutdown") == "breaker: the relay keeps closing: 550 no"


@pytest.mark.parametrize("reason", ["try_later", "broken"])
def test_a_relay_that_puts_everybody_off_is_rested_and_needs_no_operator(reason: str) -> None:
    breaker = Breaker(connections=2)
    assert not any(note(breaker, "deferred", Effect.PAUSE, reason=reason) for _ in range(500))


def test_what_is_put_off_among_closings_does_not_end_the_run_of_them() -> None:
    breaker = Breaker(connections=1)
    assert not any(note(breaker, "deferred", Effect.PAUSE, reason="shutdown") for _ in range(4))
    assert note(breaker, "deferred", Effect.PAUSE, reason="try_later") is None
    assert note(breaker, "deferred", Effect.PAUSE, reason="shutdown") == "breaker: the relay keeps closing: 550 no"


def test_a_domain_rests_when_three_different_employees_in_a_row_were_slowed() -> None:
    breaker = Breaker(connections=2)
    slow = Decision(state=MessageState.DEFERRED, reason="slow_down", effect=Effect.SLOW_DOMAIN)
    fine = Decision(state=MessageState.SENT, reason="", effect=Effect.NONE)
    assert not any(breaker.slows(slow, 1, "example.org") for _ in range(5))
    assert not breaker.slows(slow, 2, "example.org")
    assert not breaker.slows(fine, 3, "example.org")
    assert [breaker.slows(slow, n, "example.org") for n in (4, 5, 6)] == [False, False, True]
