"""The parts that answer presses, put together: by the database itself, or by a journal on this host that it is given moments later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from digest.domain.press import Press
from digest.files.journal import Journal
from digest.files.spool import Spool
from digest.pipeline.answer import Answer
from digest.pipeline.journalling import Journalling
from digest.pipeline.minting import Minting
from digest.pipeline.presses import Tracker
from digest.web.committer import Committer
from digest.web.metrics import Figure, Meters, counter, gauge, histogram, metered
from digest.web.misses import Answerers, Misses
from digest.web.prompt import Prompt
from digest.web.replayer import Replayer
from digest.web.settings import WebSettings
from digest.web.spool import Spooled

_PATIENCE = 2.0  # seconds a press waits for its turn to write


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The parts, as an operator looks at them."""

    trackers: tuple[Tracker, ...]
    answering: Answerers
    misses: Misses
    meters: Meters
    spooled: Spooled | None = None
    journal: Journal | None = None
    replayer: Replayer | None = None

    def start(self) -> None:
        """Start every thread."""
        for thread in self._threads():
            thread.start()
        if self.replayer is not None:
            self.replayer.start()

    def stop(self) -> None:
        """Answer what waits, and end them."""
        for thread in self._threads():
            thread.stop()
        if self.replayer is not None:
            self.replayer.stop()

    def _threads(self) -> Sequence[Committer[Any, Any]]:
        """In the order to stop them: what one passes on, the next answers."""
        there = dict.fromkeys((self.answering.committer, self.answering.minter))
        return [*([self.answering.prompt.writer] if self.answering.prompt else []), *there]

    def settle(self) -> None:
        """Return when everything that was answered so far is in the database. Raises StorageError, OSError."""
        if self.replayer is not None:
            self.replayer.flush()

    def figures(self) -> Iterator[Figure]:
        """What they have counted."""
        judged = sum((tracker.judged for tracker in self.trackers), Counter[tuple[str, str]]())
        waiting = sum(thread.waiting for thread in self._threads())
        missed = {("unknown",): self.misses.unknown, ("damaged",): self.misses.damaged, ("refused",): self.misses.refused}
        yield counter("digest_requests_total", "Answers by route family and class.", self.meters.requests, "family", "status")
        yield counter("digest_presses_total", "Presses that were recorded, by kind and class.", judged, "kind", "class")
        yield histogram("digest_commit_presses", "Presses in one commit.", self.meters.sizes)
        yield histogram("digest_commit_seconds", "How long one commit took, look-ups included.", self.meters.seconds)
        yield gauge("digest_queue_length", "Presses that wait for their commit.", {(): waiting})
        yield counter("digest_misses_total", "Links that led nowhere: unknown, damaged on the way, or refused to a guesser.", missed, "kind")
        yield gauge("digest_miss_sources", "Sources of misses that are remembered.", {(): len(self.misses)})
        if self.journal is not None:
            yield counter("digest_journalled_total", "Events that went to the journal.", {(): self.journal.written})
        if self.spooled is not None:
            yield gauge("digest_spool_events", "Events that wait on disk for the database.", {(): self.spooled.spool.depth()})
            yield gauge("digest_spool_bytes", "How much of the disk they take up.", {(): self.spooled.spool.octets()})
            yield counter("digest_spooled_total", "Events that went to disk because the database was away.", {(): self.spooled.kept})
            yield counter("digest_lost_events_total", "Events that could be kept nowhere.", {(): self.spooled.lost})

    def ready(self) -> dict[str, str]:
        """What is wrong, by part; "ok" where nothing is."""
        room = self.spooled is None or self.spooled.spool.octets() < self.spooled.spool.most
        alive = all(thread.alive for thread in self._threads())
        return {"committer": "ok" if alive else "stopped", "spool": "ok" if room else "full"}


def machine(engine: Engine, settings: WebSettings, clock: Callable[[], datetime]) -> Machine:
    """The parts as `settings` wants them; nothing runs yet."""
    patient = engine.execution_options(patience=_PATIENCE)
    misses, meters = Misses(), Meters()
    if settings.spool is None:
        tracker = Tracker(patient, settings.for_tracking())
        committer: Committer[Press, Answer] = Committer(metered(tracker.answer, meters.committed))
        answering = Answerers(committer=committer, minter=committer)
        return Machine(trackers=(tracker,), answering=answering, misses=misses, meters=meters)
    spool = Spool(settings.spool, most=settings.spool_octets)
    journal = Journal(spool) if settings.journal else None
    here = journal is not None and engine.dialect.name == "sqlite"  # every server of the database shares this host, and finds our short links
    tracker = Tracker(patient, settings.for_tracking(), minting=Minting(patient, spool) if here else None)
    spooled = Spooled(tracker, spool)
    work = tracker.answer if journal is None else Journalling(tracker, journal).answer
    committer = minter = Committer(metered(spooled.around(work), meters.committed))
    trackers, prompt = [tracker], None
    if journal is not None:
        second = Tracker(patient, settings.for_tracking(), seen=tracker.seen, minting=Minting(patient, None) if here else None)
        journalling = Journalling(second, journal)
        trackers.append(second)
        if here:
            prompt = Prompt(journalling, meters.committed)
        else:
            minter = Committer(metered(spooled.around(journalling.mint), meters.committed))
    return Machine(
        trackers=tuple(trackers),
        answering=Answerers(committer=committer, minter=minter, prompt=prompt),
        misses=misses,
        meters=meters,
        spooled=spooled,
        journal=journal,
        replayer=Replayer(engine, spool, journal, tracker.prepare, clock),
    )
