"""The server of the links, really killed, its disk really full: what was answered is recorded, and links go on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from digest.db import migrate
from digest.db.session import open_database
from tests.away import Database, wait_for
from tests.faults import pressing
from tests.faults.pressing import Crowd
from tests.linked import ANA, BEN, Linked, read_link
from tests.needs import Postgres, missing


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Iterator[tuple[Path, int, Engine]]:
    """A folder with a configuration over linked tables, the port of its pages, the database."""
    port = pressing.port()
    engine = open_database(database_url)
    Linked(engine)
    pressing.configure(tmp_path, database_url, port)
    yield tmp_path, port, engine
    engine.dispose()


def test_every_click_that_was_answered_survives_kill_9(home: tuple[Path, int, Engine]) -> None:
    """I3: four kills under load; nothing that got its 302 is lost, nothing is doubled."""
    folder, port, engine = home
    answered: set[str] = set()
    for turn in range(4):
        with pressing.serving(folder, port) as process, Crowd(port) as crowd:
            wait_for(lambda: len(crowd.answered) > 100 + 37 * turn)  # noqa: B023 - used at once
            pressing.kill(process)
        answered |= crowd.answered
    assert len(answered) > 400
    pressing.check(engine, folder, answered)


@pytest.fixture
def database() -> Iterator[Database]:
    """A database on a PostgreSQL server that may be stopped."""
    server = Postgres(own=True)
    if not server.url:
        missing("PostgreSQL")
    engine = open_database(server.url)
    migrate.upgrade(engine)
    yield Database(engine=engine, server=server)
    engine.dispose()
    server.stop()


def test_a_server_that_is_killed_while_its_presses_wait_on_disk_loses_none(database: Database, tmp_path: Path) -> None:
    """I3 with I1: the next start finds what waits and stores it."""
    port = pressing.port()
    Linked(database.engine)
    pressing.configure(tmp_path, database.engine.url.render_as_string(hide_password=False), port)
    with pressing.serving(tmp_path, port) as process, Crowd(port) as crowd:
        wait_for(lambda: len(crowd.answered) > 50)
        database.go()
        before = len(crowd.answered)
        wait_for(lambda: len(crowd.answered) > before + 200)
        pressing.kill(process)
    database.come_back()
    waiting = sum(path.read_bytes().count(b'"what":"click"') for path in tmp_path.glob("digest.spool*"))
    assert waiting >= 190
    with pressing.serving(tmp_path, port):
        wait_for(lambda: not list(tmp_path.glob("digest.spool*")))
    assert pressing.check(database.engine, tmp_path, crowd.answered) >= 240


def test_with_a_full_disk_links_go_on_with_one_alarm_and_the_lost_are_counted(sqlite_url: str, tmp_path: Path) -> None:
    """I2: no file of the server may grow beyond 400 KB, the database no more than the spool."""
    port = pressing.port()
    engine = open_database(sqlite_url)
    Linked(engine)
    engine.dispose()
    pressing.configure(tmp_path, sqlite_url, port, '[tracking]\ndurability = "database"\n')
    limited = ["/bin/sh", "-c", 'ulimit -f 800 && exec "$@"', "sh"]
    with pressing.serving(tmp_path, port, before=limited) as process, Crowd(port) as crowd:
        wait_for(lambda: pressing.metrics(port).get("digest_lost_events_total", 0) > 100, 60)
        before = len(crowd.answered)
        wait_for(lambda: len(crowd.answered) > before + 200)
        assert pressing.status(port, read_link(BEN, 2)) == 302, "a link that nobody pressed yet is looked up and followed"
        told = pressing.metrics(port)
        assert process.poll() is None
    log = (tmp_path / "serve.log").read_text(encoding="utf-8")
    assert told["digest_spooled_total"] > 50
    assert log.count("does not answer") == 1, log
    assert log.count("cannot be kept") == 1, log
    assert ANA not in log
    spool = (tmp_path / "digest.db.spool").read_bytes()
    assert spool.endswith(b"\n")
    engine = open_database(sqlite_url)
    kept = len(pressing.recorded(engine))
    from digest.files.spool import Spool
    from digest.pipeline.replaying import replay

    found = replay(engine, Spool(tmp_path / "digest.db.spool"))
    assert (found.damaged, found.refused) == (0, 0), "no partial lines"
    assert kept + found.stored + told["digest_lost_events_total"] >= len(crowd.answered) * 0.5
    engine.dispose()


def test_a_database_that_hangs_keeps_nobody_waiting(tmp_path: Path, sqlite_url: str) -> None:
    """I1: a lock that another program holds is waited for two seconds, then memory answers, and each press is recorded once."""
    port = pressing.port()
    engine = open_database(sqlite_url)
    Linked(engine)
    pressing.configure(tmp_path, sqlite_url, port)
    with pressing.serving(tmp_path, port):
        assert pressing.status(port, read_link(ANA, 1), "first") == 302
        with engine.begin():  # holds the only writer's place
            began = time.monotonic()
            assert pressing.status(port, read_link(ANA, 1), "second") == 302
            assert time.monotonic() - began < 5
            began = time.monotonic()
            assert pressing.status(port, read_link(ANA, 1), "third") == 302
            assert time.monotonic() - began < 1, "it is left alone for a while"
        wait_for(lambda: sorted(pressing.recorded(engine)) == ["first", "second", "third"])
    engine.dispose()


def test_a_database_server_that_hangs_makes_one_press_wait_and_then_nobody(database: Database, tmp_path: Path) -> None:
    """I1: its processes are stopped, not ended: nothing refuses, nothing answers; each press is recorded once when they go on."""
    port = pressing.port()
    Linked(database.engine)
    pressing.configure(tmp_path, database.engine.url.render_as_string(hide_password=False), port)
    with pressing.serving(tmp_path, port):
        assert pressing.status(port, read_link(ANA, 1), "first") == 302
        with database.engine.connect() as connection:
            others = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
            backends = connection.execute(others).scalars().all()
        database.engine.dispose()
        assert backends
        for pid in backends:
            os.kill(pid, signal.SIGSTOP)
        try:
            waits = []
            for turn in range(6):
                began = time.monotonic()
                assert pressing.status(port, read_link(ANA, 1), f"hung {turn}") == 302
                waits.append(time.monotonic() - began)
        finally:
            for pid in backends:
                os.kill(pid, signal.SIGCONT)
        assert waits[0] < 6
        assert max(waits[1:]) < 1, waits
        wait_for(lambda: sorted(pressing.recorded(database.engine)) == ["first", *(f"hung {turn}" for turn in range(6))])
