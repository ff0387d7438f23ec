"""Signals as an operator sends them: SIGUSR1 pauses what is going out, SIGUSR2 lets it go on.

A handler only notes the signal; a thread of its own writes to the database.
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType

from sqlalchemy import Engine

from digest.errors import DigestError

PAUSING = (signal.SIGUSR1, signal.SIGUSR2)
_log = logging.getLogger("digest.signals")


@contextmanager
def pausing(engine: Engine, clock: Callable[[], datetime], *, resumed: Callable[[], None] = lambda: None) -> Iterator[None]:
    """While inside, SIGUSR1 and SIGUSR2 pause and resume; `resumed` is called after something goes on. Main thread only."""
    asked: queue.SimpleQueue[int | None] = queue.SimpleQueue()

    def note(number: int, _frame: FrameType | None) -> None:
        asked.put(number)  # reentrant by design, unlike most of what a handler could call

    thread = threading.Thread(target=_obey, args=(asked, engine, clock, resumed), name="signals", daemon=True)
    thread.start()
    before = {number: signal.signal(number, note) for number in PAUSING}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PAUSING)  # a parent may have held them back until somebody listens
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if handler == signal.SIG_DFL else handler)  # a late one must not kill us
        asked.put(None)
        thread.join()


def _obey(asked: queue.SimpleQueue[int | None], engine: Engine, clock: Callable[[], datetime], resumed: Callable[[], None]) -> None:
    from digest.pipeline import outbox

    while (number := asked.get()) is not None:
        try:
            if number == signal.SIGUSR1:
                _log.warning(outbox.pause_all(engine, now=clock()))
            else:
                _log.warning(outbox.resume_all(engine, now=clock()))
                resumed()
        except DigestError as error:
            _log.error("%s", error)
        except Exception:  # noqa: BLE001 - the run goes on, and the next signal is heard
            _log.exception("This is a bug in digest; the signal did nothing.")


@contextmanager
def draining(stop: threading.Event) -> Iterator[None]:
    """While inside, the first SIGTERM or SIGINT sets `stop`, and the second breaks off what is on the wire. Main thread only.

    The handler takes no lock: an Event whose own lock the interrupted code holds would never be set.
    """
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()
    heard = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal heard
        if heard:
            raise KeyboardInterrupt  # the run's main thread takes it, closes its connections and records what they became
        heard = True
        asked.put("stop")

    def pass_on() -> None:
        if asked.get():
            stop.set()

    thread = threading.Thread(target=pass_on, name="stopping", daemon=True)
    thread.start()
    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        asked.put("")
        thread.join()
