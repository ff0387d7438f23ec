"""Everything a relay can do wrong, in every phase, on both databases. Afterwards it behaves, and everybody has one message or a name."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.db.session import read
from digest.pipeline import outbox
from digest.smtp.relay import Timeouts
from tests import certificates
from tests.conftest import NOW
from tests.faults.oracle import W, check, recover
from tests.faults.processes import Sinks
from tests.letters import editions, messages, put_edition, send, states
from tests.renderer import Letters
from tests.sink import Fault

PATIENCE = Timeouts(connect=2, greeting=0.3, command=0.3, mail=0.3, rcpt=0.3, data=0.3, block=0.5, dot=0.3)
LOGIN = {"timeouts": PATIENCE, "username": "digest", "password": "right"}
SILENT = ("close", "hang", "garble", "half")
SPOKEN = ("451 4.3.0 not now", "554 5.5.0 no", "421 4.3.2 going down", "slow")
PEOPLE = 6
LONG = 5_000_000  # octets of a body that does not fit between the two ends


def outcome(phase: str, fault: str) -> dict[str, int]:
    """What the phase table makes of one such fault, when the relay behaves afterwards (delivery contract, 2 and 5)."""
    if phase == "dot" and fault in SILENT:
        return {"sent": PEOPLE - 1, "in_doubt": 1}
    if phase in {"rcpt", "data", "body", "dot"} and fault.startswith("5"):
        return {"sent": PEOPLE - 1, "failed": 1}
    return {"sent": PEOPLE}


@pytest.mark.parametrize("phase", ["greeting", "ehlo", "auth", "mail", "rcpt", "data", "body", "dot"])
def test_whatever_goes_wrong_once_costs_one_message_at_most(engine: Engine, sinks: Sinks, phase: str) -> None:
    sink, doubts = sinks(login="digest:right", window=50_000 if phase == "body" else 0), 0
    letters = Letters(padding=LONG if phase == "body" else 0)
    for week, do in enumerate((*SILENT, *SPOKEN), start=1):
        put_edition(engine, PEOPLE, period=f"2026-W{week:02}")
        sink.faults[:] = [Fault(at=phase, do=do, times=1)]
        send(engine, sink, smtp=LOGIN, at_once=True, letters=letters)
        sink.faults.clear()
        if editions(engine)[-1].paused:
            outbox.resume(engine, None, who="ana", now=NOW)
        recover(engine, sink, smtp=LOGIN, at_once=True, letters=letters, now=NOW + timedelta(minutes=1))
        with read(engine) as connection:
            found = {state: count for state, count in outbox.counts(connection, editions(engine)[-1].id).items() if count}
        assert found == outcome(phase, do), f"{do} at {phase}"
        doubts += found.get("in_doubt", 0)
        check(engine, sink.mails(), audience=PEOPLE * week, doubts=doubts)


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "body", "dot"])
def test_a_relay_that_always_falls_silent_makes_doubts_after_the_dot_only(engine: Engine, sinks: Sinks, phase: str) -> None:
    put_edition(engine, 8)
    sink = sinks(window=50_000 if phase == "body" else 0, faults=[Fault(at=phase, do="close", keep=False)])
    letters = Letters(padding=LONG if phase == "body" else 0)
    for minute in range(3):
        send(engine, sink, at_once=True, now=NOW + timedelta(minutes=minute), letters=letters, smtp={"timeouts": PATIENCE})
    found = states(engine)
    assert (found.get("in_doubt", 0) == 8) == (phase == "dot"), found
    sink.faults.clear()
    recover(engine, sink, at_once=True, letters=letters, now=NOW + timedelta(minutes=5))
    check(engine, sink.mails(), audience=8, doubts=8 if phase == "dot" else 0)


def test_a_relay_that_closes_after_three_messages_is_come_back_to(engine: Engine, sinks: Sinks) -> None:
    put_edition(engine, 40)
    sink = sinks(close_after=3)
    done = send(engine, sink, connections=W)
    assert (done.sent, done.in_doubt, done.transport_error) == (40, 0, None)
    assert {row.attempts for row in messages(engine)} == {1}
    check(engine, sink.mails(), audience=40, doubts=0)


def test_refusals_for_some_people_leave_the_others_their_message(engine: Engine, sinks: Sinks) -> None:
    put_edition(engine, 30)
    said = {3: "450 4.2.2 mailbox full", 7: "550 5.1.1 unknown", 11: "552 5.2.2 full for good", 19: "550 5.7.1 not from you"}
    sink = sinks(faults=[Fault(at="rcpt", do=do, to=f"2026-w48-person{n:05}@example.org") for n, do in said.items()])
    done = send(engine, sink, connections=W)
    assert (done.sent, done.deferred, done.failed, done.in_doubt) == (26, 1, 3, 0)
    sink.faults.clear()
    recover(engine, sink, now=NOW + timedelta(hours=1))
    check(engine, sink.mails(), audience=30, doubts=0)
    assert states(engine) == {"sent": 27, "failed": 3}


@pytest.fixture(scope="module", name="certificate")
def a_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates.certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("do", ["454 4.7.0 no TLS today", "554 5.7.0 never", *SILENT])
def test_a_relay_that_refuses_encryption_is_offered_nothing(engine: Engine, sinks: Sinks, certificate: Path, do: str) -> None:
    put_edition(engine, PEOPLE)
    sink = sinks(tls=certificates.server_side(certificate), login="digest:right", faults=[Fault(at="starttls", do=do)])
    smtp = {**LOGIN, "security": "starttls", "tls": ssl.create_default_context(cafile=str(certificate))}
    done = send(engine, sink, smtp=smtp, at_once=True)
    assert "nothing was offered" in (done.transport_error or "")
    assert states(engine) == {"queued": PEOPLE}
    assert not [line for line in sink.seen if line.upper().startswith(("AUTH", "MAIL"))]
    sink.faults.clear()
    recover(engine, sink, smtp=smtp, at_once=True, now=NOW)
    check(engine, sink.mails(), audience=PEOPLE, doubts=0)
