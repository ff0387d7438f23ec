"""Real processes, really killed, on both databases, against a real SMTP server. The oracle: the server's mailbox.

Per employee the mailbox holds one message or none. None means not sent; one that is not sent is in doubt.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from digest.db.schema import employee, message
from digest.db.session import open_database, read, write
from digest.errors import StorageError
from digest.pipeline import outbox
from digest.pipeline.crash import POINTS
from tests.letters import editions, messages, put_edition, send, states
from tests.sink import Fault, Sink, read_mails

ROOT = Path(__file__).parent.parent.parent
W = 4  # open connections
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(database_url: str) -> Iterator[Start]:
    """Starts a worker on the test's database."""
    running: list[subprocess.Popen[str]] = []

    def begin(port: int, crash: str = "", **options: Any) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "tests.faults.worker", database_url, str(port), json.dumps({"connections": W, **options})]
        environment = {**os.environ, "DIGEST_CRASH_AT": crash}
        worker = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(worker)
        return worker

    yield begin
    for worker in running:
        worker.kill()
        worker.communicate()


@pytest.fixture
def sinks(tmp_path: Path) -> Iterator[Callable[..., Sink]]:
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Sink(file=tmp_path / "mail.jsonl", **options))


def said(worker: subprocess.Popen[str], code: int = 0) -> dict[str, Any]:
    out, err = worker.communicate(timeout=60)
    assert worker.returncode == code, err
    return dict(json.loads(out)) if out else {"error": err}


def recover(engine: Engine, sink: Sink, **options: Any) -> None:
    """Runs until nothing is held any more; a killed PostgreSQL client keeps its lock for some milliseconds."""
    for _ in range(20):
        send(engine, sink, now=datetime.now(UTC), connections=W, deadline=timedelta(days=9000), **options)
        if not {"sending", "queued"} & set(states(engine)):
            return
        time.sleep(0.05)


def check(engine: Engine, mails: list[dict[str, Any]], *, audience: int, doubts: int) -> None:
    """The contract: no duplicate, nothing lost without a name, at most `doubts` in doubt, each listed."""
    arrived = Counter(mail["to"] for mail in mails)
    assert max(arrived.values(), default=1) == 1
    with read(engine) as connection:
        rows = connection.execute(select(message.c.state, employee.c.mailbox).join(employee, employee.c.id == message.c.employee_id)).all()
        counts = outbox.counts(connection, editions(engine)[0].id)
        listed = outbox.doubts(connection, editions(engine)[0].id)
    for state, address in rows:
        if arrived[address] == 0:
            assert state != "sent", address
        elif state != "sent":
            assert state == "in_doubt", address
    assert sum(counts.values()) == audience == len(rows)
    assert counts["in_doubt"] == len(listed) <= doubts
    assert counts["queued"] == counts["sending"] == 0


def test_ten_kills_leave_no_duplicate_and_lose_nobody(engine: Engine, start: Start, tmp_path: Path) -> None:
    audience, kills, dice = 700, 0, random.Random(48)
    put_edition(engine, audience, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    file, place = tmp_path / "mail.jsonl", tmp_path / "port"
    words = [sys.executable, "-m", "tests.sink", str(file), str(place), json.dumps({"delay": 0.01})]
    with subprocess.Popen(words, cwd=ROOT) as server:
        wait_until(place.exists)
        port = int(place.read_text())
        while kills < 10:
            before = file.stat().st_size
            worker = start(port)
            wait_until(lambda: worker.poll() is not None or file.stat().st_size > before)  # noqa: B023 - used at once
            time.sleep(dice.random() * 0.1)
            if worker.poll() is not None:
                break
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            kills += 1
        for _ in range(3):
            said(start(port))
        server.kill()
    assert kills == 10
    mails = read_mails(file)
    check(engine, mails, audience=audience, doubts=W * kills)
    before_rows = messages(engine)
    send(engine, now=datetime.now(UTC), deadline=timedelta(days=9000))
    assert messages(engine) == before_rows


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.005)


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_every_boundary_leaves_no_duplicate(engine: Engine, start: Start, sinks: Callable[..., Sink], point: str) -> None:
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


def test_with_resend_a_kill_loses_nobody_and_doubles_only_doubts(engine: Engine, start: Start, sinks: Callable[..., Sink]) -> None:
    put_edition(engine, 60, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.002)
    start(sink.port, crash="after_reply:9", on_doubt="resend").wait(timeout=60)
    recover(engine, sink, on_doubt="resend")
    arrived = Counter(mail["to"] for mail in sink.mails())
    assert len(arrived) == 60
    assert sum(arrived.values()) <= 60 + W
    assert len({mail["h:message-id"] for mail in sink.mails()}) == 60
    assert states(engine) == {"sent": 60}


