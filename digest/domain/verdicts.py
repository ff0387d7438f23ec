"""The verdict on every click, each seen among the others: what one request hides, the traffic around it shows.

Deterministic: the same clicks and the same thresholds give the same verdicts, in whatever order they are read. One sort, and
then passes whose windows only move forward.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from datetime import timedelta

from digest.domain.hits import Browser, Hit, browser_of, grouped, link_of
from digest.domain.scans import Scans
from digest.domain.visitor import DEFAULTS, Thresholds, Verdict, VisitorClass, classify


def classify_all(hits: Sequence[Hit], rules: Thresholds = DEFAULTS) -> dict[int, Verdict]:
    """The verdict on every hit, by its id."""
    ordered = sorted(hits, key=lambda hit: (hit.at, hit.id))
    verdicts = {hit.id: classify(hit.signals, hit.at, rules) for hit in ordered}
    scans: dict[Browser, list[Hit]] = defaultdict(list)
    for theirs in grouped(ordered, lambda hit: hit.actor).values():
        _doubles(theirs, verdicts, rules)
        message = Scans(theirs, verdicts, rules)
        message.judge()
        for browser, found in message.found.items():
            scans[browser] += found
    for browser, theirs in grouped(ordered, browser_of).items() if scans else ():
        if browser in scans:
            _neighbours(theirs, scans[browser], verdicts, rules)
    return verdicts


def _doubles(hits: Sequence[Hit], verdicts: dict[int, Verdict], rules: Thresholds) -> None:
    """A filter looks at a link while a person clicks it: of two browsers within a minute one is the person.

    The one that navigates, else the one that pressed more of this message, else the first.
    """
    met: dict[Browser, set[Hashable]] = defaultdict(set)
    for hit in hits:
        met[browser_of(hit)].add(link_of(hit))
    persons: dict[Hashable, Hit] = {}
    for hit in hits:
        if verdicts[hit.id].visitor is not VisitorClass.HUMAN:
            continue
        browser, person = browser_of(hit), persons.get(link_of(hit))
        if person is None or browser_of(person) == browser or hit.at - person.at > timedelta(seconds=rules.double_seconds):
            persons[link_of(hit)] = hit
            continue
        before = browser_of(person)
        better = (browser[1], len(met[browser])) > (before[1], len(met[before]))
        other, persons[link_of(hit)] = (person, hit) if better else (hit, person)
        verdicts[other.id] = Verdict(visitor=VisitorClass.PROBABLE, reasons=("double",))


def _neighbours(hits: Sequence[Hit], scans: Sequence[Hit], verdicts: dict[int, Verdict], rules: Thresholds) -> None:
    """Other people's links, followed by a scanner's browser in the same minute, are probably its work too."""
    bad = sorted(scans, key=lambda hit: hit.at)
    width = timedelta(seconds=rules.neighbour_seconds)
    near: dict[str, int] = defaultdict(int)  # whose message -> the scanner's hits on it within the window
    first = last = 0
    for hit in hits:
        while last < len(bad) and bad[last].at <= hit.at + width:
            near[bad[last].actor] += 1
            last += 1
        while first < last and bad[first].at < hit.at - width:
            actor = bad[first].actor
            near[actor] -= 1
            if not near[actor]:
                del near[actor]
            first += 1
        if verdicts[hit.id].visitor is VisitorClass.HUMAN and len(near) > (hit.actor in near):
            verdicts[hit.id] = Verdict(visitor=VisitorClass.PROBABLE, reasons=("neighbour",))
