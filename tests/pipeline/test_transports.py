"""Several relays at once: who carries what, and what one of them being away means for the others."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from digest.db import outbox, routes, runs
from digest.db.schema import attempt, edition, employee, message
from digest.db.session import open_database, read, write
from digest.pipeline import outbox as stage
from digest.smtp.relay import Relay
from tests.away import wait_for
from tests.conftest import NOW
from tests.letters import editions, messages, put_edition, send, states
from tests.sink import Fault, Sink

Serve = Callable[..., Sink]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Servers, each with a mailbox of its own."""
    with ExitStack() as stack:
        yield lambda name, **options: stack.enter_context(Sink(file=tmp_path / f"{name}.jsonl", **options))


def relay(sink: Sink | int, name: str = "smtp", **options: Any) -> Relay:
    port = sink if isinstance(sink, int) else sink.port
    return Relay(name=name, host="127.0.0.1", port=port, **{"connections": 2, **options})


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def move(engine: Engine, domain: str, every: int) -> None:
    """Give every n-th employee an address in `domain`."""
    with write(engine) as connection:
        for one in connection.execute(select(employee.c.id)).scalars().all()[::every]:
            address = f"person{one}@{domain}"
            connection.execute(update(employee).where(employee.c.id == one).values(address=address, mailbox=address))


def carried(engine: Engine) -> Counter[str]:
    with read(engine) as connection:
        return Counter(connection.execute(select(attempt.c.transport)).scalars())


def test_each_domain_goes_through_its_own_relay(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 30)
    move(engine, "inside.example", 3)
    out, inside = serve("out"), serve("inside")
    done = send(engine, relays=(relay(out), relay(inside, "exchange", domains=frozenset({"inside.example"}))))
    assert done.sent == 30
    assert {mail["to"].partition("@")[2] for mail in inside.mails()} == {"inside.example"}
    assert len(inside.mails()) == 10
    assert {mail["to"].partition("@")[2] for mail in out.mails()} == {"example.org"}
    assert carried(engine) == {"smtp": 20, "exchange": 10}
    assert [found.state for found in editions(engine)] == ["closed"]


def test_a_pool_shares_by_weight_and_nobody_gets_two(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 200)
    one, two = serve("one"), serve("two")
    assert send(engine, relays=(relay(one), relay(two, "second", weight=3))).sent == 200
    assert 120 < len(two.mails()) < 180
    everybody = Counter(mail["to"] for mail in [*one.mails(), *two.mails()])
    assert (len(everybody), max(everybody.values())) == (200, 1)


def test_one_of_the_pool_that_is_away_is_stood_in_for(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 40)
    one = serve("one")
    done = send(engine, relays=(relay(one), relay(closed_port(), "second")))
    assert (done.sent, done.transport_error) == (40, None)
    assert states(engine) == {"sent": 40}


def test_one_that_dies_while_it_sends_is_stood_in_for(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 120)
    one, two = serve("one", delay=0.005), serve("two", delay=0.005)

    def die(_more: int) -> None:
        if len(two.mails()) > 5:
            two.stop()

    done = send(engine, relays=(relay(one), relay(two, "second")), progress=die)
    assert done.in_doubt <= 2
    counts = states(engine)
    assert counts["sent"] + counts.get("in_doubt", 0) + counts.get("deferred", 0) == 120
    assert counts.get("deferred", 0) <= 2  # broken off before the dot; they come back by the clock
    assert max(Counter(mail["to"] for mail in [*one.mails(), *two.mails()]).values()) == 1


def test_a_relay_for_a_domain_that_is_away_keeps_its_people_and_stops_nobody_else(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 30)
    move(engine, "inside.example", 3)
    out = serve("out")
    port = closed_port()
    relays = (relay(out), relay(port, "exchange", domains=frozenset({"inside.example"})))
    done = send(engine, relays=relays)
    assert done.sent == 20
    assert done.transport_error is not None
    assert f"127.0.0.1:{port} refused the connection" in done.transport_error
    assert "Check transports.exchange.host" in done.transport_error
    assert states(engine) == {"sent": 20, "queued": 10}
    with Sink(file=out.file.with_name("later.jsonl"), port=port) as inside:
        assert send(engine, relays=relays).sent == 10
        assert len(inside.mails()) == 10


def test_a_refused_login_rests_that_relay_only(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 30)
    move(engine, "inside.example", 3)
    out, inside = serve("out"), serve("inside", login="digest:right")
    locked = relay(inside, "exchange", domains=frozenset({"inside.example"}), username="digest", password="wrong")
    done = send(engine, relays=(relay(out), locked))
    assert done.sent == 20
    assert not editions(engine)[0].paused
    asked = len(inside.seen)
    again = send(engine, relays=(relay(out), locked), now=NOW + timedelta(minutes=5))
    assert again.transport_error == "exchange rests: the login is refused: 535 5.7.8 wrong name or password."
    assert len(inside.seen) == asked  # more wrong passwords might lock the account
    said = stage.resume(engine, None, who="operator", now=NOW + timedelta(minutes=6))
    assert said == "2026-W48 is not paused; the relays that rested are used again."
    assert send(engine, relays=(relay(out), relay(inside, "exchange", domains=locked.domains, username="digest", password="right"))).sent == 10


