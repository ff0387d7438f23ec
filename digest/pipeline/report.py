"""What an edition led to: sent, clicks, shares and visits as ranges, the evidence of sharing, and outcomes by grade.

Low counts people only; high adds the probable ones. Machines and previews are in neither and stand beside them. Clicks
(employees) and visits (outsiders) are two audiences and never added; figures about fewer people than the minimum are hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import audience, editions, figures, outcomes, retention
from digest.db.reach import Pair, Reach, reach
from digest.db.session import read
from digest.domain.edition import Edition, EditionContent, EditionPost
from digest.domain.groups import EVERYONE, shown, table
from digest.domain.ladder import PREVIEWING, Evidence
from digest.domain.outcome import Channel, Grade, Outcome, channel_of, counted, tally
from digest.domain.report import Range, percent, ranged
from digest.domain.visitor import Audience, VisitorClass
from digest.pipeline import outbox, tracking, verdicts
from digest.pipeline.edition import find
from digest.pipeline.ledger_view import Standing, standing

Grades = Mapping[str, Mapping[Grade, int]]  # event -> grade -> how many


@dataclass(frozen=True, kw_only=True)
class PostFigures:
    """One post's line."""

    id: str
    title: str
    origin: str
    internal: bool
    picked: int  # messages that carried it and were sent
    read: Range
    shares_opened: Range  # share pages and intents opened; nobody knows what was posted
    visits: Range  # by what employees shared
    brand_visits: Range  # by the brand's own short links
    outcomes: Grades


@dataclass(frozen=True, kw_only=True)
class Rungs:
    """The evidence for one post on one network, over the short links of employees or the one of the brand."""

    post: str
    network: str
    channel: Channel
    intent_opened: Range | None  # None: the brand has no share intents
    preview_fetched: Range | None  # short links; None: nobody can tell this network's robot
    first_visit: Range  # short links that somebody from outside followed
    first_visit_at: datetime | None  # of the brand's only: an employee's is that person's own affair
    visits: Range
    outcomes: Grades

    @property
    def speaks(self) -> bool:
        """False for links that only machines made, and for those of the brand that led nobody anywhere yet."""
        seen = [one for one in (self.intent_opened, self.preview_fetched, self.first_visit, self.visits) if one is not None]
        return bool(self.outcomes) or any(one.high or one.hidden for one in seen)


@dataclass(frozen=True, kw_only=True)
class Side:
    """Employees' posts, or the brand's, as a whole: to be compared per visit and per outcome."""

    followed: Range  # short links that somebody from outside followed
    visits: Range
    outcomes: Grades

    @property
    def visits_per_outcome(self) -> float | None:
        """Visits by people to one outcome of grade A; None without any."""
        proven = sum(grades[Grade.A] for grades in self.outcomes.values())
        return round(self.visits.low / proven, 1) if proven and not self.visits.hidden else None


@dataclass(frozen=True, kw_only=True)
class Report:
    """An edition's figures."""

    edition: Edition
    counts: Mapping[str, int]
    posts: tuple[PostFigures, ...]
    rungs: tuple[Rungs, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)  # a network's name -> as people write it
    sides: Mapping[Channel, Side] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()  # each once, beside its visit
    events: tuple[str, ...] = ()  # what may come of a visit, in the operator's order
    countries: Mapping[str, Range] = field(default_factory=dict)  # "": unknown
    hours: Mapping[int | None, Range] = field(default_factory=dict)  # hour of the day in `zone`; None: kept no longer
    zone: str = "UTC"
    insiders: Mapping[Audience, Range] = field(default_factory=dict)  # visits by the owner of the link and by colleagues: no reach
    click_classes: Mapping[VisitorClass, int] | None = None  # None: too few people
    visit_classes: Mapping[VisitorClass, int] = field(default_factory=dict)
    teams: Mapping[str, int | None] = field(default_factory=dict)  # people who pressed anything; None: hidden
    own_words: int | None = None  # per cent of the shares by the share page without a ready caption; None: too few people
    after_reading: int | None = None  # per cent of the shares people opened that came after they had opened the article; None: too few people
    ledger: Standing | None = None  # how well questions are answered, as of now


def report(engine: Engine, config: Config, period: str | None = None, *, now: datetime | None = None) -> Report:
    """The figures of an edition, its clicks judged anew first; with `now` also those of the ledger. Raises EditionError when there is none."""
    with read(engine) as connection:
        found = find(connection, period)
    verdicts.judge_edition(engine, found.id, tracking.tracking_settings(config))
    with read(engine) as connection:
        found = find(connection, period)
        made = _Maker(connection, found, config).make()
        return made if now is None else replace(made, ledger=standing(connection, now))


