"""The power fails under SQLite. One real run is traced; any moment of it may be the cut, and the mailbox knows that moment too."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from digest.db.session import open_database
from tests.faults.disk import Disk, read_trace, tracing
from tests.faults.oracle import LONG_AGO, W, check, recover, tally, wait_until
from tests.faults.processes import serving, worker
from tests.letters import messages, put_edition
from tests.sink import Sink, read_mails

AUDIENCE = 160
CUTS = 40


@dataclass(frozen=True, kw_only=True)
class Cut:
    """One moment: the files that were left, and the mailbox by when a message was taken and by when it was begun."""

    files: dict[str, bytes]
    taken: list[dict[str, Any]]
    begun: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A traced run that was killed while it sent."""

    disk: Disk
    mails: list[dict[str, Any]]
    database: Path

    def cuts(self, count: int) -> Iterator[Cut]:
        """Moments from the first message on: any, and right after a message was begun or taken. Every second one is torn."""
        dice = Random(48)
        first, last = self.mails[0]["began"], self.mails[-1]["at"]
        for n in range(count):
            near = dice.choice(self.mails)[dice.choice(("began", "at"))] + dice.random() * 0.002
            moment = dice.uniform(first, last) if n % 3 else near
            yield Cut(
                files=self.disk.cut(moment, torn=dice if n % 2 else None),
                taken=[mail for mail in self.mails if mail["at"] <= moment],
                begun=[mail for mail in self.mails if mail["began"] <= moment],
            )

    @contextmanager
    def after(self, cut: Cut, folder: Path) -> Iterator[Engine]:
        """The database as the machine finds it when it is switched on again."""
        for path, content in cut.files.items():
            (folder / Path(path).name).write_bytes(content)
        engine = open_database(f"sqlite:///{folder / self.database.name}")
        yield engine
        engine.dispose()


def traced_run(template: Path, folder: Path, **settings: Any) -> Run:
    """Deliver under strace and kill the worker in the middle; often checkpointed, so that the database file is written too."""
    database, log = folder / "digest.db", folder / "trace"
    shutil.copy(template, database)
    engine = open_database(f"sqlite:///{database}")
    put_edition(engine, AUDIENCE, due_at=LONG_AGO, next_attempt_at=LONG_AGO)
    engine.dispose()
    assert sorted(path.name for path in folder.iterdir()) == ["digest.db"]
    before = {str(database): database.read_bytes()}
    enough = AUDIENCE // 2 + Random(time.time_ns()).randrange(AUDIENCE // 4)
    with serving(folder, delay=0.004) as server:
        process = worker(f"sqlite:///{database}", server.port, before=tracing(database, log), checkpoint=40, **settings)
        wait_until(lambda: len(server.mails()) >= enough)
        os.kill(int(log.read_bytes().split(maxsplit=1)[0]), signal.SIGKILL)  # the worker: its first call stands first
        process.communicate(timeout=60)
        time.sleep(0.1)  # what was on the wire arrives
    return Run(disk=Disk(before=before, ops=read_trace(log)), mails=read_mails(folder / "mail.jsonl"), database=database)


@pytest.fixture(scope="module")
def durable(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the worker as it is."""
    return traced_run(sqlite_template, tmp_path_factory.mktemp("durable"))


@pytest.fixture(scope="module")
def hasty(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same with synchronous=NORMAL, which is said to survive a killed process but not a power cut."""
    return traced_run(sqlite_template, tmp_path_factory.mktemp("hasty"), synchronous="NORMAL")


def test_the_trace_explains_every_octet_of_the_files(durable: Run) -> None:
    told = [durable.disk.whole(last=last) for last in (True, False)]
    for path in told[0]:
        assert Path(path).read_bytes() in {each[path] for each in told}, Path(path).name
    calls = {(op.call, Path(op.path).name) for op in durable.disk.ops}
    assert {("write", "digest.db"), ("write", "digest.db-wal"), ("sync", "digest.db"), ("sync", "digest.db-wal")} <= calls


def test_a_new_log_is_named_on_disk_before_the_first_commit_counts_on_it(durable: Run) -> None:
    log, folder = f"{durable.database}-wal", str(durable.database.parent)
    ops = [(op.call, op.path) for op in durable.disk.ops if op.path in {log, folder}]
    named = ops.index(("sync", folder))
    assert ops[:named] == [("make", log), ("write", log), ("sync", log)], "SQLite syncs the log's header, then the folder, then commits"


def test_a_power_cut_at_any_moment_leaves_no_duplicate_and_loses_nobody(durable: Run, tmp_path: Path) -> None:
    for number, cut in enumerate(durable.cuts(CUTS)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with durable.after(cut, folder) as engine, Sink(file=folder / "after.jsonl") as sink:
            recover(engine, sink)
            for arrived in (cut.begun, cut.taken):
                check(engine, [*arrived, *sink.mails()], audience=AUDIENCE, doubts=W)
            before = messages(engine)
            recover(engine, sink)
            assert messages(engine) == before


def test_without_a_sync_per_commit_the_same_cuts_break_the_promise(hasty: Run, tmp_path: Path) -> None:
    twice = 0
    for number, cut in enumerate(hasty.cuts(CUTS // 4)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with hasty.after(cut, folder) as engine, Sink(file=folder / "after.jsonl") as sink:
            recover(engine, sink)
            twice += tally(engine, [*cut.taken, *sink.mails()]).twice
    assert twice > 0, "the simulated cut is too kind: it must show what synchronous=FULL is for"
