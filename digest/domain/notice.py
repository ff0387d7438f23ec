"""Notices: single letters about one person's own affair, to that person alone. They are sent once, or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from digest.domain.capability import Purpose
from digest.domain.suppression import SuppressionReason

DEADLINE = timedelta(hours=48)  # after it nobody needs the news any more
STUCK = timedelta(hours=1)  # longer than any conversation with a server: whoever held it is gone
APART = timedelta(days=1)  # pressing back and forth makes no flood of letters
GATHERED = timedelta(hours=1)  # what somebody chooses within it is told in one letter


class Notice(StrEnum):
    """What a notice is about."""

    LEFT = "left"  # the receipt for stopping the letter, with the way back
    EXPORTED = "exported"  # somebody printed everything that is held about the person
    CHOSE = "chose"  # somebody who has the letter changed what the person allows or wishes
    EXPORT_LINK = "export_link"  # the link to a copy of everything, as asked for
    ERASE_LINK = "erase_link"  # the link to be forgotten, as asked for
    HISTORY_LINK = "history_link"  # the link to what was stored of their clicks, as asked for
    ALLOW_LINK = "allow_link"  # a machine seems to have allowed something in their name: the link to say yes
    GIVEN = "given"  # somebody who had the letter sent a post: is it theirs?
    KEPT_DRAFT = "kept_draft"  # a post was kept for later
    PROMISED = "promised"  # a post is proposed, and by when it is decided
    TO_DECIDE = "to_decide"  # somebody gave a post, and they may decide about it
    CHANGED = "changed"  # somebody changed their post, for a reason; it waits for their yes
    TAKEN = "taken"  # their post is accepted
    NOT_TAKEN = "not_taken"  # their post is declined, and why
    AFTERLIFE = "afterlife"  # what their post caused, two weeks later
    TRUSTED = "trusted"  # their posts need no review from now on
    VOTED = "voted"  # a machine seems to have answered "not for me" with their letter
    LETTER = "letter"  # a colleague wrote to them about a post
    HELD = "held"  # a machine seems to have written to a colleague with their letter: the link to send it
    WROTE = "wrote"  # the receipt for a letter to a colleague, with "that was not me"
    WITHDRAWN = "withdrawn"  # a letter they got was not from whom it seemed
    PASSED = "passed"  # a colleague passed an internal post on to them
    NOT_TRUSTED = "not_trusted"  # their posts are reviewed again, and why
    ENTERED = "entered"  # what they wrote stands in the ledger, and what it was taken for
    WAS_YOU = "was_you"  # somebody wrote in their name, and nothing happens before they say yes
    OWNED = "owned"  # somebody is named who answers them
    ANSWERED = "answered"  # their answer, which the next edition prints
    ANSWERED_YOU = "answered_you"  # their answer, which nobody else reads
    NO_FILES = "no_files"  # files came with what they wrote, and were not kept
    ANSWER_SENT = "answer_sent"  # their answer by mail went to the colleague who wrote to them
    ANSWER_BACK = "answer_back"  # their answer by mail went to nobody, and here it is again
    NOTED = "noted"  # their answer by mail stands as a note beside what it is about
    NOTE = "note"  # somebody answered by mail what they were told of their post
    STOP_HOW = "stop_how"  # they wrote that they want no more letters, and this is how


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a notice tells beside its kind's own words. Never an address, and never anybody else's name without their leave."""

    values: Mapping[str, str] = field(default_factory=dict)  # fill the {places} of its words
    quotes: tuple[tuple[str, str], ...] = ()  # (word of its heading or "", what people wrote), shown as it was written
    path: str = ""  # where its button leads: "give" for /give/<token>; "": no button, unless the kind has its own
    purpose: Purpose | None = None  # the token is one that works once, for this; None: `path` is the whole path
    subject: int | None = None
    answers: str = ""  # the Message-ID of what the person wrote, which it acknowledges
    url: str = ""  # an address elsewhere that its button leads to instead
    choices: tuple[tuple[str, str], ...] = ()  # (matter, what became of it) that were changed, the oldest first

    def as_data(self) -> dict[str, Any]:
        """For a JSON column."""
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Told:
        """Read it back."""
        purpose = Purpose(data["purpose"]) if data.get("purpose") else None
        quotes = tuple((label, text) for label, text in data.get("quotes", ()))
        return cls(
            values=data.get("values", {}),
            quotes=quotes,
            path=data.get("path", ""),
            purpose=purpose,
            subject=data.get("subject"),
            answers=data.get("answers", ""),
            url=data.get("url", ""),
            choices=tuple((matter, how) for matter, how in data.get("choices", ())),
        )


ASKED_FOR = frozenset({Notice.EXPORT_LINK, Notice.ERASE_LINK, Notice.HISTORY_LINK})


def may_go(kind: Notice, held: Collection[SuppressionReason], *, here: bool) -> bool:
    """Whether it may be mailed: never against anybody's word, but the receipt for leaving goes to who has just left.

    `held`: why the address is not mailed; `here`: the person is on the roster.
    """
    if kind is Notice.LEFT:
        return here and set(held) == {SuppressionReason.UNSUBSCRIBED}  # not after a complaint, nor when it was taken back
    if kind in ASKED_FOR:  # whoever stopped the letter may still see, take and delete what is theirs
        return here and set(held) <= {SuppressionReason.UNSUBSCRIBED}
    return here and not held
