"""Journalling: presses are answered as soon as their events are on this host's disk; the database gets them moments later.

So no press waits for SQLite's one writer, nor for a server elsewhere. Whoever reads events sees them with that short delay.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from digest.domain.press import Press
from digest.files.journal import Journal
from digest.pipeline.answer import Answer, Looked
from digest.pipeline.presses import Tracker
from digest.pipeline.records import lines

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """What presses find, and the lines of the journal that they leave."""

    looked: Looked
    lines: bytes


class Journalling:
    """Answers presses in batches; each of its methods is used by one thread at a time, and only `keep` by another than the rest."""

    def __init__(self, tracker: Tracker, journal: Journal) -> None:
        self._tracker = tracker
        self._journal = journal
        self._told = False

    def answer(self, presses: Sequence[Press]) -> list[Answer]:
        """An answer for each press, its event on disk. Raises StorageError; then nothing was recorded."""
        found = self.look(presses)
        if found is None:
            return self.mint(presses)
        return self._kept(found)

    def mint(self, presses: Sequence[Press]) -> list[Answer]:
        """The same for presses whose short links must be written to the database first."""
        return self._kept(_noted(self._tracker.mint(presses)))

    def look(self, presses: Sequence[Press]) -> Noted | None:
        """What presses find, and what must be kept of it, by reading alone; None where something must be written first. Raises StorageError."""
        looked = self._tracker.look(presses)
        return None if looked is None else _noted(looked)

    def write(self, noted: Noted) -> None:
        """Bring to disk what presses leave, in the journal and now, or not at all. Raises OSError; then nothing was recorded."""
        looked = noted.looked
        self._journal.append(noted.lines, len(looked.clicks) + len(looked.visits), wait=False)

    def keep(self, noted: Sequence[Noted]) -> list[None]:
        """The same, all of it at once; in the database where the journal cannot be written. Raises StorageError; then nothing was recorded."""
        written = b"".join(one.lines for one in noted)
        if written:
            self._write(written, [one.looked for one in noted])
        return [None] * len(noted)

    def kept(self, noted: Noted) -> list[Answer]:
        """It is on disk: what was found may be handed out."""
        self._tracker.kept(noted.looked)
        return noted.looked.answers

    def _kept(self, noted: Noted) -> list[Answer]:
        self.keep([noted])
        return self.kept(noted)

    def _write(self, written: bytes, found: Sequence[Looked]) -> None:
        try:
            self._journal.append(written, sum(len(looked.clicks) + len(looked.visits) for looked in found))
        except OSError as error:
            if not self._told:
                _log.warning(
                    "The journal beside %s cannot be written: %s. Presses wait for the database instead.",
                    self._journal.spool.path.name,
                    error.strerror,
                )
            self._told = True
            self._tracker.store(found)
        else:
            self._told = False


def _noted(looked: Looked) -> Noted:
    return Noted(looked=looked, lines=lines(looked.clicks, looked.visits, looked.made))
