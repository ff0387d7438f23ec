"""Patience: nobody waits longer than that for a disk or a database, through however many hands a press goes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from digest.domain.press import GO, READ, UNKNOWN, VISIT, Kind, Press
from digest.pipeline.answer import Answer
from digest.web import misses
from digest.web.misses import Answerers, Gate, Misses
from digest.web.prompt import Pending, Prompt

_PATIENCE, _DISK = 1.0, 0.8  # seconds


class Disk:
    """Needs some time for the first batch, and never ends with the second. A visit's link is in no table."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._batches = 0

    def look(self, presses: Sequence[Press]) -> Any:
        """What they find."""
        return SimpleNamespace(lines=b"x", looked=SimpleNamespace(answers=[Answer(UNKNOWN if p.kind is VISIT else GO) for p in presses]))

    def write(self, _noted: Any) -> None:
        """Not at once."""
        raise BlockingIOError

    def keep(self, noted: Sequence[Any]) -> list[None]:
        """In a thread."""
        self._batches += 1
        self.over.wait(_DISK if self._batches == 1 else 60)
        return [None] * len(noted)

    def kept(self, noted: Any) -> list[Answer]:
        """The answers."""
        found: list[Answer] = noted.looked.answers
        return found


class Database:
    """Hangs."""

    served = 0

    def hand(self, _press: Press, _pending: Pending) -> None:
        """Never answer."""


class Caller(Pending):
    """Remembers how long it waited."""

    def __init__(self, gate: Gate, kind: Kind) -> None:
        super().__init__(gate, Press(kind, datetime.now(UTC), "key", 1, address="192.0.2.1"))
        self.came = time.monotonic()
        self.waited = 0.0

    def tell(self, answer: Answer | Exception) -> None:
        """The answer is there."""
        assert isinstance(answer, Answer)
        self.waited = time.monotonic() - self.came


async def _callers() -> list[Caller]:
    disk: Any = Disk()  # all of a journal that counts here
    prompt = Prompt(disk, lambda _size, _seconds: None)
    prompt.writer.start()
    database: Any = Database()
    known: Any = SimpleNamespace(may_be=lambda _key: False)
    seen: Any = SimpleNamespace(shared=lambda _press: True, knows=lambda _press: True, heard_of=lambda _key: True)
    memory: Any = SimpleNamespace(aside=lambda presses, _trouble: [Answer(GO) for _ in presses])
    gate = Gate(Answerers(committer=database, minter=database, prompt=prompt), Misses(), known, seen, memory)
    callers = [Caller(gate, READ), Caller(gate, VISIT)]
    for caller in callers:
        assert gate.hand(caller)
    await asyncio.sleep(0.1)
    callers.append(Caller(gate, READ))
    assert gate.hand(callers[-1])
    await asyncio.sleep(3)
    disk.over.set()
    return callers


def test_a_press_that_goes_from_the_disk_to_the_database_waits_no_longer_and_neither_do_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The visit's link is looked for in the database once the disk has its neighbour; memory answers when their time is up."""
    monkeypatch.setattr(misses, "_PATIENCE", _PATIENCE)
    monkeypatch.setattr(misses, "_LOOK", 0.05)
    read, visit, later = asyncio.run(_callers())
    assert _DISK <= read.waited < _PATIENCE
    assert _PATIENCE <= visit.waited < _PATIENCE + _DISK / 2
    assert _PATIENCE <= later.waited < _PATIENCE + _DISK / 2
