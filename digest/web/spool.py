"""Links that go on while the database is away: answered from memory, their events kept on disk until it is back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from digest.db.session import deadlocked, gone
from digest.domain.press import Press
from digest.errors import StorageError
from digest.files.spool import Record, Spool
from digest.pipeline.answer import Answer
from digest.pipeline.presses import Tracker
from digest.pipeline.records import of_events

log = logging.getLogger(__name__)
_LONGEST_REST = 10.0
_CALM_DISK, _CALM_DATABASE = 60.0, 10.0  # seconds: on a full disk a small write fits now and then
_AWAY = "The database does not answer: %s. Links go on from memory, and presses wait in %s."
_FULL = "Presses cannot be kept on disk: %s. Links go on, uncounted, until there is room."
_SLOW = 0.25  # seconds: a quick "no" costs nobody anything; after a slow one
_REST = 10  # times as long the database is left alone


class Alarm:
    """Rings once for a trouble, however often it comes back before it was `calm` seconds away."""

    def __init__(self, calm: float, monotonic: Callable[[], float]) -> None:
        self._calm = calm
        self._monotonic = monotonic
        self._last: float | None = None

    def rings(self) -> bool:
        """The trouble is here; True when that must be said."""
        new, self._last = self._last is None, self._monotonic()
        return new

    def ends(self) -> bool:
        """There is none now; True when that must be said."""
        over = self._last is not None and self._monotonic() - self._last > self._calm
        if over:
            self._last = None
        return over


Work = Callable[[Sequence[Press]], Sequence[Answer]]


class Spooled:
    """Answering that goes on without the database."""

    def __init__(self, tracker: Tracker, spool: Spool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.spool = spool
        self.lost = 0  # events that could be kept nowhere
        self.kept = 0  # events that went to the spool
        self._tracker = tracker
        self._monotonic = monotonic
        self._trouble: StorageError | None = None
        self._rest_until = 0.0
        self._away = Alarm(_CALM_DATABASE, monotonic)
        self._full = Alarm(_CALM_DISK, monotonic)

    def around(self, work: Work) -> Callable[[Sequence[Press]], list[Answer | Exception]]:
        """`work` that goes on: an answer for each press, an error for those of which memory knows nothing while the database is away."""
        return lambda presses: self._answer(work, presses)

    def _answer(self, work: Work, presses: Sequence[Press]) -> list[Answer | Exception]:
        began = self._monotonic()
        if self._trouble is not None and began < self._rest_until:
            return self.aside(presses, self._trouble)
        try:
            answers = _asked(work, presses)
        except StorageError as error:
            if not gone(error):
                raise
            if self._away.rings():
                log.error(_AWAY, error.detail, self.spool.path.name)  # noqa: TRY400 - its words say all
            self._trouble = error
            took = self._monotonic() - began
            self._rest_until = self._monotonic() + (min(_REST * took, _LONGEST_REST) if took > _SLOW else 0)
            return self.aside(presses, error)
        self._trouble = None
        if self._away.ends():
            log.warning("The database answers again.")
        return [*answers]

    def aside(self, presses: Sequence[Press], trouble: StorageError) -> list[Answer | Exception]:
        """Answers from memory; their events wait on disk, or are lost and counted. `trouble` is for the presses it knows nothing of."""
        found = self._tracker.from_memory(presses)
        self.keep(of_events(found.clicks, found.visits))
        return [trouble if answer is None else answer for answer in found.answers]

    def keep(self, records: Sequence[Record]) -> bool:
        """Write records to the spool; False when they are lost, which is said once."""
        if not records:
            return True
        try:
            self.spool.append(records)
        except OSError as error:
            self.lost += len(records)
            if self._full.rings():
                log.error(_FULL, error.strerror)  # noqa: TRY400 - its words say all
            return False
        self.kept += len(records)
        if self._full.ends():
            log.warning("Presses can be kept on disk again; %d were lost.", self.lost)
        return True


def _asked(work: Work, presses: Sequence[Press]) -> Sequence[Answer]:
    try:
        return work(presses)
    except StorageError as error:
        if not deadlocked(error):
            raise
    return work(presses)
