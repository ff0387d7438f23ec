"""A stored click as the rules over many clicks look at it, and stretches of time in which much happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from digest.domain.visitor import navigated

Browser = tuple[str, bool]  # a source, and whether it says that it navigates: two programs behind one address differ in that
Span = tuple[int, int]  # first and last place in a list of hits, both inside


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A stored click."""

    id: int
    at: datetime
    actor: str  # whose message it is: the token, in aggregate mode token and source
    n: int
    link: str  # kind and network: what of the post was pressed
    source: str
    signals: Mapping[str, Any]
    links: int | None = None  # how many links the message has; None: unknown


def browser_of(hit: Hit) -> Browser:
    """Who pressed, as far as a day's hash can tell."""
    return hit.source, navigated(hit.signals)


def post_of(hit: Hit) -> Hashable:
    """Which post was pressed."""
    return hit.n


def link_of(hit: Hit) -> Hashable:
    """Which link was pressed."""
    return hit.n, hit.link


def grouped(hits: Iterable[Hit], key: Callable[[Hit], Any]) -> dict[Any, list[Hit]]:
    """The hits by `key`, each group in the order they came."""
    found: dict[Any, list[Hit]] = defaultdict(list)
    for hit in hits:
        found[key(hit)].append(hit)
    return found


def dense(hits: Sequence[Hit], seconds: float, least: int, key: Callable[[Hit], Hashable]) -> list[Span]:
    """Spans covered by windows of `seconds` that hold at least `least` different keys. `hits` oldest first; one pass."""
    seen: dict[Hashable, int] = defaultdict(int)
    found: list[Span] = []
    width = timedelta(seconds=seconds)
    first = 0
    for last, hit in enumerate(hits):
        seen[key(hit)] += 1
        while hit.at - hits[first].at > width:
            gone = key(hits[first])
            seen[gone] -= 1
            if not seen[gone]:
                del seen[gone]
            first += 1
        if len(seen) >= least:
            start = found.pop()[0] if found and first <= found[-1][1] else first
            found.append((start, last))
    return found


def merged(spans: Iterable[tuple[Span, int, str]]) -> list[tuple[Span, str]]:
    """Overlapping (span, rank, name) made one, under the name of the lowest rank."""
    found: list[tuple[int, int, int, str]] = []
    for (first, last), rank, name in sorted(spans):
        if found and first <= found[-1][1]:
            start, end, best, called = found.pop()
            found.append((start, max(end, last), *min((best, called), (rank, name))))
        else:
            found.append((first, last, rank, name))
    return [((first, last), name) for first, last, _, name in found]
