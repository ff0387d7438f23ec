"""Many SMTP conversations in one thread: each is a generator of steps, and goes on when its socket can.

Opening a connection blocks (DNS, TLS, login), so that happens in a thread of its own; a message is offered here.
"""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from digest.domain.message import Message
from digest.domain.phase import Kind, Outcome
from digest.smtp.connection import Connection
from digest.smtp.relay import Relay
from digest.smtp.stream import CutError, Need, Steps, late
from digest.smtp.told import shown

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_LOOK = 0.05  # seconds between looks at deadlines
_GOODBYE = 1.0  # seconds for all answers to QUIT together


class Line:
    """One connection of a transport, and what it is doing."""

    def __init__(self, number: int, relay: Relay) -> None:
        self.number = number
        self.relay = relay
        self.connection = Connection(relay)
        self.message: Message | None = None  # under way
        self.steps: Steps[Outcome] | None = None
        self.need = Need(write=False, until=0.0)
        self.opening = False
        self.tries = 0  # to come back, since it was last open
        self.not_before = 0.0  # monotonic; nothing is asked or opened for it earlier
        self.idle = False  # asked and got nothing
        self.gone = False  # not used again in this run
        self.has_slot = False

    @property
    def busy(self) -> bool:
        """True while a message is on its wire."""
        return self.steps is not None


class Lines:
    """Drives the conversations of all lines."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        for end in (self._wake, self._woken):
            end.settimeout(0)
        self._selector.register(self._woken, _READ, None)
        self._opened: queue.SimpleQueue[tuple[Line, Outcome]] = queue.SimpleQueue()
        self._numbers: dict[Line, int] = {}  # line -> its registered socket
        self._busy: set[Line] = set()
        self._looked = 0.0

    def __enter__(self) -> Self:
        """Ready."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close what waits for sockets; the lines themselves are closed by `goodbye`."""
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def open(self, line: Line) -> None:
        """Begin to open a line; `poll` says how it ended."""
        self._forget(line)  # the new socket may get the old one's number
        line.opening = True
        threading.Thread(target=self._open, args=(line,), name=f"{line.relay.name}-{line.number}", daemon=True).start()

    def _open(self, line: Line) -> None:
        try:
            outcome = line.connection.open()
        except Exception as error:  # noqa: BLE001 - the loop waits for an answer, whatever happened
            outcome = Outcome(phase=line.connection.phase, kind=Kind.BROKEN, text=shown(f"{type(error).__name__}: {error}"))
        self._opened.put((line, outcome))
        with contextlib.suppress(OSError):
            self._wake.send(b".")

    @property
    def busy(self) -> bool:
        """True while any message is on the wire."""
        return bool(self._busy)

    def offer(self, line: Line, message: Message, steps: Steps[Outcome]) -> Outcome | None:
        """Begin to offer a message on a usable line; its outcome when that is known at once."""
        line.message, line.steps = message, steps
        self._busy.add(line)
        return self._go_on(line)

    def poll(self, patience: float) -> Iterator[tuple[Line, Outcome]]:
        """Wait up to `patience` seconds for something to happen; gives the lines whose opening or message has ended."""
        for key, _ in self._selector.select(patience):
            line: Line | None = key.data
            if line is None:
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
            elif not line.busy:
                self._forget(line)
                line.connection.still_there()
            elif (outcome := self._go_on(line)) is not None:
                yield line, outcome
        while not self._opened.empty():
            line, outcome = self._opened.get()
            line.opening = False
            yield line, outcome
        yield from self._late()

    def _late(self) -> Iterator[tuple[Line, Outcome]]:
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        for line in [line for line in self._busy if line.need.until < now]:
            if (outcome := self._go_on(line, late())) is not None:
                yield line, outcome

    def break_off(self) -> Iterator[tuple[Line, Outcome]]:
        """End every conversation at once; each outcome names how far it had come."""
        for line in list(self._busy):
            if (outcome := self._go_on(line, CutError(Kind.BROKEN, "broken off after the grace period"))) is not None:
                yield line, outcome

    def _go_on(self, line: Line, cut: CutError | None = None) -> Outcome | None:
        steps = line.steps
        if steps is None:
            return None
        try:
            line.need = steps.throw(cut) if cut is not None else next(steps)
        except StopIteration as end:
            outcome: Outcome = end.value
            line.steps = None
            self._busy.discard(line)
            if line.connection.fileno() != self._numbers.get(line):
                self._forget(line)
            return outcome
        self._listen(line)
        return None

    def _listen(self, line: Line) -> None:
        number = line.connection.fileno()
        events = (_WRITE if line.need.write else _READ) | (_READ if line.need.hear else 0)
        if self._numbers.get(line) != number:
            self._forget(line)
            self._selector.register(number, events, line)
            self._numbers[line] = number
        elif self._selector.get_key(number).events != events:
            self._selector.modify(number, events, line)

    def _forget(self, line: Line) -> None:
        number = self._numbers.pop(line, None)
        if number is not None:
            self._selector.unregister(number)

    @staticmethod
    def goodbye(lines: list[Line]) -> None:
        """Say QUIT on all lines, wait a moment for all answers together, close."""
        until = time.monotonic() + _GOODBYE
        with selectors.DefaultSelector() as waiting:
            for line in lines:
                steps = line.connection.goodbye()
                if next(steps, None) is not None:
                    waiting.register(line.connection.fileno(), _READ, steps)
            while waiting.get_map() and (left := until - time.monotonic()) > 0:
                for key, _ in waiting.select(left):
                    if next(key.data, None) is None:
                        waiting.unregister(key.fileobj)
        for line in lines:
            line.connection.drop()
