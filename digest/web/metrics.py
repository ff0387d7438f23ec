"""`/metrics`: figures about the running server in Prometheus's text format. No label holds a token, an address or a path.

Source of the format: prometheus.io, "Exposition formats", text format 0.0.4.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from sqlalchemy import Engine

from digest.db import editions, overdue, standing
from digest.db.session import read
from digest.errors import StorageError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_FAMILIES = {
    *("r", "s", "l", "w", "u", "me", "give", "v", "a", "pass", "p", "c", "agree", "answer", "disown", "send", "entry", "refer"),
    *("desk", "api", "healthz", "readyz", "metrics"),
}
_EVERY = 15.0  # seconds that the counts of an edition are kept: they are a look at every message

Q = TypeVar("Q")
A = TypeVar("A")
Key = TypeVar("Key", bound=tuple[str, ...])
Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]


def family(path: str) -> str:
    """The route family of a path: its first part if it is one of ours, else "other"."""
    first = path[1:].partition("/")[0].lower()
    return first if first in _FAMILIES else "other"


@lru_cache(maxsize=256)
def _label(first: str, status: int) -> tuple[str, str]:
    return family(f"/{first}"), f"{status // 100}xx"


class Histogram:
    """How often a value fell below each of its bounds."""

    def __init__(self, bounds: Iterable[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def samples(self, name: str) -> Iterator[Sample]:
        """Its buckets, sum and count; each bucket holds those below it too."""
        below = 0
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            below += count
            yield f"{name}_bucket", {"le": _number(bound)}, below
        yield f"{name}_sum", {}, self._sum
        yield f"{name}_count", {}, below


@dataclass
class Meters:
    """What is counted while the server runs."""

    requests: Counter[tuple[str, str]] = field(default_factory=Counter)  # (family, status class)
    sizes: Histogram = field(default_factory=lambda: Histogram(_SIZES))  # presses in one commit
    seconds: Histogram = field(default_factory=lambda: Histogram(_SECONDS))  # one commit

    def answered(self, path: str, status: int) -> None:
        """Count a request by its route family and the class of its answer."""
        self.requests[_label(path[1:12].partition("/")[0], status)] += 1  # no family is longer; a link's token is none of the key

    def committed(self, size: int, seconds: float) -> None:
        """Count a batch of presses."""
        self.sizes.observe(size)
        self.seconds.observe(seconds)


def metered(
    work: Callable[[Sequence[Q]], A], told: Callable[[int, float], None], size: Callable[[Sequence[Q]], int] = len
) -> Callable[[Sequence[Q]], A]:
    """`work` on batches that tells the size of each and the seconds it took."""

    def timed(batch: Sequence[Q]) -> A:
        began = time.perf_counter()
        try:
            return work(batch)
        finally:
            told(size(batch), time.perf_counter() - began)

    return timed


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One metric with its samples."""

    name: str
    kind: str  # counter | gauge | histogram
    what: str
    samples: tuple[Sample, ...]


def counter(name: str, what: str, values: Mapping[Key, float], *labels: str) -> Figure:
    """A count since the start, one sample for each combination of labels."""
    return _figure(name, "counter", what, values, labels)


def gauge(name: str, what: str, values: Mapping[Key, float], *labels: str) -> Figure:
    """How it stands now."""
    return _figure(name, "gauge", what, values, labels)


def histogram(name: str, what: str, found: Histogram) -> Figure:
    """How values spread."""
    return Figure(name=name, kind="histogram", what=what, samples=tuple(found.samples(name)))


def _figure(name: str, kind: str, what: str, values: Mapping[Key, float], labels: tuple[str, ...]) -> Figure:
    samples = tuple((name, dict(zip(labels, key, strict=True)), value) for key, value in sorted(values.items()))
    return Figure(name=name, kind=kind, what=what, samples=samples)


def exposed(figures: Iterable[Figure]) -> str:
    """The figures as Prometheus reads them."""
    return "".join(_lines(figure) for figure in figures)


def _lines(figure: Figure) -> str:
    head = f"# HELP {figure.name} {_escaped(figure.what)}\n# TYPE {figure.name} {figure.kind}\n"
    return head + "".join(f"{name}{_braced(labels)} {_number(value)}\n" for name, labels, value in figure.samples)


def _braced(labels: Labels) -> str:
    inside = ",".join(f'{name}="{_escaped(value).replace(chr(34), chr(92) + chr(34))}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return "+Inf" if value == float("inf") else f"{value:.15g}"


class Week:
    """How the newest edition stands and when the clock was last heard; looked up at most every 15 seconds."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._monotonic = monotonic
        self._at = float("-inf")
        self._found: tuple[Figure, ...] = ()

    def figures(self) -> tuple[Figure, ...]:
        """Its gauges; none while the database does not answer."""
        if not 0 <= self._monotonic() - self._at < _EVERY:
            try:
                self._found = self._look()
            except StorageError:
                return (gauge("digest_database_up", "1 while the database answers.", {(): 0}),)
            self._at = self._monotonic()
        return self._found

    def _look(self) -> tuple[Figure, ...]:
        now = self._clock()
        with read(self._engine) as connection:
            newest = editions.newest(connection)
            counts = standing.counts(connection, newest.id) if newest else {}
            heard = overdue.last_seen(connection, now)
        period = newest.period if newest else ""
        found = [
            gauge("digest_database_up", "1 while the database answers.", {(): 1}),
            gauge("digest_edition_messages", "Messages of the newest edition.", {(period, s): n for s, n in counts.items()}, "edition", "state"),
            gauge("digest_edition_paused", "1 while the newest edition is paused.", {(period,): float(newest.paused)} if newest else {}, "edition"),
        ]
        if heard is not None:
            age = max((now - heard).total_seconds(), 0.0)
            found.append(gauge("digest_last_run_age_seconds", "Since the last sign of a delivering run.", {(): age}))
        return tuple(found)
