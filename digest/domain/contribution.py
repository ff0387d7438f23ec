"""A contribution: what an employee gives, and how it comes to be a post. Its author has a date, a reason for every change, and the last word."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from digest.domain.calendar import to_utc

TRUSTED = "trusted author"  # who decided about a post that needed no review; nobody did, so no median counts it
SHOWN_FOR = timedelta(days=28)  # an accepted post is offered to editions so long, unless it names an end of its own
AFTERLIFE = timedelta(days=14)  # after the last letter of its edition its author hears what it caused
_DAY = timedelta(days=1)
_SATURDAY = 5
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)


class ContributionState(StrEnum):
    """Where a contribution stands."""

    DRAFT = "draft"  # kept for later; its author has a link to it
    UNCONFIRMED = "unconfirmed"  # sent by somebody who had the letter; its owner was asked by mail whether it is theirs
    PROPOSED = "proposed"  # its author stands by it; a decision is promised
    EDITED = "edited"  # somebody changed it; it waits for its author's yes
    ACCEPTED = "accepted"  # it goes to the coming editions
    DECLINED = "declined"  # it does not, for a reason that its author was told
    WITHDRAWN = "withdrawn"  # its author took it back
    PUBLISHED = "published"  # an edition carried it


_S = ContributionState
NEXT: dict[ContributionState, frozenset[ContributionState]] = {
    _S.DRAFT: frozenset({_S.UNCONFIRMED, _S.PROPOSED, _S.ACCEPTED, _S.WITHDRAWN}),
    _S.UNCONFIRMED: frozenset({_S.DRAFT, _S.PROPOSED, _S.ACCEPTED, _S.WITHDRAWN}),
    _S.PROPOSED: frozenset({_S.EDITED, _S.ACCEPTED, _S.DECLINED, _S.WITHDRAWN}),
    _S.EDITED: frozenset({_S.PROPOSED, _S.EDITED, _S.ACCEPTED, _S.DECLINED, _S.WITHDRAWN}),
    _S.ACCEPTED: frozenset({_S.EDITED, _S.DECLINED, _S.WITHDRAWN, _S.PUBLISHED}),
    _S.DECLINED: frozenset({_S.ACCEPTED}),  # a moderator changed their mind
    _S.WITHDRAWN: frozenset(),
    _S.PUBLISHED: frozenset(),
}


class Source(StrEnum):
    """How a contribution came in."""

    FORM = "form"  # by the page behind a link of a letter
    REPLY = "reply"  # by answering a letter
    MAIL = "mail"  # by writing to the digest's address
    COMMAND = "command"  # typed in by an operator at the author's word


class EditReason(StrEnum):
    """Why somebody may change another person's words. Tone is no reason."""

    FACTS = "facts"  # something in it is not so
    TIMING = "timing"  # it may be said later only, or is late already
    LEGAL = "legal"  # the law or a contract forbids a part of it


class KeptOut(StrEnum):
    """Why a contribution that was accepted goes into no edition for now."""

    NOT_AGREED = "not_agreed"  # it was changed after its author's last yes
    AUTHOR_GONE = "author_gone"  # its author has left; nothing goes out under their name
    OVER = "over"  # it was offered for four weeks, or its own end has passed


