"""Verdicts: stored events judged again, each among the others, whenever more is known. Raw signals stay as they are.

The same events, rules and thresholds give the same verdicts, so judging twice changes nothing. Verdicts stay once what they
looked at is gone: when some of an edition's events became sums, and for people who were erased.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import retention
from digest.db import verdicts as stored
from digest.db.session import read, write, yield_to_others
from digest.domain.hits import Hit
from digest.domain.press import ERASED, EVERYONE, Kind
from digest.domain.verdicts import classify_all
from digest.domain.visitor import RULES_VERSION, Verdict, VisitorClass, classify
from digest.pipeline.edition import find
from digest.pipeline.tracking import OWN_MINUTES, TrackingSettings, employee_of, judged, tracking_settings

NETWORKS_IN_A_LETTER = 2  # beside each post; the share page has the others
_AT_ONCE = 500  # verdicts in one transaction, so that no click waits for long
_MINTED = timedelta(minutes=1)  # a short link is made in the moment somebody first asks for it
_PREVIEW_OR_MACHINE = {VisitorClass.PREVIEW, VisitorClass.MACHINE}

Row = Any  # of the database
Link = tuple[str, str, str]  # owner, post, network: one short link


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What judging an edition again came to."""

    period: str = ""
    clicks: Mapping[str, int]  # class -> clicks, repeats included
    visits: Mapping[str, int]  # class -> visits
    changed: int = 0  # verdicts that are not what they were
    kept: bool = False  # nothing was judged: some events are sums by now
    rules_version: int = RULES_VERSION


@dataclass(frozen=True, kw_only=True)
class _Look:
    """An edition's verdicts, and those to write."""

    judged: Judged
    changes: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)  # click | visit -> rows


def judge_again(engine: Engine, config: Config, period: str | None = None) -> list[Judged]:
    """Judge one edition, or without `period` every edition that has single events. Raises EditionError."""
    settings = tracking_settings(config)
    with read(engine) as connection:
        if period is None:
            which = stored.editions_with_events(connection)
        else:
            found = find(connection, period)
            which = [(found.id, found.period)]
    return [judge_edition(engine, edition, settings, period=name) for edition, name in which]


def judge_edition(engine: Engine, edition_id: int, settings: TrackingSettings, *, period: str = "") -> Judged:
    """Judge an edition: read and think without holding anybody up, then write what changed in short transactions."""
    with read(engine) as connection:
        look = _look(connection, edition_id, settings, period)
    for kind, rows in look.changes.items():
        for start in range(0, len(rows), _AT_ONCE):
            with write(engine) as connection:
                stored.put_verdicts(connection, kind, rows[start : start + _AT_ONCE])
            yield_to_others(engine)
    return look.judged


def reclassify(connection: Connection, edition_id: int, settings: TrackingSettings) -> dict[str, int]:
    """The same within a transaction of the caller's. Returns class -> clicks."""
    look = _look(connection, edition_id, settings, "")
    for kind, rows in look.changes.items():
        stored.put_verdicts(connection, kind, rows)
    return dict(look.judged.clicks)


def _look(connection: Connection, edition_id: int, settings: TrackingSettings, period: str) -> _Look:
    clicks, visits = stored.clicks_of(connection, edition_id), stored.visits_of(connection, edition_id)
    if retention.begun(connection, edition_id):
        return _Look(judged=Judged(period=period, clicks=_counts(map(_kept, clicks)), visits=_counts(map(_kept, visits)), kept=True))
    hit = _Hits(stored.walls(connection, edition_id))
    verdicts = classify_all([hit(row) for row in clicks], settings.thresholds)
    verdicts |= {row.id: _kept(row) for row in clicks if row.token.startswith(ERASED)}
    posted = _Posted(clicks, verdicts, stored.shares_elsewhere(connection, edition_id) if visits else ())
    seen = {row.id: _visit(row, posted, settings) for row in visits}
    changes = {
        "click": [_change(row, verdicts[row.id]) for row in clicks if _differs(row, verdicts[row.id])],
        "visit": [_change(row, seen[row.id]) for row in visits if _differs(row, seen[row.id])],
    }
    moved = sum(_kept(row) != verdict for rows, found in ((clicks, verdicts), (visits, seen)) for row in rows if (verdict := found[row.id]))
    return _Look(
        judged=Judged(period=period, clicks=_counts(verdicts.values()), visits=_counts(seen.values()), changed=moved),
        changes=changes,
    )


def _counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    found = Counter(verdict.visitor.value for verdict in verdicts)
    return {one.value: found[one.value] for one in VisitorClass}


