"""Reach: who came by the short links of an edition, counted once a day for each visitor and link; our own people stand apart.

Single visits that are kept no longer stand here as sums, which know neither hours nor which link it was.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Text, case, cast, func, select

from digest.db import retention
from digest.db.schema import short_link, visit
from digest.domain.ladder import Evidence, fetched_for
from digest.domain.outcome import channel_of
from digest.domain.visitor import Audience

_COUNTED = ("human", "probable")
_NEVER = datetime.max.replace(tzinfo=UTC)

Key = tuple[str, str, str]  # post, network, channel


@dataclass
class Pair:
    """Surely people; surely and probably people."""

    low: int = 0
    high: int = 0

    def add(self, human: bool, count: int = 1) -> None:
        """Count a visitor."""
        self.low += count if human else 0
        self.high += count


@dataclass(kw_only=True)
class Reach:
    """Everything that is counted about the visits of an edition. Only outsiders are reach."""

    visits: dict[Key, Pair] = field(default_factory=dict)
    countries: dict[str, Pair] = field(default_factory=dict)  # "": unknown
    hours: dict[datetime | None, Pair] = field(default_factory=dict)  # each a whole hour of UTC; None: of sums, which know no hour
    insiders: Counter[Audience] = field(default_factory=Counter)  # visitors a day
    classes: Counter[str] = field(default_factory=Counter)  # every visit by an outsider, repeats included
    links: dict[str, Evidence] = field(default_factory=dict)  # slug -> what is known of it


def reach(connection: Connection, edition_id: int) -> Reach:
    """Count the visits to the short links that an edition made, in one pass."""
    found = Reach(links=_links(connection, edition_id))
    _previews(connection, edition_id, found)
    for row in connection.execution_options(yield_per=2000).execute(_visitors(edition_id)):
        whose = Audience.OWN if row.own else Audience.COLLEAGUE if row.colleague else Audience.OUTSIDE
        if whose is not Audience.OUTSIDE:
            found.insiders[whose] += 1
            continue
        link, human = found.links[row.slug], bool(row.human)
        found.visits.setdefault((link.post, link.network, channel_of(link.owner).value), Pair()).add(human)
        found.countries.setdefault(row.country, Pair()).add(human)
        found.hours.setdefault(row.at.replace(minute=0, second=0, microsecond=0), Pair()).add(human)
        if human and row.at < (link.visited_at or _NEVER):
            found.links[row.slug] = link = replace(link, visited_at=row.at)
        if row.at < (link.perhaps_at or _NEVER):
            found.links[row.slug] = replace(link, perhaps_at=row.at)
    found.classes = _classes(connection, edition_id)
    _add_sums(connection, edition_id, found)
    return found


def _of(edition_id: int) -> Any:  # noqa: ANN401 - a condition of SQLAlchemy
    return short_link.c.edition_id == edition_id


def _visitors(edition_id: int) -> Any:  # noqa: ANN401 - a statement of SQLAlchemy
    """A row for each visitor, day and link. A visitor counts as a person when any of the visits does."""

    def any_of(condition: Any) -> Any:  # noqa: ANN401 - the same
        return func.max(case((condition, 1), else_=0))

    reasons = cast(visit.c.reasons, Text)
    columns = (
        visit.c.slug,
        any_of(visit.c["class"] == "human").label("human"),
        any_of(reasons.like(f'%"{Audience.OWN.value}"%')).label("own"),
        any_of(reasons.like(f'%"{Audience.COLLEAGUE.value}"%')).label("colleague"),
        func.min(visit.c.at).label("at"),
        func.max(visit.c.country).label("country"),
    )
    joined = visit.join(short_link, short_link.c.slug == visit.c.slug)
    return select(*columns).select_from(joined).where(_of(edition_id), visit.c["class"].in_(_COUNTED)).group_by(visit.c.slug, visit.c.visitor)


def _links(connection: Connection, edition_id: int) -> dict[str, Evidence]:
    rows = connection.execute(select(short_link).where(_of(edition_id)))
    return {row.slug: Evidence(slug=row.slug, owner=row.owner, post=row.post_id, network=row.network) for row in rows}


def _previews(connection: Connection, edition_id: int, found: Reach) -> None:
    joined = visit.join(short_link, short_link.c.slug == visit.c.slug)
    rows = connection.execute(select(visit.c.slug, visit.c.signals).select_from(joined).where(_of(edition_id), visit.c["class"] == "preview"))
    for row in rows:
        link = found.links[row.slug]
        if link.network in fetched_for(str(row.signals.get("ua", ""))):
            found.links[row.slug] = replace(link, previewed=True)


def _classes(connection: Connection, edition_id: int) -> Counter[str]:
    reasons = cast(visit.c.reasons, Text)
    joined = visit.join(short_link, short_link.c.slug == visit.c.slug)
    counted = select(visit.c["class"], reasons, func.count()).select_from(joined).where(_of(edition_id)).group_by(visit.c["class"], reasons)
    found: Counter[str] = Counter()
    for verdict, why, count in connection.execute(counted):
        if not any(f'"{one.value}"' in why for one in (Audience.OWN, Audience.COLLEAGUE)):
            found[verdict] += count
    return found


def _add_sums(connection: Connection, edition_id: int, found: Reach) -> None:
    for one in retention.sums(connection, edition_id):
        if one.kind != "visit":
            continue
        if one.verdict in {Audience.OWN, Audience.COLLEAGUE}:
            found.insiders[Audience(one.verdict)] += one.counted
            continue
        found.classes[one.verdict] += one.events
        if one.counted and one.verdict in _COUNTED:
            human = one.verdict == "human"
            found.visits.setdefault((one.post, one.network, one.channel), Pair()).add(human, one.counted)
            found.countries.setdefault(one.country, Pair()).add(human, one.counted)
            found.hours.setdefault(None, Pair()).add(human, one.counted)
