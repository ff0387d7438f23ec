"""Cron and the scheduler at once, and clocks that somebody sets while they run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.db.session import open_database
from digest.pipeline import status
from tests.factories import company, crowd
from tests.faults.oracle import LONG_AGO, W, check, recover, tally, wait_until
from tests.faults.processes import ROOT, Server, Sinks, Start, said, serving
from tests.letters import editions, put_edition, states

PEOPLE = 400


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Iterator[tuple[Path, Server]]:
    """A folder whose week is due since five minutes and not even planned, and its relay."""
    due = datetime.now(UTC) - timedelta(minutes=5)
    schedule: dict[str, object] = {"day": f"{due:%A}".lower(), "time": f"{due:%H:%M}", "zone": "site", "quiet": "", "holidays": "ignore"}
    engine = open_database(database_url)
    company(engine, tmp_path, crowd(PEOPLE))
    engine.dispose()
    with serving(tmp_path, delay=0.02) as server:
        tables: dict[str, dict[str, object]] = {"database": {"url": database_url}, "smtp": {"port": server.port}, "schedule": schedule}
        lines = [f"[{name}]\n" + "".join(f"{key} = {value!r}\n" for key, value in table.items()) for name, table in tables.items()]
        (tmp_path / "config.toml").write_text("".join(lines), encoding="utf-8")
        yield tmp_path, server


def digest(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "digest", "--config", str(folder / "config.toml"), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_cron_and_the_scheduler_at_once_plan_one_edition_and_send_it_once(home: tuple[Path, Server], database_url: str) -> None:
    folder, server = home
    with ExitStack() as stack:
        service = stack.enter_context(digest(folder, "serve", "--only", "worker"))
        stack.callback(service.kill)
        for _ in range(4):  # a cron that is started anew while its last turn still runs
            ticks = [stack.enter_context(digest(folder, "tick")) for _ in range(2)]
            for tick in ticks:
                out, _ = tick.communicate(timeout=120)
                assert tick.returncode == 0, out
                assert "Traceback" not in out
        wait_until(lambda: len(server.mails()) >= PEOPLE, 60)
        service.send_signal(signal.SIGTERM)
        out, _ = service.communicate(timeout=60)
        assert service.returncode == 0, out
        assert "Traceback" not in out
    engine = open_database(database_url)
    check(engine, server.mails(), audience=PEOPLE, doubts=0)
    assert [found.state for found in editions(engine)] == ["closed"]
    assert status.status(engine)["sent"] == PEOPLE
    assert set(Counter(mail["to"] for mail in server.mails()).values()) == {1}
    engine.dispose()


@pytest.mark.parametrize("leap", [timedelta(minutes=-30), timedelta(hours=-3), timedelta(hours=3)], ids=str)
def test_a_clock_that_leaps_while_it_sends_doubles_nothing_and_loses_nobody(engine: Engine, start: Start, sinks: Sinks, leap: timedelta) -> None:
    put_edition(engine, 200, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.02)
    done = said(start(sink.port, leaps=[[0.4, leap.total_seconds()]]))
    assert done["in_doubt"] == done["failed"] == 0
    if leap < timedelta(hours=-1):  # nothing is due any more, so the run ends
        assert 0 < done["sent"] < 200
    recover(engine, sink)
    check(engine, sink.mails(), audience=200, doubts=0)
    assert states(engine) == {"sent": 200}


def test_a_clock_that_leaps_over_the_deadline_lets_the_rest_expire_by_name(engine: Engine, start: Start, sinks: Sinks) -> None:
    put_edition(engine, 200, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.02)
    done = said(start(sink.port, deadline=48 * 3600, leaps=[[0.4, timedelta(days=9).total_seconds()]]))
    assert (done["sent"] + done["failed"], done["in_doubt"]) == (200, 0)
    assert 0 < done["sent"] < 200
    check(engine, sink.mails(), audience=200, doubts=0)
    assert states(engine) == {"sent": done["sent"], "failed": done["failed"]}


def test_a_clock_set_back_after_a_kill_hides_no_doubt(engine: Engine, start: Start, sinks: Sinks) -> None:
    put_edition(engine, 100, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    sink = sinks(delay=0.01)
    start(sink.port, crash="after_reply:30").wait(timeout=60)
    yesterday = timedelta(days=-1).total_seconds()
    wait_until(lambda: said(start(sink.port, leaps=[[0, yesterday]]))["in_doubt"] > 0 or states(engine).get("in_doubt", 0) > 0)
    assert "sending" not in states(engine)
    recover(engine, sink)
    check(engine, sink.mails(), audience=100, doubts=W)
    assert tally(engine, sink.mails()).in_doubt >= 1
