"""The replayer: how long presses gather in the journal, and what it does about trouble."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.files.journal import Journal
from digest.files.spool import Spool, framed
from digest.pipeline.replaying import Replayed, replay
from digest.web import replayer
from digest.web.replayer import Replayer
from tests.away import wait_for
from tests.conftest import NOW


def waits_of(engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch, events: Callable[[int], int]) -> list[float]:
    """How long the replayer waits each time; `events` tells how many are journalled while it waits for the nth time."""
    waits: list[float] = []
    journal = Journal(Spool(folder / "presses.spool"))

    class Waits(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            journal.append(framed(b'{"v":9}'), events(len(waits)))
            if len(waits) == 5:
                self.set()
            return self.is_set()

    with monkeypatch.context() as patched:
        patched.setattr("digest.web.replayer.threading.Event", Waits)
        running = Replayer(engine, journal.spool, journal, lambda _moment: None, lambda: NOW)
    running.start()
    wait_for(lambda: len(waits) >= 5)
    running.stop()
    return waits


def test_presses_stand_longer_in_the_journal_in_a_storm(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that many of them share a transaction; as soon as it is over the database gets them at once again."""
    assert waits_of(engine, tmp_path, monkeypatch, lambda turn: 2000 if turn < 3 else 10) == [0.1, 0.7, 0.1, 0.1, 0.1]


def test_presses_of_a_quiet_day_do_not_wait(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert waits_of(engine, tmp_path, monkeypatch, lambda _turn: 140) == [0.1] * 5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a thread a priority of its own")
def test_answers_go_before_what_the_database_is_given_in_a_storm(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only then: a thread that stands back keeps others waiting while it has the interpreter."""
    nice: list[int] = []

    def told(engine: Engine, spool: Spool) -> Replayed:
        nice.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return replay(engine, spool)

    monkeypatch.setattr(replayer, "replay", told)
    waits_of(engine, tmp_path, monkeypatch, lambda turn: 2000 if turn < 3 else 10)
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    assert nice[0] == min(usual + 10, 19)
    assert set(nice[1:]) == {usual}


def test_a_sandbox_that_forbids_priorities_keeps_nothing_from_the_database(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As systemd's `SystemCallFilter=~@resources` does."""
    brought: list[Replayed] = []

    def refused(*_given: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    def told(engine: Engine, spool: Spool) -> Replayed:
        brought.append(replay(engine, spool))
        return brought[-1]

    monkeypatch.setattr(os, "setpriority", refused)
    monkeypatch.setattr(replayer, "replay", told)
    waits = waits_of(engine, tmp_path, monkeypatch, lambda _turn: 2000)
    assert sum(one.refused for one in brought) == len(waits), "every line of the journal, one for each wait and none that we know"


def test_trouble_that_nobody_thought_of_ends_no_replayer(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once, and tried again until it works."""
    journal = Journal(Spool(tmp_path / "presses.spool"))
    turns = iter([ZeroDivisionError("odd")] * 3)

    def odd(*_given: object) -> None:
        for error in turns:
            raise error

    monkeypatch.setattr(replayer, "replay", odd)
    running = Replayer(engine, journal.spool, journal, lambda _moment: None, lambda: NOW)
    running.start()
    with caplog.at_level(logging.ERROR):
        for _ in range(4):
            journal.append(framed(b'{"v":9}'), 1)
            wait_for(lambda: journal.fresh)
    assert [record.getMessage() for record in caplog.records] == ["What waits on disk cannot be brought in; it is tried again."]
    running.stop()
