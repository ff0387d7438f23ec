"""What waits on disk goes into the database, for as long as the server runs: a journal's page at once, the rest when it can."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta

from sqlalchemy import Engine

from digest.errors import StorageError
from digest.files.journal import Journal
from digest.files.spool import Spool
from digest.pipeline.replaying import replay, told

_log = logging.getLogger(__name__)
_PAGE = 0.1  # seconds that presses stand in the journal before the database is given them
_STORM, _LONGER = 1000, 0.7  # events that come in that time, and seconds more for those: each page of an index is written once for all
_NICE = 10  # so far behind the threads that answer it is then, in steps of nice(1)
_LOOK = 2.0  # seconds between looks at what others may have left
_AHEAD = timedelta(minutes=10)  # before a day begins its salt is made, so that no press has to wait for that
_PATIENCE = 5.0  # seconds that a stopping server waits for a busy database


class Replayer:
    """A thread that reads the spool back, and turns the journal's pages where there is one."""

    def __init__(
        self, engine: Engine, spool: Spool, journal: Journal | None, prepare: Callable[[datetime], None], clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._spool = spool
        self._journal = journal
        self._prepare = prepare
        self._clock = clock
        self._look_at = float("-inf")
        self._is_troubled = False
        self._prepared: set[date] = set()
        self._one = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="replayer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and leave nothing on disk that the database takes."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._journal is not None:
            self._journal.close()
            with suppress(StorageError, OSError):
                replay(self._engine.execution_options(patience=_PATIENCE), self._spool)

    def flush(self) -> None:
        """Return when everything that was journalled so far is in the database. Raises StorageError, OSError."""
        with self._one:
            if self._journal is not None and self._journal.turn():
                replay(self._engine, self._spool)

    def _run(self) -> None:
        is_storm = False
        while not self._stop.is_set():
            if is_storm:
                behind = threading.Thread(target=self._stand_back, name="replayer in a storm", daemon=True)
                behind.start()
                behind.join()
            else:
                self._bring()
            is_storm = self._gather()

    def _stand_back(self) -> None:
        """Bring it in, but let answers go first where processors are few: only Linux gives a thread a priority of its own, and only a lower one."""
        if sys.platform == "linux":
            thread = threading.get_native_id()
            with suppress(OSError):  # a sandbox may forbid it; what waits is brought in all the same
                os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICE)
        self._bring()

    def _bring(self) -> None:
        try:
            self.flush()
            if time.monotonic() > self._look_at:
                self._look()
            self._is_troubled = False
        except (StorageError, OSError):  # still away; whoever presses a link makes the log say so
            pass
        except Exception:  # noqa: BLE001 - whatever it is, presses go on being answered and must not pile up unheard
            if not self._is_troubled:
                _log.exception("What waits on disk cannot be brought in; it is tried again.")
            self._is_troubled = True

    def _gather(self) -> bool:
        """Let presses gather; in a storm for longer. Whether it is one."""
        before = self._written()
        self._stop.wait(_PAGE)
        is_storm = self._written() - before > _STORM
        if is_storm:
            self._stop.wait(_LONGER)
        return is_storm

    def _written(self) -> int:
        return 0 if self._journal is None else self._journal.written

    def _look(self) -> None:
        self._look_at = time.monotonic() + _LOOK
        now = self._clock()
        for moment in (now, now + _AHEAD):
            if self._journal is not None and moment.date() not in self._prepared:
                self._prepare(moment)
                self._prepared = {now.date(), moment.date()}
        if self._spool.octets():
            told(replay(self._engine, self._spool))
