"""Single events are kept for a while; then sums per day take their place, in short transactions that may be interrupted.

What a report counts does not change by that: a person's repeated presses of one link are counted once. So all events of
one person and link go together, and those that carry a count last: what is left when it is broken off still says all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, Select, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.schema import audit, bounce, click, day_count, edition, message, run, short_link, visit
from digest.domain.evidence import EVIDENCE
from digest.domain.outcome import Channel, channel_of
from digest.domain.visitor import Audience, audience

_COUNTED = ("human", "probable")
_WHAT = ("day", "kind", "edition_id", "post_id", "channel", "network", "country", "class")
_TABLES = {"click": click, "visit": visit}
_SUMMED = {"click": ("id", "at", "kind", "network", "class"), "visit": ("id", "at", "slug", "country", "class", "reasons")}
_RANKS = (Audience.OWN.value, Audience.COLLEAGUE.value, "human", "probable")  # somebody is the first of these that any of the events says
_WITH_LINK = visit.outerjoin(short_link, short_link.c.slug == visit.c.slug)


@dataclass(frozen=True, kw_only=True)
class Sum:
    """What is left of single events: how many there were, and how many count (once for each person or visitor, as a report counts)."""

    day: str  # UTC date
    kind: str  # read | share | visit
    edition: int
    post: str
    channel: str
    network: str
    country: str
    verdict: str  # class; of visits that are no reach whose they were instead: own | colleague
    events: int
    counted: int


def sums(connection: Connection, edition_id: int) -> list[Sum]:
    """The sums that took the place of an edition's older events; figures add them to the events that are still there."""
    rows = connection.execute(select(day_count).where(day_count.c.edition_id == edition_id).order_by(day_count.c.id)).mappings()
    return [
        Sum(
            **{name: row[name] for name in ("day", "kind", "channel", "network", "country", "events", "counted")},
            edition=row["edition_id"],
            post=row["post_id"],
            verdict=row["class"],
        )
        for row in rows
    ]


def begun(connection: Connection, edition_id: int) -> bool:
    """True once some of an edition's events are sums: what is left is judged no more, because its neighbours are gone."""
    return connection.execute(select(day_count.c.id).where(day_count.c.edition_id == edition_id).limit(1)).first() is not None


def last_seen(connection: Connection, before: datetime) -> datetime | None:
    """The newest trace of the clock before that moment: an event, or a run that began."""
    columns = (click.c.at, visit.c.at, run.c.started_at)
    found = [connection.execute(select(func.max(column)).where(column < before)).scalar_one_or_none() for column in columns]
    return max((moment for moment in found if moment is not None), default=None)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The clicks or the visits of one edition's post."""

    table: str  # click | visit
    edition: int
    post: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which events of a batch become sums, in the order in which they go, and which of them carry a count under which class."""

    ids: Sequence[int]
    carriers: Mapping[int, str]  # event -> class, as `Sum.verdict`


@dataclass
class _Key:
    """All events of one person (or visitor) and one link; the one that says most about them carries their count."""

    ids: list[int] = field(default_factory=list)
    old: bool = False
    carrier: int = 0
    verdict: str = ""

    def add(self, number: int, verdict: str) -> None:
        self.ids.append(number)
        if verdict in _RANKS and (not self.carrier or _RANKS.index(verdict) <= _RANKS.index(self.verdict)):
            self.carrier, self.verdict = number, verdict


def due(connection: Connection, before: datetime) -> list[Batch]:
    """What has events from before that moment."""
    clicks = select(click.c.edition_id, click.c.post_id).where(click.c.at < before)
    visits = select(short_link.c.edition_id, short_link.c.post_id).select_from(_WITH_LINK).where(visit.c.at < before)
    found = [
        Batch(table=table, edition=row[0] or 0, post=row[1] or "")  # 0: a visit to a link that is gone
        for table, those in (("click", clicks), ("visit", visits))
        for row in connection.execute(those.distinct())
    ]
    return sorted(found, key=lambda batch: (batch.edition, batch.table, batch.post))


def plan(connection: Connection, batch: Batch, before: datetime) -> Plan:
    """Look for what goes: every event whose person and link has one from before that moment."""
    keys: dict[tuple[str, ...], _Key] = {}
    for row in connection.execution_options(yield_per=1000).execute(_events(batch).order_by(_TABLES[batch.table].c.id)):
        key = keys.setdefault(_key_of(batch, row), _Key())
        key.add(row.id, _verdict(row._mapping))  # noqa: SLF001 - SQLAlchemy's documented name
        key.old |= row.at < before
    gone = [key for key in keys.values() if key.old]
    carriers = {key.carrier: key.verdict for key in gone if key.carrier}
    return Plan(ids=sorted((number for key in gone for number in key.ids), key=lambda number: (number in carriers, number)), carriers=carriers)


def _events(batch: Batch) -> Select[Any]:
    if batch.table == "visit":
        slugs = select(short_link.c.slug).where(short_link.c.edition_id == batch.edition, short_link.c.post_id == batch.post)
        mine = visit.c.slug.in_(slugs) if batch.edition else visit.c.slug.not_in(select(short_link.c.slug))
        return select(*(visit.c[name] for name in ("id", "at", "class", "reasons", "slug", "visitor"))).where(mine)
    columns = (click.c[name] for name in ("id", "at", "class", "token", "source", "employee_id", "kind", "network"))
    return select(*columns).where(click.c.edition_id == batch.edition, click.c.post_id == batch.post)


def _key_of(batch: Batch, row: Row[Any]) -> tuple[str, ...]:
    if batch.table == "visit":
        return row.slug, row.visitor, row.at.date().isoformat()  # a visitor is known for a day
    return actor(row.token, row.source, row.employee_id), row.kind, row.network


def actor(token: str, source: str, employee_id: int | None) -> str:
    """Who pressed, for counting once: the person behind a token of their own, or behind a group's token a browser for a day."""
    personal = employee_id is not None or token.startswith("~")
    return token if personal else f"{token}/{source}"