class _Hits:
    """Makes hits of clicks. `walls`: number of a post that can be read -> whether it is internal."""

    def __init__(self, walls: Mapping[int, bool]) -> None:
        self._walls = walls

    def __call__(self, row: Row) -> Hit:
        """The hit that a click is."""
        shared = row.employee_id is None and not row.token.startswith("~")  # one token for a whole group: its browsers are told apart
        return Hit(
            id=row.id,
            at=row.at,
            actor=f"{row.token}/{row.source}" if shared else row.token,
            n=row.n,
            link=f"{row.kind}/{row.network}",
            source=row.source,
            signals=row.signals,
            links=None if row.picks is None else self._links(row),
        )

    def _links(self, row: Row) -> int:
        """How many links the message has: to read, to the share page and to the person's networks; inside only to read."""
        outside = 2 + min(NETWORKS_IN_A_LETTER, len(row.networks or ""))
        return sum(1 if self._walls[n] else outside for n, _ in row.picks if n in self._walls)


class _Posted:
    """When a short link can have been posted, and when scanners worked on its owner's message."""

    def __init__(self, clicks: Sequence[Row], verdicts: Mapping[int, Verdict], elsewhere: Iterable[stored.Share]) -> None:
        self._machines: dict[Link, datetime] = {}  # first press by a machine
        self._people: dict[Link, datetime] = {}  # first by anybody else
        self._scanned: dict[int, list[datetime]] = {}
        for row in clicks:
            machine = verdicts[row.id].visitor is VisitorClass.MACHINE
            if machine and row.employee_id is not None and verdicts[row.id].reasons != ("prefetch",):
                self._scanned.setdefault(row.employee_id, []).append(row.at)
            if row.kind == Kind.SHARE and row.network:
                self._share(row, machine=machine)
        for share in elsewhere:
            self._share(share, machine=share.machine)
        for moments in self._scanned.values():
            moments.sort()

    def _share(self, row: Row | stored.Share, *, machine: bool) -> None:
        owner = f"employee:{row.employee_id}" if row.employee_id is not None else f"group:{row.group_key}" if row.group_key else EVERYONE
        first = self._machines if machine else self._people
        link = (owner, row.post_id, row.network)
        first[link] = min(row.at, first.get(link, row.at))

    def may_be(self, visit: Row) -> bool:
        """False before anybody but a scanner had the link, if it was a scanner for whom it was made."""
        link = (visit.owner, visit.post_id, visit.network)
        scanned, pressed = self._machines.get(link), self._people.get(link)
        made_for_a_scanner = scanned is not None and scanned <= visit.created_at + _MINTED and (pressed is None or scanned <= pressed)
        return not made_for_a_scanner or (pressed is not None and visit.at >= pressed)

    def scanned(self, visit: Row) -> bool:
        """True when a scanner was at work on the owner's message in the same minutes."""
        moments = self._scanned.get(employee_of(visit.owner) or 0, ())
        width = timedelta(minutes=OWN_MINUTES)
        place = bisect_left(moments, visit.at - width)
        return place < len(moments) and moments[place] <= visit.at + width


def _visit(row: Row, posted: _Posted, settings: TrackingSettings) -> Verdict:
    """A scanner that follows a share link finds the short link in it: a visit before anybody else had it, or by its browser, is its own."""
    if row.owner.startswith("erased:"):
        return _kept(row)
    verdict = classify(row.signals, row.at, settings.thresholds)
    if verdict.visitor in _PREVIEW_OR_MACHINE:
        return verdict
    if not posted.may_be(row):
        return Verdict(visitor=VisitorClass.MACHINE, reasons=("unposted",))
    if row.signals.get("own") and posted.scanned(row):
        return Verdict(visitor=VisitorClass.MACHINE, reasons=("burst",))
    return verdict


def _kept(row: Row) -> Verdict:
    """The verdict as it stands."""
    return Verdict(visitor=VisitorClass(row._mapping["class"]), reasons=tuple(row.reasons))  # noqa: SLF001 - SQLAlchemy's documented name


def _differs(row: Row, verdict: Verdict) -> bool:
    return _kept(row) != verdict or row.rules_version != RULES_VERSION


def _change(row: Row, verdict: Verdict) -> dict[str, Any]:
    return {"which": row.id, **judged(verdict)}


def sentences(found: Sequence[Judged]) -> list[str]:
    """What judging again came to, in words."""
    if not found:
        return ["There are no single clicks or visits to judge."]
    lines = [line for one in found for line in _said(one)]
    changed = sum(one.changed for one in found)
    what = f"{changed:,} verdict{'' if changed == 1 else 's'} changed" if changed else "Nothing changed"
    return [*lines, f"{what}; rules version {RULES_VERSION}."]


def _said(one: Judged) -> list[str]:
    def line(kind: str, counts: Mapping[str, int]) -> str:
        return f"{one.period}: {sum(counts.values()):,} {kind}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()) + "."

    kept = [f"{one.period}: verdicts stay as they are, because some of its events are sums by now."] if one.kept else []
    return [line("clicks", one.clicks), line("visits", one.visits), *kept]


def as_data(found: Sequence[Judged]) -> dict[str, Any]:
    """The same as one JSON object."""
    return {
        "rules_version": RULES_VERSION,
        "changed": sum(one.changed for one in found),
        "editions": [
            {"period": one.period, "clicks": dict(one.clicks), "visits": dict(one.visits), "changed": one.changed, "kept": one.kept} for one in found
        ],
    }