def test_sigterm_finishes_what_is_on_the_wire(engine: Engine, start: Start, sinks: Callable[..., Sink]) -> None:
    put_edition(engine, 300, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.03)
    worker = start(sink.port)
    wait_until(lambda: len(sink.mails()) > 10)
    worker.send_signal(signal.SIGTERM)
    done = said(worker)
    assert states(engine) == {"sent": done["sent"], "queued": 300 - done["sent"]}
    assert len(sink.mails()) == done["sent"] < 300


def test_two_workers_at_once_send_everything_once(engine: Engine, start: Start, sinks: Callable[..., Sink]) -> None:
    put_edition(engine, 300, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.01)
    workers = [start(sink.port), start(sink.port)]
    done = [said(worker) for worker in workers]
    if engine.dialect.name == "sqlite" and any(one["already_sending"] for one in done):
        assert sorted(one["sent"] for one in done) == [0, 300]
    assert sum(one["sent"] for one in done) == 300
    check(engine, sink.mails(), audience=300, doubts=0)


def test_a_relay_that_is_killed_leaves_at_most_one_doubt_per_connection(engine: Engine, start: Start, tmp_path: Path) -> None:
    put_edition(engine, 400, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    file, place = tmp_path / "mail.jsonl", tmp_path / "port"
    words = [sys.executable, "-m", "tests.sink", str(file), str(place), json.dumps({"delay": 0.02})]
    with subprocess.Popen(words, cwd=ROOT) as server:
        wait_until(place.exists)
        worker = start(int(place.read_text()))
        wait_until(lambda: len(read_mails(file)) > 20)
        server.kill()
    done = said(worker)
    assert "refused the connection" in done["transport_error"]
    with Sink(file=file) as sink:
        recover(engine, sink)
        later = datetime.now(UTC) + timedelta(hours=1)
        send(engine, sink, now=later, deadline=timedelta(days=9000))
        check(engine, sink.mails(), audience=400, doubts=W)


def test_a_full_disk_stops_the_run_and_loses_nobody(sqlite_url: str, sinks: Callable[..., Sink]) -> None:
    engine = open_database(sqlite_url)
    put_edition(engine, 200, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks()
    words = [sys.executable, "-m", "tests.faults.worker", sqlite_url, str(sink.port), json.dumps({"connections": W, "file_limit": 500_000})]
    worker = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert worker.returncode == 1, worker.stderr
    assert "the database did not answer" in worker.stderr
    recover(engine, sink)
    check(engine, sink.mails(), audience=200, doubts=W)
    engine.dispose()


def test_a_database_that_is_locked_for_a_while_is_waited_for(sqlite_url: str, sinks: Callable[..., Sink]) -> None:
    engine = open_database(sqlite_url)
    put_edition(engine, 60)
    sink = sinks(delay=0.01)
    held: list[float] = []

    def hold(_more: int) -> None:
        if not held:
            held.append(time.monotonic())
            other = open_database(sqlite_url)
            with write(other):
                time.sleep(0.5)
            other.dispose()

    assert send(engine, sink, progress=hold).sent == 60
    check(engine, sink.mails(), audience=60, doubts=0)
    engine.dispose()


def test_a_run_whose_database_session_was_ended_stops_and_its_messages_are_named(postgres_url: str, sinks: Callable[..., Sink]) -> None:
    engine = open_database(postgres_url)
    put_edition(engine, 100, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.01)
    ended: list[Any] = []

    def end(_more: int) -> None:
        if not ended and len(sink.mails()) > 20:
            with write(engine) as connection:
                held = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                ended.extend(connection.execute(text(held)).all())

    with pytest.raises(StorageError):
        send(engine, sink, now=datetime.now(UTC), connections=W, progress=end)
    recover(engine, sink)
    check(engine, sink.mails(), audience=100, doubts=W)
    engine.dispose()


@pytest.mark.parametrize("fault", [Fault(at="dot", do="close", after=9, times=1), Fault(at="dot", do="421 4.3.2 bye", after=9, times=2)])
def test_a_fault_and_a_kill_together_keep_the_promise(engine: Engine, start: Start, sinks: Callable[..., Sink], fault: Fault) -> None:
    put_edition(engine, 80, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.005, faults=[fault])
    start(sink.port, crash="after_data:30").wait(timeout=60)
    recover(engine, sink)
    send(engine, sink, now=datetime.now(UTC) + timedelta(hours=1), deadline=timedelta(days=9000))
    check(engine, sink.mails(), audience=80, doubts=W + 1)


def test_nobody_listens_and_the_worker_says_so(engine: Engine, start: Start) -> None:
    put_edition(engine, 5, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "refused the connection" in said(start(port))["transport_error"]
    assert states(engine) == {"queued": 5}
