"""A message: one email to one employee for one edition, and the states it passes through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from digest.domain.employee import EmployeeId

MessageId = NewType("MessageId", int)


class MessageState(StrEnum):
    """Where a message stands. Never "delivered": SMTP acceptance does not say so."""

    QUEUED = "queued"  # its row is committed and frozen; nothing was offered to a server yet
    SENDING = "sending"  # a run holds it; a crash leaves it here, in sight
    SENT = "sent"  # the relay accepted it, which does not mean it arrived
    DEFERRED = "deferred"  # certainly not now; it has a time for the next attempt
    FAILED = "failed"  # certainly no, with a reason
    IN_DOUBT = "in_doubt"  # the outcome is unknown; decided, never guessed
    SUPPRESSED = "suppressed"  # the employee must not be mailed
    CANCELLED = "cancelled"  # stopped by an operator before it was offered
    SKIPPED = "skipped"  # no message was planned, with a reason


# What may follow; the database's compare-and-set keeps to it.
_S = MessageState
NEXT: dict[MessageState, frozenset[MessageState]] = {
    _S.QUEUED: frozenset({_S.SENDING, _S.SUPPRESSED, _S.CANCELLED, _S.FAILED, _S.SKIPPED}),
    _S.SENDING: frozenset({_S.SENT, _S.DEFERRED, _S.FAILED, _S.IN_DOUBT, _S.QUEUED}),
    _S.SENT: frozenset(),
    _S.DEFERRED: frozenset({_S.SENDING, _S.FAILED, _S.SUPPRESSED, _S.CANCELLED}),
    _S.FAILED: frozenset({_S.QUEUED}),
    _S.IN_DOUBT: frozenset({_S.SENT, _S.QUEUED}),
    _S.SUPPRESSED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.SKIPPED: frozenset(),
}


class SkipReason(StrEnum):
    """Why an employee has no message in an edition."""

    NOTHING_FOR_YOU = "nothing_for_you"  # no post of the edition is for this person
    SEEN_ENOUGH = "seen_enough"  # every fitting post was shown three times or shared already
    MISSED = "missed"  # the due hour passed longer ago than the catch-up window
    TOO_FEW = "too_few"  # fewer posts than an edition needs; it stands beside the whole edition
    HOLIDAY = "holiday"  # a day off where this person lives, and no working day before next week's letter
    PAUSED = "paused"  # this person paused the letter
    NOT_YOUR_WEEK = "not_your_week"  # this person wants it every second or fourth week, and had one since
    LEFT = "left"  # left the company after planning
    NOT_ALLOWED = "not_allowed"  # `delivery.only` names who may get mail for now, and this person is not in it


class FailReason(StrEnum):
    """Why a message failed for good."""

    ADDRESS = "address"  # the server does not know the mailbox (5.1.x, 5.2.1)
    POLICY = "policy"  # a rule of the server, about us rather than the person (5.7.x)
    TOO_BIG = "too_big"  # over the server's size limit (552, 5.3.4, 5.2.3)
    EXPIRED = "expired"  # its deadline passed while it was deferred
    RENDER = "render"  # the message could not be made
    REFUSED = "refused"  # refused for good without a telling code
    RELAY_CANNOT = "relay_cannot"  # the relay does not offer what this message needs, such as addresses beyond ASCII (5.6.x)


@dataclass(frozen=True, kw_only=True)
class Pick:
    """One post in one message: its number in the edition, and why this person gets it."""

    n: int  # the post's number in the edition, from 1
    because: str = ""  # "", or "topic:recycling" | "team" | "country" | "new": a finite variant, rendered once per edition


@dataclass(frozen=True, kw_only=True)
class Message:
    """A claimed message: everything that sending needs besides the compiled edition."""

    id: MessageId
    edition: int
    period: str
    employee: EmployeeId
    address: str  # the current one at the claim
    name: str
    language: str
    picks: tuple[Pick, ...]
    spares: tuple[Pick, ...]
    networks: tuple[str, ...]  # one letter each, as frozen in the edition's network list
    share_token: str
    due_at: datetime
    attempts: int
    dated_at: datetime  # the `Date` header: the first claim, kept for every attempt
    zone: str = ""  # of the reader's clock, as it is at the claim; "" tells every time on its own
    tally: str = ""  # what it tells its reader of their own last week
