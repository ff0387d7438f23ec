"""Real processes, really killed, on both databases, against a real SMTP server."""

from __future__ import annotations

import random
import signal
import socket
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.pipeline.crash import POINTS
from tests.faults.oracle import LONG_AGO, NEVER, W, check, recover, wait_until
from tests.faults.processes import Sinks, Start, said, serving
from tests.letters import messages, put_edition, send, states
from tests.sink import Fault, Sink


def test_ten_kills_leave_no_duplicate_and_lose_nobody(engine: Engine, start: Start, tmp_path: Path) -> None:
    audience, kills, dice = 700, 0, random.Random(48)
    put_edition(engine, audience, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    with serving(tmp_path, delay=0.01) as server:
        while kills < 10:
            before = server.file.stat().st_size
            worker = start(server.port)
            wait_until(lambda: worker.poll() is not None or server.file.stat().st_size > before)  # noqa: B023 - used at once
            time.sleep(dice.random() * 0.1)
            if worker.poll() is not None:
                break
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            kills += 1
        for _ in range(3):
            said(start(server.port))
    assert kills == 10
    check(engine, server.mails(), audience=audience, doubts=W * kills)
    before_rows = messages(engine)
    send(engine, now=datetime.now(UTC), deadline=NEVER)
    assert messages(engine) == before_rows


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_every_boundary_leaves_no_duplicate(engine: Engine, start: Start, sinks: Sinks, point: str) -> None:
    put_edition(engine, 24, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(pipelining=False, delay=0.002)
    worker = start(sink.port, crash=f"{point}:2")
    worker.wait(timeout=60)
    assert worker.returncode == -signal.SIGKILL
    arrived = len(sink.mails())
    recover(engine, sink)
    check(engine, sink.mails(), audience=24, doubts=W)
    assert arrived <= len(sink.mails())
    if point in {"after_dot", "after_reply", "before_commit"}:
        assert states(engine)["in_doubt"] >= 1
    before = messages(engine)
    recover(engine, sink)
    assert messages(engine) == before


def test_with_resend_a_kill_loses_nobody_and_doubles_only_doubts(engine: Engine, start: Start, sinks: Sinks) -> None:
    put_edition(engine, 60, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.002)
    start(sink.port, crash="after_reply:9", on_doubt="resend").wait(timeout=60)
    recover(engine, sink, on_doubt="resend")
    arrived = Counter(mail["to"] for mail in sink.mails())
    assert len(arrived) == 60
    assert sum(arrived.values()) <= 60 + W
    assert len({mail["h:message-id"] for mail in sink.mails()}) == 60
    assert states(engine) == {"sent": 60}


def test_sigterm_finishes_what_is_on_the_wire(engine: Engine, start: Start, sinks: Sinks) -> None:
    put_edition(engine, 300, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.03)
    worker = start(sink.port)
    wait_until(lambda: len(sink.mails()) > 10)
    worker.send_signal(signal.SIGTERM)
    done = said(worker)
    assert states(engine) == {"sent": done["sent"], "queued": 300 - done["sent"]}
    assert len(sink.mails()) == done["sent"] < 300


def test_sigterm_to_a_silent_relay_ends_with_the_grace_period_and_names_the_doubts(engine: Engine, start: Start, sinks: Sinks) -> None:
    put_edition(engine, 50, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(faults=[Fault(at="dot", do="hang", after=10)])
    worker = start(sink.port, grace=0.4)
    wait_until(lambda: len(sink.mails()) >= 10 + W)
    worker.send_signal(signal.SIGTERM)
    started = time.monotonic()
    done = said(worker)
    assert time.monotonic() - started < 10
    assert (done["sent"], done["in_doubt"]) == (10, W)
    sink.faults.clear()
    recover(engine, sink)
    check(engine, sink.mails(), audience=50, doubts=W)


def test_two_workers_at_once_send_everything_once(engine: Engine, start: Start, sinks: Sinks) -> None:
    put_edition(engine, 300, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.01)
    workers = [start(sink.port), start(sink.port)]
    done = [said(worker) for worker in workers]
    if engine.dialect.name == "sqlite" and any(one["already_sending"] for one in done):
        assert sorted(one["sent"] for one in done) == [0, 300]
    assert sum(one["sent"] for one in done) == 300
    check(engine, sink.mails(), audience=300, doubts=0)


def test_one_of_two_workers_is_killed_and_the_other_goes_on(engine: Engine, start: Start, sinks: Sinks) -> None:
    put_edition(engine, 300, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.01)
    first = start(sink.port)
    wait_until(lambda: len(sink.mails()) > 10)
    second = start(sink.port)
    time.sleep(0.2)
    first.kill()
    first.wait()
    said(second)
    recover(engine, sink)
    check(engine, sink.mails(), audience=300, doubts=W)


def test_a_kill_under_two_relays_leaves_at_most_their_connections_together_in_doubt(engine: Engine, start: Start, sinks: Sinks) -> None:
    put_edition(engine, 300, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    one, other = sinks(delay=0.01), sinks(delay=0.01)  # they share a mailbox
    for kill in range(1, 4):
        before = len(one.mails())
        worker = start(one.port, also=[other.port], connections=2)
        wait_until(lambda: len(one.mails()) > before + 20)  # noqa: B023 - used at once
        worker.kill()
        worker.wait()
        assert states(engine).get("in_doubt", 0) + states(engine).get("sending", 0) <= 4 * kill
    assert {line[:4] for line in one.seen} >= {"MAIL"} <= {line[:4] for line in other.seen}
    recover(engine, one)
    check(engine, one.mails(), audience=300, doubts=12)


def test_a_relay_that_is_killed_leaves_at_most_one_doubt_per_connection(engine: Engine, start: Start, tmp_path: Path) -> None:
    put_edition(engine, 400, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    with serving(tmp_path, delay=0.02) as server:
        worker = start(server.port)
        wait_until(lambda: len(server.mails()) > 20)
        server.process.kill()
    done = said(worker)
    assert "refused the connection" in done["transport_error"]
    with Sink(file=server.file) as sink:
        recover(engine, sink)
        recover(engine, sink, now=datetime.now(UTC) + timedelta(hours=1))
        check(engine, sink.mails(), audience=400, doubts=W)


@pytest.mark.parametrize("fault", [Fault(at="dot", do="close", after=9, times=1), Fault(at="dot", do="421 4.3.2 bye", after=9, times=2)])
def test_a_fault_and_a_kill_together_keep_the_promise(engine: Engine, start: Start, sinks: Sinks, fault: Fault) -> None:
    put_edition(engine, 80, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.005, faults=[fault])
    start(sink.port, crash="after_data:30").wait(timeout=60)
    recover(engine, sink)
    recover(engine, sink, now=datetime.now(UTC) + timedelta(hours=1))
    check(engine, sink.mails(), audience=80, doubts=W + 1)


def test_nobody_listens_and_the_worker_says_so(engine: Engine, start: Start) -> None:
    put_edition(engine, 5, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "refused the connection" in said(start(port))["transport_error"]
    assert states(engine) == {"queued": 5}
