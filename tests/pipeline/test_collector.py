"""While many rows are made, the collector leaves alone what was there before, and afterwards it is as it was."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.pipeline import collector, edition
from tests.factories import company, crowd

EVENING = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
Settings = tuple[tuple[int, int, int], bool]  # thresholds, and whether anything is left alone


def settings() -> Settings:
    return gc.get_threshold(), gc.get_freeze_count() > 0


@pytest.fixture(autouse=True)
def usual() -> Iterator[Settings]:
    """As before each test, and after it."""
    before = settings()
    yield before
    assert settings() == before


def test_planning_leaves_alone_what_was_loaded_before(engine: Engine, tmp_path: Path, usual: Settings) -> None:
    config = company(engine, tmp_path, crowd(3))
    seen: list[Settings] = []
    edition.plan(engine, config, now=EVENING, progress=lambda _done, _all: seen.append(settings()))
    assert len(seen) == 1
    assert seen[0] != usual
    assert seen[0][1]


def test_a_plan_that_breaks_off_leaves_the_collector_as_it_was(engine: Engine, tmp_path: Path, usual: Settings) -> None:
    def broken(_done: int, _all: int) -> None:
        raise KeyboardInterrupt

    config = company(engine, tmp_path, crowd(3))
    with pytest.raises(KeyboardInterrupt):
        edition.plan(engine, config, now=EVENING, progress=broken)
    assert settings() == usual


def test_two_works_at_once_leave_the_collector_as_it_was(usual: Settings) -> None:
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with collector.seldom():
            inside.set()
            leave.wait(10)

    with collector.seldom():
        thread = threading.Thread(target=other)
        thread.start()
        assert inside.wait(10)
    leave.set()
    thread.join()
    assert settings() == usual