class _Maker:
    """Everything that is read once, and the parts that are made of it."""

    def __init__(self, connection: Connection, found: Edition, config: Config) -> None:
        self._connection = connection
        self._edition = found
        self._config = config
        self._minimum = config.privacy.minimum_group
        self._content: EditionContent = editions.content(connection, found.id)
        self._picked = figures.picked(connection, found.id)
        self._clicks = figures.clicks(connection, found.id)
        self._pressed = self._all_pressed()
        self._reach: Reach = reach(connection, found.id)
        self._outcomes = [one for one in counted(outcomes.listed(connection, found.id)) if one.period == found.period]

    def make(self) -> Report:
        classes = figures.classes(self._connection, self._edition.id)
        return Report(
            edition=self._edition,
            counts=outbox.counts(self._connection, self._edition.id),
            posts=tuple(self._post(post) for post in self._content.posts),
            rungs=tuple(one for one in self._rungs() if one.speaks),
            labels={name: label for _, name, label in self._content.networks},
            sides={channel: self._side(channel) for channel in Channel},
            outcomes=tuple(self._outcomes),
            events=self._config.conversions.events,
            countries={country: _range(pair) for country, pair in sorted(self._reach.countries.items())},
            hours=self._hours(self._config.site_zone),
            zone=self._config.site.timezone,
            insiders={one: self._about_us(self._reach.insiders[one]) for one in (Audience.OWN, Audience.COLLEAGUE)},
            click_classes={one: classes.get(one, 0) for one in VisitorClass} if self._enough() else None,
            visit_classes={one: self._reach.classes[one] for one in VisitorClass},
            teams=self._teams(),
            own_words=self._percent(figures.own_words),
            after_reading=self._percent(figures.after_reading),
        )

    def _enough(self) -> bool:
        """Whether enough people pressed one link, or nobody any, so that counts of clicks speak of nobody."""
        most = max((high for _, high in self._clicks.values()), default=0)
        return most == 0 or most >= self._minimum

    def _all_pressed(self) -> Mapping[tuple[str, str], Range]:
        """(post, read or share) -> people; all in one table, because how many clicks there were in all is told as well."""
        found = {(post.id, kind): Pair() for post in self._content.posts for kind in ("read", "share")}
        for (post, kind, _), (low, high) in self._clicks.items():
            pair = found.setdefault((post, kind), Pair())
            pair.low, pair.high = pair.low + low, pair.high + high
        sent = {post.id: self._picked[post.n] for post in self._content.posts}
        ranges = {key: (pair.low, pair.high) for key, pair in found.items()}
        return table(ranges, {key: sent.get(key[0], 0) for key in ranges}, self._minimum)

    def _post(self, post: EditionPost) -> PostFigures:
        return PostFigures(
            id=post.id,
            title=post.title,
            origin=post.origin.value,
            internal=post.internal,
            picked=self._picked[post.n],
            read=self._pressed[post.id, "read"],
            shares_opened=self._pressed[post.id, "share"],
            visits=self._visits(post=post.id, channel=Channel.EMPLOYEE),
            brand_visits=self._visits(post=post.id, channel=Channel.BRAND),
            outcomes=tally([one for one in self._outcomes if one.post == post.id]),
        )

    def _visits(self, *, post: str | None = None, network: str | None = None, channel: Channel) -> Range:
        """Visits are the outside world's; no group of employees stands behind them."""
        wanted = (post, network, channel.value)
        return _range(*(pair for key, pair in self._reach.visits.items() if all(w in {None, k} for w, k in zip(wanted, key, strict=True))))

    def _rungs(self) -> Iterable[Rungs]:
        links: dict[tuple[str, str, Channel], list[Evidence]] = {}
        for link in self._reach.links.values():
            links.setdefault((link.post, link.network, channel_of(link.owner)), []).append(link)
        places = {post.id: (post.n, self._picked[post.n]) for post in self._content.posts}
        followed = self._followed(links)
        for post in sorted({post for post, _, _ in links}, key=lambda post: places.get(post, (0, 0))):
            opened = self._opened(post, places.get(post, (0, 0))[1])
            for of, network, channel in sorted(links):
                if of == post:
                    yield self._rung(post, network, channel, links[of, network, channel], opened, followed)

    def _followed(self, links: Mapping[tuple[str, str, Channel], list[Evidence]]) -> Mapping[tuple[str, str, Channel], Range]:
        """Short links that somebody followed. Each employee's speaks of one person, and all together are told as well."""
        pairs = {key: (sum(bool(one.visited_at) for one in found), sum(bool(one.perhaps_at) for one in found)) for key, found in links.items()}
        ours = {key: pair for key, pair in pairs.items() if key[2] is Channel.EMPLOYEE}
        theirs = {key: Range(low=low, high=high) for key, (low, high) in pairs.items() if key not in ours}
        return {**theirs, **table(ours, dict.fromkeys(ours, self._minimum), self._minimum)}

    def _opened(self, post: str, sent: int) -> Mapping[str, Range]:
        """Intents opened by network; their sum is known from the post's own line, so they are hidden together."""
        pairs = {network: pair for (of, kind, network), pair in self._clicks.items() if of == post and kind == "share"}
        return table(pairs, dict.fromkeys(pairs, sent), self._minimum)

    def _rung(
        self,
        post: str,
        network: str,
        channel: Channel,
        links: list[Evidence],
        opened: Mapping[str, Range],
        followed: Mapping[tuple[str, str, Channel], Range],
    ) -> Rungs:
        ours = channel is Channel.EMPLOYEE
        fetched = sum(one.previewed for one in links)
        came = [one.visited_at or one.perhaps_at for one in links]
        return Rungs(
            post=post,
            network=network,
            channel=channel,
            intent_opened=opened.get(network, Range(low=0, high=0)) if ours else None,
            preview_fetched=self._links(fetched, fetched, ours=ours) if network in PREVIEWING else None,
            first_visit=followed[post, network, channel],
            first_visit_at=None if ours else came[0],
            visits=self._visits(post=post, network=network, channel=channel),
            outcomes=tally([one for one in self._outcomes if (one.post, one.network, one.channel) == (post, network, channel.value)]),
        )

    def _links(self, low: int, high: int, *, ours: bool) -> Range:
        """A number of short links: each employee's speaks of one person."""
        return ranged(low, high, members=self._minimum, minimum=self._minimum) if ours else Range(low=low, high=high)

    def _about_us(self, count: int) -> Range:
        return ranged(count, count, members=self._minimum, minimum=self._minimum)

    def _side(self, channel: Channel) -> Side:
        mine = [link for link in self._reach.links.values() if channel_of(link.owner) is channel]
        surely, perhaps = (sum(map(bool, found)) for found in ([one.visited_at for one in mine], [one.perhaps_at for one in mine]))
        return Side(
            followed=self._links(surely, perhaps, ours=channel is Channel.EMPLOYEE),
            visits=self._visits(channel=channel),
            outcomes=tally([one for one in self._outcomes if one.channel == channel.value]),
        )

    def _hours(self, zone: ZoneInfo) -> dict[int | None, Range]:
        found: dict[int | None, Pair] = {}
        for moment, pair in self._reach.hours.items():
            hour = None if moment is None else moment.replace(tzinfo=UTC).astimezone(zone).hour
            one = found.setdefault(hour, Pair())
            one.low, one.high = one.low + pair.low, one.high + pair.high
        return {hour: _range(found[hour]) for hour in sorted(found, key=lambda hour: 24 if hour is None else hour)}

    def _percent(self, of: Callable[[Connection, int], Mapping[tuple[str, str], bool]]) -> int | None:
        """While all presses are there."""
        if retention.begun(self._connection, self._edition.id):
            return None
        return percent(of(self._connection, self._edition.id), self._minimum)

    def _teams(self) -> dict[str, int | None]:
        """By the groups of the plan, so that nobody who moves, leaves or is erased shows in a difference; while all presses are there."""
        if retention.begun(self._connection, self._edition.id):
            return {}
        sizes = audience.members(self._connection, self._edition.id)
        pressed = figures.pressed_by_group(self._connection, self._edition.id)
        found = shown({group: min(size, pressed.get(group, 0)) for group, size in sizes.items()}, sizes, self._minimum)
        return {"everyone else" if group == EVERYONE else group.partition(":")[2]: people for group, people in found.items()}


def _range(*pairs: Pair) -> Range:
    return Range(low=sum(pair.low for pair in pairs), high=sum(pair.high for pair in pairs))
