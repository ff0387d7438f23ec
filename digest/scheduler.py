"""The clock of `digest serve`: one interval job a minute that asks what is due, and a loop of its own that delivers.

APScheduler only ticks: a job in memory, coalesced, one at a time, never skipped for being late. What is due is decided
by the calendar's rules from `now`, so a late, doubled or missing tick changes nothing (delivery-rules, section 10).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from digest.config import Config
from digest.errors import DigestError
from digest.pipeline import edition, recalling, replaying, week

_log = logging.getLogger("digest.scheduler")


class Clock:
    """Plans by the minute and delivers in between, until it is stopped."""

    def __init__(self, engine: Engine, config: Config, *, now: Callable[[], datetime], every: float = 60.0) -> None:
        self._engine = engine
        self._config = config
        self._now = now
        self._every = every
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._loop = threading.Thread(target=self._deliver, name="delivery")

    def start(self) -> None:
        """Tick at once, then every minute; deliver whenever something may be due."""
        options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None, "next_run_time": datetime.now(UTC)}
        self._scheduler.add_job(self._plan, "interval", seconds=self._every, **options)
        self._scheduler.start()
        self._loop.start()

    def wake(self) -> None:
        """Look for something to deliver now."""
        self._wake.set()

    def stop(self) -> None:
        """Finish what is on the wire within the grace period, then return."""
        self._stop.set()
        self._wake.set()
        self._scheduler.shutdown(wait=True)
        self._loop.join()

    def _plan(self) -> None:
        _guarded(self._forget)  # first: at start a restored copy is purged, and no slip in the queue keeps it from that
        _guarded(lambda: replaying.catch_up(self._engine, self._config))
        _guarded(self._open_due)
        self._wake.set()

    def _open_due(self) -> None:
        for said in recalling.follow(self._engine, self._config, now=self._now()):
            _log.info(said)
        for said in edition.open_due(self._engine, self._config, now=self._now(), stop=self._stop.is_set):
            _log.info(said)

    def _forget(self) -> None:
        week.forget(self._engine, self._config, now=self._now())

    def _deliver(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(self._every)
            self._wake.clear()
            if not self._stop.is_set():
                _guarded(self._send)

    def _send(self) -> None:
        done = week.send_due(self._engine, self._config, clock=self._now, stop=self._stop)
        if done.transport_error:
            _log.warning(week.delivered(done))
        elif done.sent or done.failed or done.deferred:
            _log.info(week.delivered(done))


def _guarded(work: Callable[[], object]) -> None:
    """One bad minute must not stop the clock: expected errors are said, bugs are said with their trace."""
    try:
        work()
    except DigestError as error:
        _log.error("%s", error)
    except Exception:  # noqa: BLE001 - whatever it was, next Tuesday must still come
        _log.exception("This is a bug in digest; the clock goes on.")