def test_a_slow_relay_holds_nobody_elses_messages_up(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 60)
    move(engine, "inside.example", 2)
    out, inside = serve("out"), serve("inside")
    limited = relay(inside, "exchange", domains=frozenset({"inside.example"}), per_minute=1)
    assert send(engine, relays=(relay(out), limited)).sent == 31
    assert len(out.mails()) == 30
    assert len(inside.mails()) == 1


def test_messages_of_a_relay_that_was_taken_out_go_through_the_others(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 20)
    with write(engine) as connection:
        connection.execute(update(message).values(route="gone"))
    assert send(engine, serve("one")).sent == 20


def test_somebody_whose_address_moved_goes_through_the_right_relay(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 4)
    out, inside = serve("out"), serve("inside")
    relays = (relay(out), relay(inside, "exchange", domains=frozenset({"inside.example"})))
    routes.deal(engine, [one.route for one in relays])
    move(engine, "inside.example", 2)
    assert send(engine, relays=relays).sent == 2
    assert send(engine, relays=relays).sent == 2
    assert len(inside.mails()) == 2


def test_dealing_reads_nothing_again_while_the_transports_stay(engine: Engine) -> None:
    put_edition(engine, 700)
    two = [relay(1).route, relay(2, "second").route]
    assert routes.deal(engine, two) > 300
    assert routes.deal(engine, two) == 0
    assert routes.deal(engine, two[:1]) > 300
    assert {row.route for row in messages(engine)} == {"smtp"}


def test_the_relays_limit_of_connections_holds_for_all_runs_together(postgres_url: str, serve: Serve) -> None:
    engine = open_database(postgres_url)
    put_edition(engine, 80)
    sink = serve("one", delay=0.02)
    found: list[int] = []
    crews = [threading.Thread(target=lambda: found.append(send(engine, sink, connections=3).sent)) for _ in range(3)]
    for crew in crews:
        crew.start()
    for crew in crews:
        crew.join()
    assert sum(found) == 80
    assert sink.peak <= 3
    engine.dispose()


def test_a_place_is_free_again_when_its_run_ends(postgres_url: str) -> None:
    engine = open_database(postgres_url)
    with runs.delivering(engine, lambda: NOW) as first, runs.delivering(engine, lambda: NOW) as second:
        assert first is not None
        assert second is not None
        mine, theirs = runs.Slots(run=first), runs.Slots(run=second)
        assert [mine.take("smtp", 2), mine.take("smtp", 2), mine.take("smtp", 2)] == [True, True, False]
        assert not theirs.take("smtp", 2)
        assert theirs.take("other", 2)
        mine.give("smtp")
        assert theirs.take("smtp", 2)
    engine.dispose()


def test_a_limit_holds_for_two_runs_at_once(postgres_url: str, serve: Serve) -> None:
    engine = open_database(postgres_url)
    put_edition(engine, 200)
    sink, stop = serve("one"), threading.Event()
    crews = [threading.Thread(target=lambda: send(engine, sink, smtp={"per_minute": 600}, stop=stop)) for _ in range(2)]
    for crew in crews:
        crew.start()
    threading.Timer(2.0, stop.set).start()
    for crew in crews:
        crew.join()
    assert 30 < len(sink.mails()) <= 30 + 9.5 * 2.5
    engine.dispose()


def test_a_server_that_closes_pauses_its_own_relay_only(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 40)
    move(engine, "inside.example", 2)
    out = serve("out", delay=0.01)
    inside = serve("inside", faults=[Fault(at="mail", do="421 4.3.2 going down", times=2)])
    stop = threading.Event()

    def watch() -> None:
        try:
            wait_for(lambda: len(out.mails()) == 20)
        finally:
            stop.set()

    watching = threading.Thread(target=watch)
    watching.start()
    send(engine, relays=(relay(out), relay(inside, "exchange", domains=frozenset({"inside.example"}))), stop=stop)
    watching.join()
    assert len(out.mails()) == 20
    assert len(inside.mails()) == 0


def test_due_counts_what_one_transport_has_to_do(engine: Engine) -> None:
    put_edition(engine, 5)
    with write(engine) as connection:
        assert outbox.due(connection, NOW, 10, "smtp") == 5
        assert outbox.due(connection, NOW, 3, "smtp") == 3
        assert outbox.due(connection, NOW, 10, "other") == 0
        connection.execute(update(edition).values(paused=True))
        assert outbox.due(connection, NOW, 10, "smtp") == 0
