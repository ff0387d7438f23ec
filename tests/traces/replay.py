"""Play a week's presses to the real tracker over a real database, judge them again as the report does, and count the mistakes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from digest.db.schema import click, edition, edition_post, employee, message, post, short_link, token, visit
from digest.db.session import read, write
from digest.domain.frozen import freeze
from digest.domain.link import number
from digest.domain.link import token as make_token
from digest.domain.press import Kind, Press
from digest.files.networks import load_networks
from digest.files.scanners import load_scanners
from digest.pipeline.presses import Tracker
from digest.pipeline.tracking import TrackingSettings
from digest.pipeline.verdicts import judge_edition
from digest.web.links import read_press
from digest.web.signals import Proxies
from tests.conftest import NOW
from tests.linked import CONTENT
from tests.traces.company import INTERNAL, PUBLIC, Week
from tests.traces.mails import PAGE, READ, TRAP, Event, Link, Mail

_BATCH = 100
_MOMENT, _WHILE = timedelta(seconds=1), timedelta(minutes=10)  # visits look at what was pressed before them, so they come soon as in life
_LETTERS = {network.name: network.letter for network in load_networks()}
_PROXIES = Proxies(())

Pair = tuple[int, Link]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A stored event with the truth beside it."""

    event: Event
    verdict: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Score:
    """How well people were told from machines, counted once per (token, link)."""

    true: int  # links that a person followed and that count
    false: int  # links that only machines followed and that count all the same
    missed: int  # links that a person followed and that do not count
    kinds: dict[str, Trace] = field(default_factory=dict)

    @property
    def precision(self) -> float:
        """Of what counts, the share that is true."""
        return self.true / max(1, self.true + self.false)

    @property
    def recall(self) -> float:
        """Of what is true, the share that counts."""
        return self.true / max(1, self.true + self.missed)


@dataclass(kw_only=True)
class Trace:
    """One kind of trace."""

    human: bool
    events: int = 0
    links: int = 0
    counted: int = 0  # links that count as human, rightly or not
    reasons: Counter[str] = field(default_factory=Counter)  # why the others do not; why machines were seen


