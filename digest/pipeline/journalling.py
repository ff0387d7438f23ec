"""Journalling: presses are answered as soon as their events are on this host's disk; the database gets them moments later.

So no press waits for SQLite's one writer, nor for a server elsewhere. Whoever reads events sees them with that short delay.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from digest.domain.press import Press
from digest.files.journal import Journal
from digest.files.spool import framed
from digest.pipeline.answer import Answer, Looked
from digest.pipeline.presses import Tracker
from digest.pipeline.replaying import ready

_log = logging.getLogger(__name__)


class Journalling:
    """Answers presses in batches; used by one thread at a time."""

    def __init__(self, tracker: Tracker, journal: Journal) -> None:
        self._tracker = tracker
        self._journal = journal
        self._told = False

    def answer(self, presses: Sequence[Press]) -> list[Answer]:
        """An answer for each press, its event on disk. Raises StorageError; then nothing was recorded."""
        looked = self._tracker.look(presses)
        if looked is None:
            return self.mint(presses)
        self._keep(looked)
        return looked.answers

    def mint(self, presses: Sequence[Press]) -> list[Answer]:
        """The same for presses whose short links must be written to the database first."""
        looked = self._tracker.mint(presses)
        self._keep(looked)
        return looked.answers

    def _keep(self, looked: Looked) -> None:
        lines = [framed(text) for text in ready(looked.clicks, looked.visits, looked.made)]
        if lines:
            self._write(lines, looked)
        self._tracker.kept(looked)

    def _write(self, lines: Sequence[bytes], looked: Looked) -> None:
        try:
            self._journal.append(b"".join(lines), len(looked.clicks) + len(looked.visits))
        except OSError as error:
            if not self._told:
                _log.warning(
                    "The journal beside %s cannot be written: %s. Presses wait for the database instead.",
                    self._journal.spool.path.name,
                    error.strerror,
                )
            self._told = True
            self._tracker.store(looked)
        else:
            self._told = False
