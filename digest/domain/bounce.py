"""What came back: bounces, complaints and automatic answers, told apart by what a report says in its fields, never by its prose.

Sources: RFC 3464 (delivery reports), RFC 3463 (status codes), RFC 5965 (complaints), RFC 3834 (automatic answers).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from digest.domain.suppression import SuppressionReason

SOFT_STOPS: Final = 3  # soft bounces among the last editions that stop mail
SOFT_WINDOW: Final = 5  # how many editions back they count
SOFT_REST: Final = timedelta(days=60)  # then the address gets another chance
TEXT_LIMIT: Final = 250  # what a bounce keeps of the server's words


class BounceKind(StrEnum):
    """What a report means for the person."""

    HARD = "hard"  # the mailbox does not exist: stop at once
    SOFT = "soft"  # could not be delivered this time: counts
    OURS = "ours"  # a rule or a size limit, about our message: never the person's doing
    COMPLAINT = "complaint"  # reported as spam: leave at once
    AUTO_REPLY = "auto_reply"  # out of office, a read receipt: neither bounce nor contribution
    DELAYED = "delayed"  # still being tried: no bounce
    DELIVERED = "delivered"  # handed on: no bounce
    UNKNOWN = "unknown"  # none of these


class BounceSource(StrEnum):
    """How we know."""

    SMTP = "smtp"  # the relay refused it while we were talking
    DSN = "dsn"  # a delivery report (RFC 3464) about a message that it surely names
    ARF = "arf"  # a complaint (RFC 5965) about a message that it surely names
    REPLY = "reply"  # an automatic answer to a message that it surely names
    GUESS = "guess"  # a report in no standard form, or one that names only an address


class Folder(StrEnum):
    """Where mail is kept that a person should look at; folders below `inbound.kept`."""

    REPLIES = "replies"  # by a person, or at least not by a mail system
    UNREADABLE = "unreadable"  # by a mail system, and nothing in it is understood
    UNMATCHED = "unmatched"  # a report about nobody we know
    UNSIGNED = "unsigned"  # the signature is wrong or too old, or a complaint has none


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a report says of one recipient."""

    final: str = ""  # where it was to arrive in the end; lower case
    original: str = ""  # as we had addressed it
    action: str = ""  # failed, delayed, delivered, relayed, expanded; "" when it does not say
    status: str = ""  # "5.1.1", or ""
    diagnostic: str = ""  # the server's own words: "550 5.1.1 no such user"

    def names(self, address: str) -> bool:
        """True when it speaks of `address`, or of no address at all."""
        named = {self.final, self.original} - {""}
        return not named or address.lower() in named


@dataclass(frozen=True, kw_only=True)
class Report:
    """One inbound message, read. Everything in it may be forged; `references` and `recipients` are to be verified."""

    source: BounceSource | None  # DSN, ARF, REPLY or GUESS; None: nothing of the kind
    said: tuple[Said, ...] = ()
    feedback: str = ""  # Feedback-Type of a complaint, lower case
    recipients: tuple[str, ...] = ()  # addresses it may have come to
    references: tuple[str, ...] = ()  # what looks like our own Message-IDs in it
    machine: bool = False  # by a mail system rather than a person
    identity: str = ""  # its own Message-ID


