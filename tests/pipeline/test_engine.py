"""What once went wrong in the engine, or could: knots of locks, idle relays, long runs, erased people, late hours."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, select, update

from digest.db import relays, standing
from digest.db.schema import attempt, edition, employee, message, token
from digest.db.session import open_database, read, write
from digest.domain import canary
from digest.domain.quiet import parse_quiet
from digest.errors import StorageError
from digest.pipeline import crew, openings, outbox
from digest.smtp.relay import Relay
from tests.conftest import NOW
from tests.letters import DAY, editions, messages, put_edition, send, states
from tests.renderer import Letters
from tests.sink import Fault, Sink

Serve = Callable[..., Sink]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Servers, each with a mailbox of its own."""
    with ExitStack() as stack:
        yield lambda name="mail", **options: stack.enter_context(Sink(file=tmp_path / f"{name}.jsonl", **options))


def relay(sink: Sink, name: str = "smtp", **options: Any) -> Relay:
    return Relay(name=name, host="127.0.0.1", port=sink.port, **{"connections": 2, **options})


def inside(engine: Engine, every: int = 2) -> None:
    """Give every n-th employee an address inside."""
    with write(engine) as connection:
        for one in connection.execute(select(employee.c.id)).scalars().all()[::every]:
            address = f"person{one}@inside.example"
            connection.execute(update(employee).where(employee.c.id == one).values(address=address, mailbox=address))


@pytest.mark.parametrize("first", [None, partial(canary.size, 400)])
def test_cancelling_in_the_midst_of_claims_ends_neither_the_run_nor_the_cancellation(postgres_url: str, serve: Serve, first: Any) -> None:
    engine = open_database(postgres_url)
    sink = serve()
    for number in range(6):
        put_edition(engine, 500, period=f"2026-W{number + 10}")
        found = editions(engine)[-1].id
        ended: list[object] = []
        run = threading.Thread(target=lambda: ended.append(send(engine, sink, connections=4, canary=first)))  # noqa: B023 - joined below
        run.start()
        while not any(row.state == "sent" for row in messages(engine) if row.edition_id == found):
            time.sleep(0.002)
        said = outbox.cancel(engine, None, who="operator", now=NOW)
        assert "is cancelled" in said
        run.join()
        assert len(ended) == 1
        assert set(Counter(row.state for row in messages(engine) if row.edition_id == found)) == {"sent", "cancelled"}
    assert max(Counter(mail["to"] for mail in sink.mails()).values()) == 1
    engine.dispose()


def test_somebody_who_is_erased_while_their_message_is_refused_harms_nobody_else(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 8)
    victim = messages(engine)[3]
    with read(engine) as connection:
        address = connection.execute(select(employee.c.address).where(employee.c.id == victim.employee_id)).scalar_one()
    sink = serve(faults=[Fault(at="rcpt", do=f"550 5.1.1 <{address}>: unknown", to=address)])
    store = sink.fault

    def erase(at: str, to: str = "") -> Fault | None:
        if at == "rcpt" and to == address:
            with write(engine) as connection:
                connection.execute(delete(token).where(token.c.employee_id == victim.employee_id))
                connection.execute(delete(employee).where(employee.c.id == victim.employee_id))
        return store(at, to)

    sink.fault = erase  # type: ignore[method-assign]  # the server waits for the operator
    done = send(engine, sink, connections=4)
    assert (done.sent, done.in_doubt) == (7, 0)
    with read(engine) as connection:
        kept = connection.execute(select(attempt.c.text).where(attempt.c.message_id == victim.id)).scalars().all()
    assert kept == [""]


def test_a_run_that_takes_long_sees_what_becomes_due_meanwhile(engine: Engine, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openings, "_LOOK_AROUND", 0.2)
    put_edition(engine, 20)
    inside(engine)
    slow, fast = serve("slow", delay=0.15), serve("fast")
    with write(engine) as connection:
        mine = select(employee.c.id).where(employee.c.address.endswith("@example.org"))
        soon = NOW + timedelta(seconds=0.5)
        connection.execute(update(message).where(message.c.employee_id.in_(mine)).values(next_attempt_at=soon))
    both = (relay(fast), relay(slow, "exchange", domains=frozenset({"inside.example"}), connections=1))
    assert send(engine, relays=both).sent == 20


def test_a_relay_that_comes_back_in_a_long_run_is_used_again(engine: Engine, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openings, "_LOOK_AROUND", 0.2)
    put_edition(engine, 20)
    inside(engine)
    slow, away = serve("slow", delay=0.15), serve("away")
    port = away.port
    away.stop()
    back: list[Sink] = []
    threading.Timer(0.4, lambda: back.append(Sink(file=tmp_path / "back.jsonl", port=port).__enter__())).start()
    both = (relay(away), relay(slow, "exchange", domains=frozenset({"inside.example"}), connections=1))
    assert send(engine, relays=both).sent == 20
    assert len(back[0].mails()) == 10
    back[0].stop()


def test_a_database_that_hiccups_while_an_edition_is_loaded_fails_nobody(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 10)
    hiccups = iter(range(3))

    class Hiccup(Letters):
        def wire(self, message: Any) -> bytes:
            if next(hiccups, None) is not None:
                raise StorageError("digest.db", "database is locked")
            return super().wire(message)

    assert send(engine, serve(), connections=2, letters=Hiccup()).sent == 10
    assert {row.attempts for row in messages(engine)} == {1}


