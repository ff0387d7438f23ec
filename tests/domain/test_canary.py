"""How many go first, and what holds the rest."""

from __future__ import annotations

import pytest

from digest.domain.canary import Look, size, verdict


@pytest.mark.parametrize(
    ("said", "audience", "first"),
    [(50, 1000, 50), (50, 40, 0), (50, 50, 0), ("1%", 1000, 10), ("1%", 50, 1), ("0.5%", 100_000, 500), (0, 1000, 0), ("99%", 1, 0)],
)
def test_the_canary_is_a_number_or_a_share_and_never_everybody(said: int | str, audience: int, first: int) -> None:
    assert size(said, audience) == first


def look(offered: int = 50, **counts: int) -> Look:
    quiet = {"offered": offered, "accepted": offered, "unknown": 0, "failed": 0, "bounced": 0, "complained": 0, "in_doubt": 0}
    return Look(**{**quiet, **counts})


def test_a_quiet_canary_lets_the_rest_go() -> None:
    assert verdict(look()) is None
    assert verdict(look(failed=1, in_doubt=1)) is None
    assert verdict(look(offered=100, bounced=5)) is None


def test_trouble_for_several_people_holds_the_rest_and_says_which() -> None:
    assert verdict(look(failed=2, bounced=2)) == "canary: of the first 50 messages 2 failed, 2 bounced"
    assert verdict(look(in_doubt=3)) == "canary: of the first 50 messages 3 in doubt"


def test_one_complaint_is_enough() -> None:
    assert verdict(look(offered=1000, complained=1)) == "canary: of the first 1000 messages 1 reported as spam"


def test_a_canary_of_two_that_both_fail_holds_the_rest() -> None:
    assert verdict(look(offered=2, accepted=0, failed=2)) == "canary: of the first 2 messages 2 failed, none was accepted"
    assert verdict(look(offered=2, accepted=2, bounced=2)) == "canary: of the first 2 messages 2 bounced"
    assert verdict(look(offered=1, accepted=0, in_doubt=1)) == "canary: of the first 1 messages 1 in doubt, none was accepted"
    assert verdict(look(offered=2, accepted=1, failed=1)) is None


def test_a_canary_of_which_nothing_was_accepted_holds_the_rest() -> None:
    assert verdict(look(offered=5, accepted=0)) == "canary: of the first 5 messages none was accepted"
    assert verdict(look(offered=5, accepted=1)) is None


def test_unknown_addresses_of_more_than_half_hold_the_rest_and_of_half_do_not() -> None:
    assert verdict(look(offered=20, accepted=9, unknown=11)) == "canary: of the first 20 messages 11 had unknown addresses"
    assert verdict(look(offered=20, accepted=10, unknown=10)) is None


def test_what_was_never_offered_says_nothing() -> None:
    assert verdict(look(offered=0)) is None