def _whose(row: RowMapping) -> Audience:
    return audience(row.get("reasons", ()))


def _event_verdict(row: RowMapping) -> str:
    """What an event counts under."""
    return str(row["class"]) if _whose(row) is Audience.OUTSIDE else _whose(row).value


def _verdict(row: RowMapping) -> str:
    """What a person or visitor would count under, by this event alone; what counts nowhere is its class."""
    return _event_verdict(row) if row["class"] in _COUNTED else str(row["class"])


def turn(connection: Connection, batch: Batch, ids: Sequence[int], carriers: Mapping[int, str]) -> int:
    """Make sums of these events and delete them, in one transaction; how many there were. Whoever comes second finds none."""
    table = _TABLES[batch.table]
    links = _links(connection, ids) if batch.table == "visit" else {}
    columns = [table.c[name] for name in _SUMMED[batch.table]]
    rows = connection.execute(delete(table).where(table.c.id.in_(ids)).returning(*columns)).mappings().all()
    events: Counter[tuple[Any, ...]] = Counter()
    counted: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        channel, network = links.get(row.get("slug", ""), (Channel.EMPLOYEE.value, row.get("network", "")))
        what = (row["at"].date().isoformat(), row.get("kind", "visit"), batch.edition, batch.post, channel, network, row.get("country", ""))
        events[*what, _event_verdict(row)] += 1
        if row["id"] in carriers:
            counted[*what, carriers[row["id"]]] += 1
    _add(connection, events, counted)
    return len(rows)


def _links(connection: Connection, ids: Sequence[int]) -> dict[str, tuple[str, str]]:
    """Slug -> channel and network."""
    rows = connection.execute(select(short_link).where(short_link.c.slug.in_(select(visit.c.slug).where(visit.c.id.in_(ids)))))
    return {row.slug: (channel_of(row.owner).value, row.network) for row in rows}


def _add(connection: Connection, events: Counter[tuple[Any, ...]], counted: Counter[tuple[Any, ...]]) -> None:
    """Add to the sums of the day; one order for everybody, so that two purges at once do not wait for each other in a ring."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    rows = [{**dict(zip(_WHAT, what, strict=True)), "events": events[what], "counted": counted[what]} for what in sorted({*events, *counted})]
    if not rows:
        return
    made = dialect.insert(day_count)
    more = {name: day_count.c[name] + made.excluded[name] for name in ("events", "counted")}
    connection.execute(made.on_conflict_do_update(index_elements=list(_WHAT), set_=more), rows)


def forget_tallies(connection: Connection, before: datetime) -> int:
    """Letters planned before that moment that never went out tell nobody's week any more; how many."""
    old = select(edition.c.id).where(edition.c.planned_at < before)
    return connection.execute(update(message).where(message.c.tally != "", message.c.edition_id.in_(old)).values(tally="")).rowcount


def forget_bounces(connection: Connection, before: datetime) -> int:
    """Delete what came back before that moment; how many. What followed from it, a suppression, stays."""
    return connection.execute(delete(bounce).where(bounce.c.at < before)).rowcount


def forget_runs(connection: Connection, before: datetime) -> int:
    """Delete ended runs that began before that moment, and what runs noted by themselves; how many rows. What people did stays noted."""
    ended = delete(run).where(run.c.started_at < before, run.c.ended_at.is_not(None))
    noted = delete(audit).where(audit.c.at < before, audit.c.who == EVIDENCE)
    return connection.execute(ended).rowcount + connection.execute(noted).rowcount
