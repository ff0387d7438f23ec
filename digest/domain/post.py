"""A post: one entry of the content queue, and the rest of what an edition says.

Dates are local dates of the organisation's zone; `starts` and `ends` include their day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import NewType

PostId = NewType("PostId", str)


class Origin(StrEnum):
    """Who made a post."""

    CURATED = "curated"  # the comms team
    COLLEAGUE = "colleague"  # an employee; stands above every curated post


class Visibility(StrEnum):
    """Which side of the wall a post is on."""

    PUBLIC = "public"  # may be shared outside
    INTERNAL = "internal"  # inside only: no share link, short link, public page or UTM, ever


class Kind(StrEnum):
    """What a post is about; each looks as readers expect."""

    ARTICLE = "article"  # something to read
    STORY = "story"  # somebody's own experience
    EVENT = "event"  # happens at a place and time
    JOB = "job"  # open until a date; "know someone?"


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Whom a post is for; an empty list means everybody."""

    countries: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Translation:
    """A post's words in one more language; what is empty is left out there."""

    title: str
    why: str
    questions: tuple[str, ...] = ()
    captions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    place: str = ""
    image_alt: str = ""


@dataclass(frozen=True, kw_only=True)
class Said:
    """An edition's own words in one more language."""

    subject: str | None = None
    note: str = ""
    ask: str = ""


@dataclass(frozen=True, kw_only=True)
class Post:
    """One post of the queue, checked."""

    id: PostId
    title: str
    why: str  # curated: why it matters to your network; colleague: their words
    url: str | None = None  # normalised https or http; only internal posts may have none
    by: str | None = None  # the author's address, lower case; None: curated
    named: bool | None = None  # True: the author agreed for this post; None: their own switch decides
    kind: Kind = Kind.ARTICLE
    visibility: Visibility = Visibility.PUBLIC
    public_from: date | None = None  # internal until that day, or until that very moment
    topics: tuple[str, ...] = ()
    starts: date | None = None
    ends: date | None = None
    only: Audience = field(default_factory=Audience)
    language: str = "en"
    minutes: int | None = None  # reading time of what `url` shows
    image: str | None = None
    image_alt: str = ""
    questions: tuple[str, ...] = ()
    captions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # network -> ready captions
    place: str = ""
    starts_at: str = ""  # event: ISO 8601 moment with its zone
    ends_at: str = ""  # the same; "": nobody said
    closes: date | None = None  # job
    refer: str = ""  # job: where a referral goes
    translations: Mapping[str, Translation] = field(default_factory=dict)  # language -> the same post for its readers

    @property
    def origin(self) -> Origin:
        """Colleague when somebody is named as its author."""
        return Origin.COLLEAGUE if self.by else Origin.CURATED

    def internal_on(self, day: date) -> bool:
        """True while the post stays inside: internal for good, or before `public_from`."""
        return self.visibility is Visibility.INTERNAL or (self.inside_until is not None and day < self.inside_until)

    @property
    def inside_until(self) -> date | None:
        """The first day on which it is public from the beginning; None for good, or from ever."""
        if self.visibility is Visibility.INTERNAL:
            return None
        if isinstance(self.public_from, datetime):
            return self.public_from.date() + timedelta(days=1)
        return self.public_from

    def opens(self, zone: tzinfo) -> datetime | None:
        """The moment from which it is public; None when no moment keeps it inside. A day begins where the organisation is."""
        if self.public_from is None or isinstance(self.public_from, datetime):
            return self.public_from
        return datetime.combine(self.public_from, time.min, tzinfo=zone)

    def internal_at(self, moment: datetime, zone: tzinfo) -> bool:
        """True while the post stays inside, to the second."""
        opens = self.opens(zone)
        return self.visibility is Visibility.INTERNAL or (opens is not None and moment < opens)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of "how we are doing"; always inside."""

    name: str
    value: str
    before: str
    unit: str = ""
    good: str = "up"  # up | down
    meaning: str = ""
    you_can: str = ""
    quiet_from: date | None = None
    quiet_until: date | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """You asked, we answered. Open while `answer` is empty."""

    question: str
    asked: date
    owner: str
    answer: str = ""
    answered: date | None = None
    hard: bool = False  # the hard question of the week


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Sixty seconds: one rule, one example, one question."""

    id: str
    rule: str
    example: str
    question: str = ""
    choices: tuple[str, ...] = ()
    right: str = ""
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class EditionWords:
    """The queue's `[edition]` table: words for one week, or for the next one when `week` is absent."""

    week: str | None = None
    subject: str | None = None
    note: str = ""
    signed: str = ""  # who wrote the note
    ask: str = ""  # "Your turn": one question to answer by replying
    language: str = "en"  # of these words, and of the figures, answers and lessons beside them
    translations: Mapping[str, Said] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """Words of something internal that may be said outside, and why."""

    words: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Everything that the content queue says, checked."""

    posts: tuple[Post, ...] = ()
    figures: tuple[Figure, ...] = ()
    answers: tuple[Answer, ...] = ()
    lessons: tuple[Lesson, ...] = ()
    editions: tuple[EditionWords, ...] = ()
    allowed: tuple[Allowed, ...] = ()
    drafts: tuple[Post, ...] = ()  # wait for somebody to say why; never planned