def test_a_relay_that_closes_idle_connections_costs_no_message_its_try(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 6)
    sink = serve()
    done = send(engine, sink, connections=1, smtp={"per_second": 2}, progress=lambda _more: sink.hang_up())
    assert (done.sent, done.deferred, done.in_doubt) == (6, 0, 0)


def test_quiet_hours_do_not_carry_a_message_past_its_deadline(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 3)
    night = datetime(2026, 11, 24, 21, 30, tzinfo=UTC)
    with write(engine) as connection:
        connection.execute(update(message).values(due_at=night - timedelta(minutes=5), next_attempt_at=night - timedelta(minutes=5)))
    done = send(engine, serve(), now=night, quiet=parse_quiet("21:00-06:00"), deadline=timedelta(hours=2))
    assert (done.sent, done.failed) == (0, 3)
    assert {(row.state, row.reason) for row in messages(engine)} == {("failed", "expired")}


def test_quiet_hours_over_a_crowd_are_set_aside_in_steps(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 5000)
    longest = [0.0]
    began = [0.0]
    event.listen(engine, "begin", lambda _connection: began.__setitem__(0, time.monotonic()))
    event.listen(engine, "commit", lambda _connection: longest.__setitem__(0, max(longest[0], time.monotonic() - began[0])))
    done = send(engine, serve(), now=datetime(2026, 11, 24, 22, 0, tzinfo=UTC), quiet=parse_quiet("21:00-06:00"), deadline=9 * DAY)
    assert done.sent == 0
    assert {row.next_attempt_at for row in messages(engine)} == {datetime(2026, 11, 25, 6, 0, tzinfo=UTC)}
    assert longest[0] < 5


def test_an_edition_resumed_in_the_same_run_meets_a_fresh_breaker(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 40)
    inside(engine)
    slow = serve("slow", delay=0.25)
    refusing = serve("refusing", faults=[Fault(at="mail", do="550 5.7.1 not you")])
    resumed: list[float] = []

    def resume(_more: int) -> None:
        if editions(engine)[0].paused and not resumed:
            resumed.append(time.monotonic())
            with write(engine) as connection:
                standing.resume(connection, editions(engine)[0].id, who="operator", now=NOW)

    both = (relay(refusing), relay(slow, "exchange", domains=frozenset({"inside.example"})))
    send(engine, relays=both, progress=resume)
    assert len([line for line in refusing.seen if line.startswith("MAIL")]) <= 8


def test_nothing_is_opened_again_when_nothing_is_left(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 1)
    sink = serve(faults=[Fault(at="dot", do="421 4.3.2 bye", times=1), Fault(at="greeting", do="hang", after=1)])
    began = time.monotonic()
    assert send(engine, sink, connections=1).deferred == 1
    assert time.monotonic() - began < 4


def test_a_run_does_not_wait_for_a_second_connection_that_nobody_needs(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 4)
    sink = serve(faults=[Fault(at="greeting", do="hang", after=1)])
    began = time.monotonic()
    assert send(engine, sink, connections=2).sent == 4
    assert time.monotonic() - began < 4


def test_a_claim_says_which_relay_carries_the_message(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 20)
    two = serve("two")
    two.stop()
    send(engine, relays=(relay(serve("one")), relay(two, "second")))
    assert {row.route for row in messages(engine)} == {"smtp"}
    assert states(engine) == {"sent": 20}


def test_a_paused_edition_between_claims_is_seen_at_once(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 60)
    sink = serve(delay=0.01)

    def pause(_more: int) -> None:
        with write(engine) as connection:
            connection.execute(update(edition).values(paused=True))

    assert send(engine, sink, connections=2, progress=pause).sent <= 4


def test_two_relays_for_one_domain_stand_in_for_each_other_and_for_nobody_else(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 40)
    inside(engine)
    out, one, away = serve("out"), serve("one"), serve("away")
    away.stop()
    here = frozenset({"inside.example"})
    both = (relay(out), relay(one, "one", domains=here), relay(away, "two", domains=here | {"elsewhere.example"}))
    assert send(engine, relays=both).sent == 40
    assert {mail["to"].partition("@")[2] for mail in one.mails()} == {"inside.example"}
    assert len(one.mails()) == 20


def test_a_relay_that_puts_everything_off_is_left_alone_after_a_while(engine: Engine, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "_LONGEST_PAUSE", 0.05)
    put_edition(engine, 200)
    sink = serve(faults=[Fault(at="mail", do="451 4.3.0 later")])
    done = send(engine, sink, connections=2)
    assert done.deferred <= 12
    assert done.transport_error is not None
    assert "puts everything off" in done.transport_error
    assert states(engine)["queued"] >= 188


def test_what_was_last_wrong_with_a_relay_is_remembered_until_it_is_back(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 2)
    sink = serve()
    port = sink.port
    sink.stop()
    send(engine, relay=Relay(host="127.0.0.1", port=port))
    with read(engine) as connection:
        found = relays.troubles(connection, NOW)["smtp"]
    assert "refused the connection" in found.reason
    assert found.at is not None
    send(engine, Sink(file=sink.file, port=port).__enter__())
    with read(engine) as connection:
        assert relays.troubles(connection, NOW) == {}
