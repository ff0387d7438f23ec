"""Answering in the server's own loop: whatever came in together is looked up together, brought to disk by one sync, and answered.

A look-up in SQLite and a sync of a good disk take less time than two threads need to pass the interpreter to and fro. What cannot
be told by reading goes to the committer, which has patience; a disk that has shown to be slow is waited for in a thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

from digest.domain.press import UNKNOWN, VISIT, Press
from digest.pipeline.answer import Answer
from digest.pipeline.journalling import Journalling, Noted
from digest.web.committer import Committer
from digest.web.metrics import metered

_log = logging.getLogger(__name__)
_SLOW = 0.02  # seconds: no other page should wait longer for one sync
_MOST = 200  # presses in one sync; more only makes the first of them wait
_REST = 10.0  # seconds that a disk is left to the writer after one such, or after an error


class Gatekeeper(Protocol):
    """Who let a press in, and hears what becomes of it."""

    def heard(self, pending: Pending, answer: Answer | Exception) -> None:
        """The answer to it, or why there is none."""

    def pass_on(self, pending: Pending) -> None:
        """It cannot be answered at once: the committer must."""

    def mind(self, pending: Pending) -> None:
        """It waits for something that may hang."""


class Pending(ABC):
    """A press that waits without a task; used in one loop."""

    __slots__ = ("_loop", "_over", "gate", "press", "since")

    def __init__(self, gate: Gatekeeper, press: Press) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = False
        self.gate = gate
        self.press = press
        self.since = time.monotonic()

    @abstractmethod
    def tell(self, answer: Answer | Exception) -> None:
        """Take the answer, or why there is none."""

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop it waits in."""
        return self._loop

    def done(self) -> bool:
        """True when it has an answer."""
        return self._over

    def set_result(self, result: Answer | Exception, /) -> None:
        """The answer, or why there is none."""
        self._over = True
        self.gate.heard(self, result)

    set_exception = set_result


class Prompt:
    """Answers what has gathered in a few turns of the loop; used in that loop alone. `told`: the size and seconds of each batch."""

    def __init__(self, journalling: Journalling, told: Callable[[int, float], None], monotonic: Callable[[], float] = time.monotonic) -> None:
        self.writer = Committer(metered(journalling.keep, told, _presses))  # waits for a slow disk
        self._journalling = journalling
        self._told = told
        self._monotonic = monotonic
        self._gathered: list[Pending] = []
        self._here = 0  # batches that were written in the loop
        self._there = 0  # batches that the writer has
        self._rest_until = float("-inf")

    @property
    def served(self) -> int:
        """Batches that came to an end."""
        return self._here + self.writer.served

    def hand(self, pending: Pending) -> None:
        """Take a press; it is answered once its event is on disk."""
        if not self._gathered:
            pending.get_loop().call_soon(self._gather, pending.get_loop(), 0)
        self._gathered.append(pending)

    def _gather(self, loop: asyncio.AbstractEventLoop, before: int) -> None:
        """Wait for one turn of the loop that brings nobody else: who waits to be let in comes one each turn, and should share the sync."""
        count = len(self._gathered)
        if before < count < _MOST:
            loop.call_soon(self._gather, loop, count)
        else:
            self._turn()

    def _turn(self) -> None:
        gathered, self._gathered = self._gathered, []
        began = self._monotonic()
        try:
            noted = self._journalling.look([pending.press for pending in gathered])
        except Exception:  # noqa: BLE001 - the committer meets it again, press by press, and knows what to do about each
            noted = None
        if noted is None:
            for pending in gathered:
                pending.gate.pass_on(pending)
        elif not noted.lines or self._is_written(noted):
            self._here += 1
            self._told(len(gathered), self._monotonic() - began)
            self.answer(gathered, noted)
        else:
            for pending in gathered:
                pending.gate.mind(pending)
            self._there += 1
            self.writer.hand(noted, _Batch(self, gathered, noted))

    def _is_written(self, noted: Noted) -> bool:
        """Whether its lines are on disk already; else the writer must try."""
        began = self._monotonic()
        if self._there or began < self._rest_until:
            return False
        try:
            self._journalling.write(noted)
        except BlockingIOError:  # another thread writes at this moment
            return False
        except OSError:
            self._rest_until = began + _REST
            return False
        ended = self._monotonic()
        if ended - began > _SLOW:
            self._rest_until = ended + _REST
        return True

    def kept(self, gathered: Sequence[Pending], noted: Noted) -> None:
        """The writer has brought a batch to disk."""
        self._there -= 1
        self.answer(gathered, noted)

    def failed(self, gathered: Sequence[Pending], trouble: Exception) -> None:
        """The writer could not."""
        self._there -= 1
        for pending in gathered:
            if not pending.done():
                _tell(pending, trouble)

    def answer(self, gathered: Sequence[Pending], noted: Noted) -> None:
        """Everybody's answer: what they leave is on disk. A visit that seems to lead nowhere may be to a link that is in a journal only."""
        for pending, answer in zip(gathered, self._journalling.kept(noted), strict=True):
            if answer.standing is UNKNOWN and pending.press.kind is VISIT:
                pending.gate.pass_on(pending)
            elif not pending.done():
                _tell(pending, answer)


def _tell(pending: Pending, answer: Answer | Exception) -> None:
    try:
        pending.set_result(answer)
    except Exception:  # noqa: BLE001 - others of its batch wait behind it
        _log.exception("One press was not answered.")


class _Batch:
    """Waits for the disk, for all who came together."""

    __slots__ = ("_gathered", "_noted", "_prompt")

    def __init__(self, prompt: Prompt, gathered: Sequence[Pending], noted: Noted) -> None:
        self._prompt = prompt
        self._gathered = gathered
        self._noted = noted

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._gathered[0].get_loop()

    def done(self) -> bool:
        return False

    def set_result(self, _nothing: None, /) -> None:
        self._prompt.kept(self._gathered, self._noted)

    def set_exception(self, exception: Exception, /) -> None:
        self._prompt.failed(self._gathered, exception)


def _presses(batch: Sequence[Noted]) -> int:
    return sum(len(noted.looked.answers) for noted in batch)
