"""The first few messages, the wait, the look; quiet hours and the allow-list at the claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from digest.db import standing
from digest.db.schema import bounce, edition, employee, message
from digest.db.session import read, write
from digest.domain import canary
from digest.domain.quiet import parse_quiet
from tests.conftest import NOW
from tests.letters import DAY, editions, messages, put_edition, send, states
from tests.sink import Fault, Sink

Serve = Callable[..., Sink]
TEN: dict[str, Any] = {"canary": partial(canary.size, 10), "canary_wait": timedelta(minutes=15)}
LATER = NOW + timedelta(minutes=16)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Sink(file=tmp_path / "mail.jsonl", **options))


def test_a_few_go_first_and_the_rest_after_the_wait(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 60)
    sink = serve()
    assert send(engine, sink, connections=4, **TEN).sent == 10
    assert states(engine) == {"sent": 10, "queued": 50}
    found = editions(engine)[0]
    assert (found.state, found.paused, found.canary_left) == ("sending", False, 0)
    assert NOW + timedelta(minutes=15) <= found.canary_until <= NOW + timedelta(minutes=16)
    assert send(engine, sink, now=NOW + timedelta(minutes=10), **TEN).sent == 0
    assert send(engine, sink, now=LATER, **TEN).sent == 50
    assert [row.state for row in editions(engine)] == ["closed"]


def test_a_canary_that_fares_badly_holds_the_rest(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 60)
    sink = serve(faults=[Fault(at="rcpt", do="550 no thanks", times=4)])
    send(engine, sink, connections=2, **TEN)
    done = send(engine, sink, now=LATER, **TEN)
    assert done.sent == 0
    found = editions(engine)[0]
    assert (found.paused, found.reason) == (True, "canary: of the first 10 messages 4 failed")
    assert done.transport_error == "canary: of the first 10 messages 4 failed"
    with write(engine) as connection:
        standing.resume(connection, found.id, who="operator", now=NOW)
    assert send(engine, sink, now=LATER, **TEN).sent == 50  # an operator's word is the last one


def test_a_report_that_came_back_counts(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 40)
    sink = serve()
    send(engine, sink, **TEN)
    sent = next(row for row in messages(engine) if row.state == "sent")
    told = {"fingerprint": "one", "at": NOW, "message_id": sent.id, "employee_id": sent.employee_id, "kind": "complaint", "source": "arf"}
    with write(engine) as connection:
        connection.execute(insert(bounce).values(**told, status="", text=""))
    send(engine, sink, now=LATER, **TEN)
    assert editions(engine)[0].reason == "canary: of the first 10 messages 1 reported as spam"


def test_at_once_the_wait_is_set_aside_and_the_look_is_not(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 60)
    sink = serve(delay=0.005)
    assert send(engine, sink, connections=4, at_once=True, **TEN).sent == 60


def test_at_once_a_bad_canary_still_stops_it(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 60)
    sink = serve(faults=[Fault(at="rcpt", do="550 no thanks", times=5)])
    assert send(engine, sink, at_once=True, connections=1, **TEN).sent == 5
    assert editions(engine)[0].paused


def test_an_edition_smaller_than_its_canary_just_goes(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 8)
    assert send(engine, serve(), **TEN).sent == 8


def test_every_edition_has_a_canary_of_its_own(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 20, period="2026-W47")
    put_edition(engine, 20, period="2026-W48")
    assert send(engine, serve(), connections=3, **TEN).sent == 20
    assert states(engine) == {"sent": 20, "queued": 20}
    assert [found.canary_left for found in editions(engine)] == [0, 0]


# Quiet hours and the allow-list

AT_NIGHT = datetime(2026, 11, 24, 21, 30, tzinfo=UTC)  # 22:30 in Berlin, 16:30 in New York
QUIET: dict[str, Any] = {"quiet": parse_quiet("21:00-06:00"), "deadline": timedelta(days=9)}


def zones(engine: Engine, *names: str) -> None:
    with write(engine) as connection:
        for place, one in enumerate(connection.execute(select(employee.c.id).order_by(employee.c.id)).scalars().all()):
            connection.execute(update(employee).where(employee.c.id == one).values(zone=names[place % len(names)]))


def test_nobody_gets_a_letter_in_their_quiet_hours(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 12)
    zones(engine, "Europe/Berlin", "America/New_York")
    sink = serve()
    assert send(engine, sink, now=AT_NIGHT, **QUIET).sent == 6
    waiting = {row.next_attempt_at for row in messages(engine) if row.state == "queued"}
    assert waiting == {datetime(2026, 11, 25, 5, 0, tzinfo=UTC)}  # 06:00 in Berlin
    assert send(engine, sink, now=datetime(2026, 11, 25, 4, 59, tzinfo=UTC), **QUIET).sent == 0
    assert send(engine, sink, now=datetime(2026, 11, 25, 5, 1, tzinfo=UTC), **QUIET).sent == 6


def test_at_once_sets_quiet_hours_aside(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 4)
    zones(engine, "Europe/Berlin")
    assert send(engine, serve(), now=AT_NIGHT, at_once=True, **QUIET).sent == 4


def test_a_run_that_lasts_into_quiet_hours_stops_there(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 40)
    zones(engine, "Europe/Berlin")
    evening = datetime(2026, 11, 24, 19, 59, 59, tzinfo=UTC)
    assert 0 < send(engine, serve(delay=0.08), now=evening, **QUIET).sent < 40
    assert {row.next_attempt_at for row in messages(engine) if row.state == "queued"} == {datetime(2026, 11, 25, 5, 0, tzinfo=UTC)}


def test_while_trying_out_only_those_named_get_mail(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 5)
    with read(engine) as connection:
        first = connection.execute(select(employee.c.address).order_by(employee.c.id)).scalars().first()
    sink = serve()
    done = send(engine, sink, only=frozenset({first}))
    assert (done.sent, done.suppressed) == (1, 4)
    assert [mail["to"] for mail in sink.mails()] == [first]
    assert {row.reason for row in messages(engine) if row.state == "suppressed"} == {"not_allowed"}


def test_a_whole_domain_may_be_named(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 3)
    assert send(engine, serve(), only=frozenset({"example.org"})).sent == 3


# What a breaker remembers


def refusing(serve: Serve, **options: Any) -> Sink:
    return serve(faults=[Fault(at="rcpt", do="550 5.7.1 not you", times=2)], **options)


def test_a_breaker_counts_over_several_runs(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 10, next_attempt_at=NOW)
    with write(engine) as connection:
        connection.execute(update(edition).values(created_at=NOW))
    rows = messages(engine)
    sink = serve(faults=[Fault(at="rcpt", do="550 5.7.1 not you")])
    for number in range(3):
        now = NOW + number * timedelta(minutes=2)
        _only_due(engine, rows[number].id, now)
        send(engine, sink, now=now, deadline=timedelta(days=9))
    found = editions(engine)[0]
    assert found.paused
    assert found.reason == "breaker: policy refusals for 3 employees: 550 5.7.1 not you"


def _only_due(engine: Engine, one: int, now: datetime) -> None:
    with write(engine) as connection:
        connection.execute(update(message).where(message.c.state == "queued").values(next_attempt_at=now + DAY))
        connection.execute(update(message).where(message.c.id == one).values(next_attempt_at=now))


def test_a_resumed_edition_starts_with_a_clean_slate(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 10)
    sink = serve(faults=[Fault(at="rcpt", do="550 5.7.1 not you", times=3)])
    send(engine, sink, connections=1)
    assert editions(engine)[0].paused
    with write(engine) as connection:
        standing.resume(connection, editions(engine)[0].id, who="operator", now=NOW + timedelta(minutes=5))
    assert send(engine, sink, connections=1, now=NOW + timedelta(minutes=6)).sent == 7
