"""A conversation with a relay, told to people."""

from __future__ import annotations

import pytest

from digest.domain.conversation import Settings, opening, sending
from digest.domain.phase import Kind, Outcome, Phase

SETTINGS = Settings(place="relay.example:587", table="transports.exchange", security="starttls", username="digest", protocol="TLSv1.3", offers={})
GOOD = Outcome(phase=Phase.AUTH, kind=Kind.ACCEPTED, code=235)


def test_steps_come_in_the_order_in_which_they_happen() -> None:
    assert [step.phase for step in opening(GOOD, SETTINGS)] == [Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.AUTH]


@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.AUTH])
@pytest.mark.parametrize("kind", [Kind.TEMPORARY, Kind.PERMANENT, Kind.BROKEN, Kind.UNREADABLE])
def test_every_failing_opening_ends_with_its_step_and_an_advice(phase: Phase, kind: Kind) -> None:
    steps = opening(Outcome(phase=phase, kind=kind), SETTINGS)
    assert [step.ok for step in steps] == [True] * (len(steps) - 1) + [False]
    assert (steps[-1].phase, bool(steps[-1].said), bool(steps[-1].do)) == (phase, True, True)


@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.BODY, Phase.DOT])
@pytest.mark.parametrize("kind", [Kind.TEMPORARY, Kind.PERMANENT, Kind.BROKEN, Kind.UNREADABLE])
def test_every_failing_message_is_told_with_an_advice(phase: Phase, kind: Kind) -> None:
    step = sending(Outcome(phase=phase, kind=kind), SETTINGS)
    assert (step.ok, bool(step.do)) == (False, True)


def test_a_break_before_the_final_dot_is_called_certain() -> None:
    assert "so it was not sent" in sending(Outcome(phase=Phase.BODY, kind=Kind.BROKEN), SETTINGS).said


def test_advice_names_the_keys_of_the_transport_that_was_asked() -> None:
    assert "transports.exchange.username" in opening(Outcome(phase=Phase.AUTH, kind=Kind.PERMANENT), SETTINGS)[-1].do