class Stage:
    """The tables of one company's edition, and its tracker."""

    def __init__(self, engine: Engine, week: Week, settings: TrackingSettings) -> None:
        self.engine = engine
        self.settings = settings
        self.week = week
        self.tokens: dict[int, str] = {}
        self.people: dict[int, int] = {}
        self._slugs: dict[tuple[int, str, str], str] = {}
        with write(engine) as connection:
            self.edition = self._edition(connection)
            self._mails(connection, week.mails)

    @staticmethod
    def _edition(connection: Connection) -> int:
        posts = [
            {
                "id": f"post-{n}",
                "title": f"Post {n}",
                "url": f"https://example.com/{n}",
                "origin": "curated",
                "visibility": "public" if n <= PUBLIC else "internal",
                "first_seen_at": NOW,
            }
            for n in range(1, PUBLIC + INTERNAL + 1)
        ]
        frozen = freeze(CONTENT)  # another test's words, under our own posts
        frozen["posts"] = [
            {**frozen["posts"][1], "n": n, "id": one["id"], "title": one["title"], "url": one["url"], "internal": n > PUBLIC}
            for n, one in enumerate(posts, start=1)
        ]
        row = {"period": "2026-W48", "state": "sending", "paused": False, "reason": "", "hash": "h", "planned_through": 0, "audience": 0}
        made = connection.execute(insert(edition).values(**row, created_at=NOW, content=frozen).returning(edition.c.id)).scalar_one()
        connection.execute(insert(post), posts)
        connection.execute(
            insert(edition_post), [{"edition_id": made, "n": n, "post_id": f"post-{n}", "internal": n > PUBLIC} for n in range(1, len(posts) + 1)]
        )
        return int(made)

    def _mails(self, connection: Connection, sent: Sequence[Mail]) -> None:
        dice = Random(4)
        lists: dict[str, Any] = {"topics": [], "networks": [], "chosen": [], "shared": False, "named": False, "joined_at": NOW}
        for mail in sent:
            row = {"address": f"p{mail.number}@example.com", "mailbox": f"p{mail.number}@example.com", "name": "P", "language": "en", "zone": "UTC"}
            person = connection.execute(insert(employee).values(**row, country="", team="", **lists).returning(employee.c.id)).scalar_one()
            found = next(made for _ in range(100) if (made := make_token(dice.randbytes(10))))
            numbers = [*mail.posts, *mail.inside]
            self.people[mail.number], self.tokens[mail.number] = int(person), found
            connection.execute(
                insert(message).values(
                    edition_id=self.edition,
                    employee_id=person,
                    state="sent",
                    reason="",
                    language="en",
                    picks=[[n, ""] for n in numbers],
                    spares=[],
                    networks="12",
                    name="",
                    attempts=1,
                    sent_at=NOW + timedelta(seconds=mail.at),
                ),
            )
            connection.execute(
                insert(token).values(
                    token=found,
                    edition_id=self.edition,
                    employee_id=person,
                    numbers=numbers,
                    created_at=NOW,
                    expires_at=NOW + timedelta(days=400),
                ),
            )

    def play(self, events: Iterable[Event]) -> None:
        """Every event to the tracker, in batches as the web server makes them."""
        tracker = Tracker(self.engine, self.settings)
        batch: list[Press] = []
        for event in events:
            at = NOW + timedelta(seconds=event.at)
            if batch and (
                len(batch) >= _BATCH or at - batch[0].at > (_MOMENT if event.visit or any(p.kind is Kind.VISIT for p in batch) else _WHILE)
            ):
                self._flush(tracker, batch)
            if event.visit and self._slug(event) is None:
                self._flush(tracker, batch)
                self._look()
            press = read_press(self._scope(event), _PROXIES, at)
            if press is None:
                raise ValueError(event)
            batch.append(press)
        self._flush(tracker, batch)

    def _flush(self, tracker: Tracker, batch: list[Press]) -> None:
        tracker.answer(batch)
        batch.clear()

    def _look(self) -> None:
        with read(self.engine) as connection:
            for row in connection.execute(select(short_link)):
                self._slugs[int(row.owner.partition(":")[2]), row.post_id, row.network] = row.slug

    def _slug(self, event: Event) -> str | None:
        return self._slugs.get((self.people[event.mail], f"post-{event.link.post}", event.link.what))

    def _scope(self, event: Event) -> dict[str, Any]:
        return {
            "type": "http",
            "path": f"/l/{self._slug(event)}" if event.visit else self._path(event),
            "method": event.method,
            "headers": [(name.encode(), value.encode()) for name, value in event.headers],
            "client": (event.address, 40000),
        }

    def _path(self, event: Event) -> str:
        what, secret = event.link.what, self.tokens[event.mail]
        if what == TRAP:
            return f"/r/{secret}/zz{event.junk}"
        tail = number(event.link.post)
        if what == READ:
            return f"/r/{secret}/{tail}{event.junk}"
        return f"/s/{secret}/{tail}{'0' if what == PAGE else _LETTERS[what]}{event.junk}"

    def judge(self) -> None:
        """As the report does before it counts."""
        judge_edition(self.engine, self.edition, self.settings)

    def rows(self, *, visits: bool = False) -> list[Row]:
        """What is stored, in the order it came, each with its truth."""
        table = visit if visits else click
        told = [event for event in self.week.events if event.method == "GET" and event.visit == visits]
        with read(self.engine) as connection:
            stored = list(connection.execute(select(table.c["class"], table.c.reasons).order_by(table.c.id)))
        return [Row(event=event, verdict=verdict, reasons=tuple(reasons)) for event, (verdict, reasons) in zip(told, stored, strict=True)]


def settings_of(**changes: Any) -> TrackingSettings:
    """Tracking as it comes, with the bundled catalogues."""
    return TrackingSettings(**{"site_url": "https://letter.example.com", "networks": load_networks(), "scanners": load_scanners(), **changes})


def score(rows: Sequence[Row]) -> Score:
    """Count once per (token, link)."""
    people: dict[Pair, set[str]] = defaultdict(set)
    machines: dict[Pair, set[str]] = defaultdict(set)
    counted: set[Pair] = set()
    kinds: dict[str, Trace] = {}
    for row in rows:
        pair = (row.event.mail, row.event.link)
        (people if row.event.human else machines)[pair].add(row.event.kind)
        kind = kinds.setdefault(row.event.kind, Trace(human=row.event.human))
        kind.events += 1
        if row.verdict == "human":
            counted.add(pair)
    for row in rows:
        pair = (row.event.mail, row.event.link)
        if row.verdict != "human" and not (row.event.human and pair in counted):
            kinds[row.event.kind].reasons[f"{row.verdict}: {', '.join(row.reasons)}"] += 1
    for pair, names in _truly(people, machines):
        for name in names:
            kinds[name].links += 1
            kinds[name].counted += pair in counted
    return Score(
        true=len(counted & people.keys()), false=len(counted - people.keys()), missed=len(people.keys() - counted), kinds=dict(sorted(kinds.items()))
    )


def _truly(people: dict[Pair, set[str]], machines: dict[Pair, set[str]]) -> Iterator[tuple[Pair, set[str]]]:
    yield from people.items()
    yield from ((pair, names) for pair, names in machines.items() if pair not in people)
