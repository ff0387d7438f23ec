"""An edition: one week's digest. Its states, its frozen words, and what may follow what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from digest.domain.brand import Brand
from digest.domain.picture import Picture
from digest.domain.post import Audience, Kind, Origin, Said, Translation


class EditionState(StrEnum):
    """Where an edition stands. Pausing is a flag beside the state, not a state."""

    PLANNING = "planning"  # its rows are being written; a crash resumes here
    DRAFT = "draft"  # planned whole, frozen and hashed; waits for approval
    APPROVED = "approved"  # may go out when its first hour is due
    SENDING = "sending"  # the first message was claimed
    CLOSED = "closed"  # nothing is queued, sending or deferred any more
    CANCELLED = "cancelled"  # stopped for good by an operator
    SKIPPED = "skipped"  # it did not happen, with a reason


NEXT: dict[EditionState, frozenset[EditionState]] = {
    EditionState.PLANNING: frozenset({EditionState.DRAFT, EditionState.CANCELLED, EditionState.SKIPPED}),
    EditionState.DRAFT: frozenset({EditionState.PLANNING, EditionState.APPROVED, EditionState.CANCELLED, EditionState.SKIPPED}),
    EditionState.APPROVED: frozenset({EditionState.PLANNING, EditionState.SENDING, EditionState.CANCELLED, EditionState.SKIPPED}),
    EditionState.SENDING: frozenset({EditionState.CLOSED, EditionState.CANCELLED}),
    EditionState.CLOSED: frozenset({EditionState.SENDING}),  # a failed or doubtful message was put back by an operator
    EditionState.CANCELLED: frozenset(),
    EditionState.SKIPPED: frozenset({EditionState.PLANNING}),  # missed by a clock that was wrong: its hours are still to come
}


@dataclass(frozen=True, kw_only=True)
class EditionPost:
    """A post frozen into an edition, under its number."""

    n: int  # from 1; two base32 characters in links
    id: str
    origin: Origin
    kind: Kind
    internal: bool  # inside the wall on the edition's day
    title: str
    why: str
    url: str | None
    minutes: int | None = None
    language: str = "en"
    author: str = ""  # a name the author agreed to, else "" (then `author_team` alone is said: "a colleague in Quality")
    author_team: str = ""
    author_place: str = ""
    author_id: int | None = None
    topics: tuple[str, ...] = ()
    ends: date | None = None
    questions: tuple[str, ...] = ()
    captions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    place: str = ""
    starts_at: str = ""
    ends_at: str = ""
    closes: date | None = None
    refer: str = ""
    only: Audience = field(default_factory=Audience)
    fresh: bool = True  # no earlier edition carried it
    opens: str = ""  # the moment from which it is public, as ISO 8601; "": no moment keeps it inside
    translations: Mapping[str, Translation] = field(default_factory=dict)  # language -> the same post for its readers
    image: str = ""  # as the queue says it: a file beside it, or an address
    image_alt: str = ""
    picture: Picture | None = None  # what became of `image`; None: it has none that can be used
    face: Picture | None = None  # of an author who is named
    gone: bool = False  # its author was erased, and the words they gave with them


@dataclass(frozen=True, kw_only=True)
class FrozenFigure:
    """A figure that may be shown in this edition."""

    name: str
    value: str
    before: str
    good: str
    rising: bool | None  # None: unchanged or not numeric
    meaning: str
    you_can: str


@dataclass(frozen=True, kw_only=True)
class FrozenAnswer:
    """An entry of the ledger as this edition prints it."""

    question: str
    owner: str
    answer: str  # "" while open
    days: int  # from asking to answering, or to the edition's day
    hard: bool = False
    entry: int | None = None  # its number in the ledger; None: it stands in the queue
    language: str = ""  # of the question; "": the edition's


@dataclass(frozen=True, kw_only=True)
class FrozenLesson:
    """The lesson of this edition."""

    id: str
    rule: str
    example: str
    question: str
    choices: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class EditionContent:
    """Everything an edition says, frozen at planning; templates see this and nothing of any employee."""

    period: str  # "2026-W48"
    number: int  # the ISO week's number: "No. 48"
    day: date  # the local day it is due
    site_name: str
    site_url: str  # public base of every link, without a trailing slash
    company: str
    address: str  # postal
    policy_url: str
    reply_to: str
    subject: str | None  # set by the editor; None: each message takes its first pick's title
    note: str
    signed: str
    ask: str
    disclosure: str
    keep_days: int
    tracking: str  # off | aggregate | individual
    networks: tuple[tuple[str, str, str], ...]  # (letter in links, name, label), in the order of the share page
    posts: tuple[EditionPost, ...]
    figures: tuple[FrozenFigure, ...] = ()
    answers: tuple[FrozenAnswer, ...] = ()
    lesson: FrozenLesson | None = None
    browser_token: str = ""  # of /w/<token>
    honeypot: bool = False  # the HTML holds a link that no person sees
    language: str = "en"  # of note and ask, figures, answers and lesson
    translations: Mapping[str, Said] = field(default_factory=dict)
    note_language: str = ""  # of a translated note; "" is `language`
    ask_language: str = ""
    trimmed: tuple[str, ...] = ()  # what was left out to keep the letter whole in Gmail, one sentence each
    brand: Brand = field(default_factory=Brand)
    decided_days: int | None = None  # half of the posts that employees gave were decided within so many days; None: none was yet
    places: Mapping[str, int] = field(default_factory=dict)  # source -> places of its curated posts in a letter, where readers left it fewer
    heard: tuple[str, ...] = ()  # sources that lost a place with this edition, which says so

    def post(self, n: int) -> EditionPost | None:
        """The post numbered `n`, or None."""
        return self.posts[n - 1] if 1 <= n <= len(self.posts) else None


@dataclass(frozen=True, kw_only=True)
class Edition:
    """An edition's row."""

    id: int
    period: str
    state: EditionState
    paused: bool = False
    reason: str = ""
    hash: str = ""
    audience: int = 0
    planned_at: datetime | None = None
    due_from: datetime | None = None
    due_until: datetime | None = None
    approved_at: datetime | None = None
