"""The database under a run: its disk full, locked, gone, its server killed. The run stops with a sentence, and the promise holds."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text

from digest.db import migrate, session
from digest.db.session import open_database, read, write
from digest.errors import StorageError
from tests.conftest import NOW
from tests.faults.oracle import LONG_AGO, NEVER, W, check, recover, wait_until
from tests.faults.processes import Sinks, said, worker
from tests.letters import put_edition, send
from tests.needs import Postgres, missing

# the sessions of delivering runs
HOLDERS = text(
    "SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
def file(sqlite_url: str) -> Iterator[Engine]:
    """An SQLite database."""
    engine = open_database(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def shared(postgres_url: str) -> Iterator[Engine]:
    """A database on the PostgreSQL server of all tests."""
    engine = open_database(postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL server that a test may harm, with small files."""
    private = Postgres("--wal-segsize=1", own=True)
    if not private.url:
        missing("PostgreSQL")
    engine = open_database(private.url)
    migrate.upgrade(engine)
    engine.dispose()
    yield private
    private.stop()


@pytest.fixture
def harmed(server: Postgres) -> Iterator[Engine]:
    """A database on that server."""
    engine = open_database(server.url)
    with write(engine) as connection:
        connection.execute(text("TRUNCATE edition, employee, run CASCADE"))
    yield engine
    engine.dispose()


def answers(engine: Engine) -> bool:
    """Whether the database can be asked again."""
    try:
        with read(engine) as connection:
            return bool(connection.execute(text("SELECT 1")).scalar_one())
    except StorageError:
        return False


def test_a_full_disk_stops_the_run_and_loses_nobody(file: Engine, sqlite_url: str, sinks: Sinks) -> None:
    put_edition(file, 200, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks()
    with worker(sqlite_url, sink.port, file_limit=500_000) as process:
        assert "the database did not answer" in said(process, 1)["error"]
    recover(file, sink)
    check(file, sink.mails(), audience=200, doubts=W)


def test_a_full_disk_under_postgresql_stops_the_run_and_loses_nobody(server: Postgres, harmed: Engine, sinks: Sinks) -> None:
    put_edition(harmed, 1500, due_at=LONG_AGO, next_attempt_at=LONG_AGO, name="Ana " * 200)
    with read(harmed) as connection:
        grown = connection.execute(text("SELECT pg_relation_size('message')")).scalar_one()
    assert grown > 2**20  # the server's own files must have room
    sink = sinks()
    server.control("restart", blocks=grown // 512 + 128)
    try:
        with worker(server.url, sink.port) as process:
            assert "could not extend file" in said(process, 1)["error"]
    finally:
        server.control("restart")
    wait_until(lambda: answers(harmed))
    assert 0 < len(sink.mails()) < 1500
    recover(harmed, sink)
    check(harmed, sink.mails(), audience=1500, doubts=W)


class Holder:
    """A `progress` that locks the database once, for a while."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url = url
        self._seconds = seconds
        self._thread = threading.Thread(target=self._hold)

    def __call__(self, _more: int) -> None:
        if self._thread.ident is None:
            self._thread.start()
            time.sleep(0.05)

    def wait(self) -> None:
        self._thread.join()

    def _hold(self) -> None:
        other = open_database(self._url)
        with write(other):
            time.sleep(self._seconds)
        other.dispose()


def test_a_database_that_is_locked_for_a_while_is_waited_for(file: Engine, sqlite_url: str, sinks: Sinks) -> None:
    put_edition(file, 60)
    sink = sinks(delay=0.01)
    assert send(file, sink, progress=Holder(sqlite_url, 0.5)).sent == 60
    check(file, sink.mails(), audience=60, doubts=0)


def test_a_database_that_stays_locked_ends_the_run_and_its_messages_are_named(
    file: Engine, sqlite_url: str, sinks: Sinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_edition(file, 60)
    sink, holder = sinks(delay=0.01), Holder(sqlite_url, 1.5)
    with monkeypatch.context() as patched:
        patched.setattr(session, "_PATIENCE", 0.3)
        with pytest.raises(StorageError, match="locked"):
            send(file, sink, connections=W, progress=holder)
    holder.wait()
    recover(file, sink, now=NOW)
    check(file, sink.mails(), audience=60, doubts=W)


def test_a_database_that_is_gone_is_said_to_be_gone(file: Engine, sqlite_url: str, sinks: Sinks) -> None:
    put_edition(file, 3)
    file.dispose()
    place = Path(sqlite_url.removeprefix("sqlite:///"))
    away = place.rename(place.with_name("away.db"))
    with pytest.raises(StorageError, match="digest db upgrade"):
        send(file, sinks())
    file.dispose()
    for left in place.parent.glob("digest.db*"):
        left.unlink()
    away.rename(place)
    assert send(file, sinks()).sent == 3


def run_into(engine: Engine, sinks: Sinks, harm: Callable[[], Any], *, sent: int = 20) -> Any:
    """Deliver to 200 people with a real worker; after `sent` messages, `harm`. The server's mailbox, and what the worker said."""
    put_edition(engine, 200, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.01)
    with worker(engine.url.render_as_string(hide_password=False), sink.port) as process:
        wait_until(lambda: len(sink.mails()) > sent)
        harm()
        error = said(process, 1)["error"]
    return sink, error


def test_a_run_whose_database_session_was_ended_stops_and_its_messages_are_named(shared: Engine, sinks: Sinks) -> None:
    def end() -> None:
        with write(shared) as connection:
            for (pid,) in connection.execute(HOLDERS).all():
                connection.execute(select(func.pg_terminate_backend(pid)))

    sink, error = run_into(shared, sinks, end)
    assert "the database did not answer" in error
    recover(shared, sink)
    check(shared, sink.mails(), audience=200, doubts=W)


def test_a_database_server_that_is_restarted_at_once_costs_doubts_at_most(server: Postgres, harmed: Engine, sinks: Sinks) -> None:
    sink, error = run_into(harmed, sinks, lambda: server.control("restart"))
    assert "the database did not answer" in error
    wait_until(lambda: answers(harmed))
    recover(harmed, sink)
    check(harmed, sink.mails(), audience=200, doubts=W)


def test_a_database_process_that_is_killed_costs_doubts_at_most(harmed: Engine, sinks: Sinks) -> None:
    def kill() -> None:
        with read(harmed) as connection:
            holders = connection.execute(HOLDERS).scalars().all()
        for pid in holders:
            os.kill(pid, signal.SIGKILL)

    sink, error = run_into(harmed, sinks, kill)
    assert "the database did not answer" in error
    wait_until(lambda: answers(harmed))
    recover(harmed, sink)
    check(harmed, sink.mails(), audience=200, doubts=W)


def test_a_database_server_that_is_away_is_said_to_be_away_and_the_next_tick_goes_on(server: Postgres, harmed: Engine, sinks: Sinks) -> None:
    sink, error = run_into(harmed, sinks, lambda: server.control("stop"))
    assert "the database did not answer" in error
    with pytest.raises(StorageError, match="Check that the server runs"):
        send(harmed, sink, now=datetime.now(UTC), deadline=NEVER)
    server.control("start")
    recover(harmed, sink)
    check(harmed, sink.mails(), audience=200, doubts=W)
