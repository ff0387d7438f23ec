"""What a visit led to, how well that is proven, and how outcomes are counted: each once, grades never added, no money invented.

A visit leads to an outcome when it is at most 90 days older; when several visits led to the same one, the best proven
counts, and among equals the last visit ("last click wins").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from digest.domain.visitor import VisitorClass

WINDOW = timedelta(days=90)
SKEW = timedelta(minutes=5)  # how far the clocks of two systems may stand apart


class Grade(StrEnum):
    """How well an outcome is proven; the grades stand side by side and are never added."""

    A = "A"  # its click id belongs to a person's visit
    B = "B"  # its click id belongs to a doubtful visit, or only its UTM values match
    C = "C"  # somebody says so


class Channel(StrEnum):
    """Whose post was followed."""

    EMPLOYEE = "employee"  # one that an employee shared
    BRAND = "brand"  # one of the company's own accounts


def channel_of(owner: str) -> Channel:
    """Whose post a short link stands in, by its owner."""
    return Channel.BRAND if owner == Channel.BRAND.value else Channel.EMPLOYEE


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One stored outcome with the visit that led to it. Whose link it was is for nobody's eyes, so it is not here."""

    id: int
    at: datetime  # when it was received
    occurred_at: datetime
    event: str
    grade: Grade
    click_id: str = ""
    period: str = ""
    post: str = ""
    network: str = ""
    channel: str = ""  # "": not known, as UTM values do not tell
    visitor: str = ""  # the visit's class when it was received
    external_id: str = ""
    value_minor: int | None = None
    currency: str = ""
    source: str = ""
    visited_at: datetime | None = None  # None: there was no visit, or it is kept no longer
    country: str = ""
    referrer: str = ""


def graded(visitor: VisitorClass | None, *, insider: bool = False, matched: bool = False) -> Grade:
    """The grade of an outcome. `insider`: the visitor is one of us; `matched`: campaign, content and source are all known."""
    if visitor is VisitorClass.HUMAN and not insider:
        return Grade.A
    return Grade.B if visitor is not None or matched else Grade.C


def out_of_window(occurred: datetime, now: datetime, visited: datetime | None = None) -> str:
    """What would be allowed instead of `occurred`, or "" when it is fine."""
    if occurred > now + SKEW:
        return f"no later than now, {now:%Y-%m-%dT%H:%M:%SZ}"
    if visited is not None and not visited - SKEW <= occurred <= visited + WINDOW:
        return f"from the visit at {visited:%Y-%m-%dT%H:%M:%SZ} to {WINDOW.days} days after it"
    return ""


def counted(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Every outcome once: what several sources said of the same event and external id is one, by its best grade and last visit."""
    best: dict[tuple[str, str, int], Outcome] = {}
    for one in outcomes:
        key = (one.event, one.external_id, 0 if one.external_id else one.id)
        best[key] = min(best.get(key, one), one, key=_rank)
    return sorted(best.values(), key=lambda one: (one.occurred_at, one.id))


def _rank(one: Outcome) -> tuple[str, float, int]:
    last = one.visited_at or one.occurred_at
    return one.grade, -last.timestamp(), one.id


def tally(outcomes: Sequence[Outcome]) -> dict[str, dict[Grade, int]]:
    """Event -> grade -> how many; every grade is there, so that none is taken for another."""
    found = Counter((one.event, one.grade) for one in outcomes)
    return {event: {grade: found[event, grade] for grade in Grade} for event in dict.fromkeys(one.event for one in outcomes)}


def values(outcomes: Sequence[Outcome]) -> dict[tuple[str, Grade, str], int]:
    """(event, grade, currency) -> what was named, in the smallest unit; never added over events, grades or currencies."""
    found: Counter[tuple[str, Grade, str]] = Counter()
    for one in outcomes:
        if one.value_minor is not None:
            found[one.event, one.grade, one.currency] += one.value_minor
    return dict(found)