@dataclass(frozen=True, kw_only=True)
class Whom:
    """The employee that a report is about. `signed`: it carries a signature of ours, so it is about a message we sent."""

    address: str  # "" when they were erased
    signed: bool


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What follows from a report."""

    kind: BounceKind
    status: str = ""
    text: str = ""
    stop: SuppressionReason | None = None
    keep: Folder | None = None


_FORM = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9.])")
_REPLY = re.compile(r"(?:[a-z0-9-]{1,20};)?[\s<#]*([245][0-9]{2})?[\s#<-]*(?:([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.]))?", re.IGNORECASE)
_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})  # not: not-spam, virus, auth-failure
_HANDED_ON = frozenset({"delivered", "relayed", "expanded"})
_ADDRESSING, _MAILBOX, _SYSTEM, _PROTOCOL, _CONTENT, _SECURITY = 1, 2, 3, 5, 6, 7
_OF_SENDER = frozenset({7, 8})  # 5.1.7 and 5.1.8 speak of the sender's address
_SIZES = frozenset({(_MAILBOX, 3), (_SYSTEM, 4)})
_PERMANENT = 500


def classify(*, action: str = "failed", status: str = "", code: int | None = None) -> BounceKind:
    """HARD, SOFT, OURS, DELAYED or DELIVERED from a report's fields or an SMTP reply.

    A bare 550 may be about the mailbox or about a rule (RFC 5321), so it is soft; so is every code that does not tell.
    """
    found = _FORM.fullmatch(status.strip())
    number, subject, detail = (int(part) for part in found.groups()) if found else (0, 0, 0)
    if action in _HANDED_ON:
        return BounceKind.DELIVERED
    if action == "delayed" or (action != "failed" and number != _PERMANENT // 100 and (code or 0) < _PERMANENT):
        return BounceKind.DELAYED
    return _refusal(subject, detail) if number == _PERMANENT // 100 else BounceKind.SOFT


def _refusal(subject: int, detail: int) -> BounceKind:
    if subject == _ADDRESSING:
        return BounceKind.OURS if detail in _OF_SENDER else BounceKind.HARD
    if (subject, detail) == (_MAILBOX, 1):
        return BounceKind.HARD
    about_us = subject in {_SECURITY, _CONTENT} or (subject, detail) in _SIZES
    return BounceKind.OURS if about_us else BounceKind.SOFT


def reply_codes(diagnostic: str) -> tuple[int | None, str]:
    """(550, "5.1.1") from how a diagnostic begins ("smtp; 550 5.1.1 no such user"); what stands further in is prose."""
    found = _REPLY.match(diagnostic.strip())
    return (int(found[1]) if found and found[1] else None, (found[2] or "") if found else "")


def judge_said(said: Said) -> tuple[BounceKind, str]:
    """Kind and status of one recipient. A telling code in the server's own reply wins over a general one (x.0.0)."""
    code, enhanced = reply_codes(said.diagnostic)
    first = said.status if _FORM.fullmatch(said.status) else ""
    status = enhanced if enhanced and (not first or first.endswith(".0.0")) else first
    kind = classify(action=said.action, status=status, code=code)
    if kind in {BounceKind.HARD, BounceKind.SOFT} and enhanced and classify(status=enhanced) is BounceKind.OURS:
        return BounceKind.OURS, enhanced  # the gateway's summary says "address", the server itself said "policy"
    return kind, status


def judge(report: Report, whom: Whom | None) -> Verdict:
    """What follows from `report` about `whom` (None: nobody we know)."""
    match report.source:
        case None:
            return Verdict(kind=BounceKind.UNKNOWN, keep=Folder.UNREADABLE if report.machine else Folder.REPLIES)
        case BounceSource.REPLY:
            return Verdict(kind=BounceKind.AUTO_REPLY)
        case BounceSource.ARF:
            return _complaint(report, whom)
        case _:
            return _failure(report, whom)


def _complaint(report: Report, whom: Whom | None) -> Verdict:
    if report.feedback not in _COMPLAINTS:
        return Verdict(kind=BounceKind.UNKNOWN, keep=Folder.REPLIES)
    if whom is None or not whom.signed:  # anybody could write it, so a person decides
        return Verdict(kind=BounceKind.UNKNOWN, keep=Folder.UNMATCHED if whom is None else Folder.UNSIGNED)
    return Verdict(kind=BounceKind.COMPLAINT, text=report.feedback, stop=SuppressionReason.COMPLAINT)


def _failure(report: Report, whom: Whom | None) -> Verdict:
    if whom is None:
        return Verdict(kind=BounceKind.UNKNOWN, keep=Folder.UNMATCHED)
    said = next((one for one in report.said if one.names(whom.address)), report.said[0])
    kind, status = judge_said(said)
    if kind is BounceKind.HARD and not (whom.signed and report.source is BounceSource.DSN and said.names(whom.address)):
        kind = BounceKind.SOFT  # anybody could write it, or it is about another address: one they had, or forward to
    stop = SuppressionReason.HARD_BOUNCE if kind is BounceKind.HARD else None
    return Verdict(kind=kind, status=status, text=said.diagnostic[:TEXT_LIMIT], stop=stop)


def soft_stops(scores: Sequence[bool]) -> bool:
    """Three soft bounces among the last five editions, the newest first. A message that got through wears them down."""
    return sum(scores[:SOFT_WINDOW]) >= SOFT_STOPS