@dataclass(frozen=True, kw_only=True)
class Words:
    """What an edit may change."""

    title: str
    url: str = ""
    why: str = ""
    visibility: str = "public"
    kind: str = "article"
    facts: Mapping[str, Any] = field(default_factory=dict)  # of its kind: topics, starts, ends, public_from, starts_at, place, closes, refer

    def changed(self, new: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Only what `new` really changes: as it was, and as it is then. Keys that are no field of ours are facts; a None removes one."""
        was: dict[str, Any] = {}
        now: dict[str, Any] = {}
        for name, value in new.items():
            old = getattr(self, name) if name in WORDS else self.facts.get(name)
            if old != value:
                was[name], now[name] = old, value
        return was, now

    def with_changes(self, new: Mapping[str, Any]) -> Words:
        """The same with `new` in place."""
        facts = {name: value for name, value in {**self.facts, **{k: v for k, v in new.items() if k not in WORDS}}.items() if value is not None}
        return replace(self, facts=facts, **{name: value for name, value in new.items() if name in WORDS})


WORDS = ("title", "url", "why", "visibility", "kind")
FACTS = ("topics", "starts", "ends", "public_from", "starts_at", "place", "closes", "refer")


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """A contribution's row."""

    id: int
    key: str
    employee: int | None  # None: somebody who was erased
    source: Source
    state: ContributionState
    words: Words
    body: str
    language: str
    networks: tuple[str, ...]
    edition: int | None
    n: int | None
    post_id: str | None
    version: int
    made_at: datetime
    proposed_at: datetime | None = None
    decide_by: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: str = ""
    agreed_version: int | None = None
    thanked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One change by somebody else than the author."""

    version: int  # the one it made
    at: datetime
    who: str
    reason: EditReason
    note: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def may_follow(state: ContributionState, to: ContributionState) -> bool:
    """Whether a contribution may go from `state` to `to`."""
    return to in NEXT[state]


def read_reason(text: str) -> EditReason | None:
    """The reason of an edit, or None for one that is none, such as tone."""
    return EditReason(text) if text in set(EditReason) else None


def agreed(edits: Iterable[Edit], agreed_version: int | None) -> bool:
    """Whether the author's yes is younger than the last edit; what nobody changed needs none but their own."""
    return agreed_version is not None and all(edit.version <= agreed_version for edit in edits)


def kept_out(one: Contribution, edits: Iterable[Edit], *, here: bool, day: date) -> KeptOut | None:
    """Why an accepted contribution is not offered to the edition of `day`; None: it is. `here`: its author is on the roster."""
    if not here:
        return KeptOut.AUTHOR_GONE
    if not agreed(edits, one.agreed_version):
        return KeptOut.NOT_AGREED
    ends = one.words.facts.get("ends")
    last = date.fromisoformat(ends) if ends else (one.decided_at or one.made_at).date() + SHOWN_FOR
    return KeptOut.OVER if day > last else None


def after_no(edits: Sequence[Edit], agreed_version: int | None) -> dict[str, Any]:
    """What the fields go back to when the author says no: as they were when they last said yes."""
    found: dict[str, Any] = {}
    for edit in sorted(edits, key=lambda edit: -edit.version):
        if agreed_version is None or edit.version > agreed_version:
            found |= edit.before
    return found


def since_yes(edits: Sequence[Edit], agreed_version: int | None) -> list[Edit]:
    """The edits that the author has not said yes to, the oldest first."""
    return sorted((edit for edit in edits if agreed_version is None or edit.version > agreed_version), key=lambda edit: edit.version)


def decision_day(start: date, working_days: int, off: Collection[date]) -> date:
    """The day on which a decision is promised: so many working days after `start`, Monday to Friday, days off left out."""
    day = start
    while working_days > 0:
        day += _DAY
        working_days -= day.weekday() < _SATURDAY and day not in off
    return day


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The last minute of `day` in `zone`."""
    return to_utc(datetime.combine(day, time(23, 59)), zone)


def decision_days(spans: Iterable[tuple[datetime, datetime, str]]) -> int | None:
    """Median days from proposing to deciding, whole days begun; None when nothing was decided by anybody.

    `spans`: (proposed, decided, by whom); what a trusted author's right let through is left out.
    """
    seconds = [(decided - proposed).total_seconds() for proposed, decided, who in spans if who != TRUSTED]
    return max(1, math.ceil(median(seconds) / _DAY.total_seconds())) if seconds else None


def is_thanked_for(last_due: datetime | None, now: datetime) -> bool:
    """Whether the afterlife letter is due: two weeks after the last letter of its edition was."""
    return last_due is not None and now >= last_due.astimezone(UTC) + AFTERLIFE


def links_in(text: str) -> list[str]:
    """Every web address that stands in `text`, as it was typed."""
    return [found.rstrip(".,;:!?)]}'\"»”") for found in _ADDRESS.findall(text)]


def without_links(text: str) -> str:
    """`text` with its web addresses taken out."""
    return "\n".join(" ".join(line.split()) for line in _ADDRESS.sub("", text).split("\n")).strip()
