"""What an SMTP reply means for a message, by the phase it came in. The table is data; the first row that fits decides.

A server must not accept a message without its final dot, so every break before the dot is certain; after it only a
readable reply is (RFC 1047, RFC 5321 4.2.5). Replies about the sender stop everybody, replies about the mailbox one person.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from digest.domain.message import FailReason, MessageState

TEXT_LIMIT = 250  # what an attempt keeps of the server's words
_SHUTDOWN, _STORAGE = 421, 552
_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})\b")


class Phase(StrEnum):
    """How far a transaction had come."""

    CONNECT = "connect"  # no connection yet
    GREETING = "greeting"  # connected; the server has not spoken
    EHLO = "ehlo"  # naming ourselves
    STARTTLS = "starttls"  # turning encryption on, certificates included
    AUTH = "auth"  # logging in
    MAIL = "mail"  # naming the sender
    RCPT = "rcpt"  # naming the recipient
    DATA = "data"  # asking to send the message
    BODY = "body"  # sending it; the final dot is not written
    DOT = "dot"  # the final dot is written: only a reply tells now


class Kind(StrEnum):
    """What came back."""

    ACCEPTED = "accepted"  # 2yz; 354 to DATA
    TEMPORARY = "temporary"  # 4yz
    PERMANENT = "permanent"  # 5yz
    BROKEN = "broken"  # refused, timed out, reset or closed
    UNREADABLE = "unreadable"  # bytes that are no SMTP reply


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The end of one try: where it ended, and what the server said."""

    phase: Phase
    kind: Kind
    code: int | None = None
    enhanced: str = ""  # "5.1.1" (RFC 3463), or "" when the server gave none
    text: str = ""  # cropped
    reused: bool = False  # the connection had carried a message before

    @property
    def accepted(self) -> bool:
        """True when the phase was passed."""
        return self.kind is Kind.ACCEPTED


class Event(StrEnum):
    """What a reply speaks of, read from its code and enhanced code."""

    ACCEPTED = "accepted"
    SHUTDOWN = "shutdown"  # 421: the server is closing
    SLOW_DOWN = "slow_down"  # 4.7.x: greylisting or a rate limit of the receiving domain
    TEMPORARY = "temporary"  # any other 4yz
    TOO_BIG = "too_big"  # over a size limit
    ADDRESS = "address"  # the mailbox does not exist
    SENDER = "sender"  # our own address is refused, so everybody's message is
    POLICY = "policy"  # a rule about us
    CANNOT = "cannot"  # 5.6.x: the relay cannot carry the message the way it is written
    PERMANENT = "permanent"  # any other 5yz
    BROKEN = "broken"
    UNREADABLE = "unreadable"


class Effect(StrEnum):
    """What happens to the connection and to the edition."""

    NONE = "none"  # carry on
    CLOSE = "close"  # this connection is finished
    PAUSE = "pause"  # the relay gets a moment of rest
    SLOW_DOMAIN = "slow_domain"  # three different employees in a row rest their domain
    SUSPECT = "suspect"  # three different employees open the breaker
    BREAKER = "breaker"  # the edition stops at once


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a message becomes, why, and what else follows."""

    state: MessageState
    reason: str
    effect: Effect


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table. `reused` None fits both."""

    phases: AbstractSet[Phase]
    events: AbstractSet[Event]
    state: MessageState
    reason: str
    effect: Effect
    reused: bool | None = None


_EVERY = frozenset(Event)
_OPENING = frozenset({Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.STARTTLS})
_OFFERED = frozenset({Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.BODY, Phase.DOT})
_LATER = _OFFERED - {Phase.MAIL}
_REFUSALS = frozenset({Event.TOO_BIG, Event.ADDRESS, Event.SENDER, Event.POLICY, Event.CANNOT, Event.PERMANENT})
_NOT_NOW = frozenset({Event.TEMPORARY, Event.SLOW_DOWN})
_LOST = frozenset({Event.BROKEN, Event.UNREADABLE})


def _row(
    phases: AbstractSet[Phase],
    events: AbstractSet[Event],
    state: MessageState,
    reason: str,
    effect: Effect,
    *,
    reused: bool | None = None,
) -> Row:
    return Row(phases=phases, events=events, state=state, reason=reason, effect=effect, reused=reused)


_M = MessageState
TABLE: tuple[Row, ...] = (
    _row(_OPENING, _EVERY, _M.QUEUED, "transport", Effect.PAUSE),
    _row({Phase.AUTH}, _REFUSALS, _M.QUEUED, "auth", Effect.BREAKER),
    _row({Phase.AUTH}, _EVERY, _M.QUEUED, "transport", Effect.PAUSE),
    _row({Phase.DOT}, {Event.ACCEPTED}, _M.SENT, "", Effect.NONE),
    _row(_OFFERED, {Event.SHUTDOWN}, _M.DEFERRED, "shutdown", Effect.PAUSE),
    _row({Phase.MAIL}, {Event.BROKEN}, _M.QUEUED, "", Effect.CLOSE, reused=True),  # an idle connection was dropped: nothing was offered
    _row({Phase.MAIL}, _LOST, _M.DEFERRED, "broken", Effect.PAUSE),  # nobody is named yet, so it is about the relay or us
    _row({Phase.MAIL}, _NOT_NOW, _M.DEFERRED, "try_later", Effect.PAUSE),
    _row({Phase.MAIL}, {Event.TOO_BIG}, _M.FAILED, FailReason.TOO_BIG, Effect.NONE),
    _row(_OFFERED, {Event.CANNOT}, _M.FAILED, FailReason.RELAY_CANNOT, Effect.NONE),
    _row({Phase.MAIL}, _REFUSALS, _M.QUEUED, "sender", Effect.BREAKER),
    _row({Phase.DOT}, {Event.BROKEN}, _M.IN_DOUBT, "no_reply", Effect.CLOSE),
    _row({Phase.DOT}, {Event.UNREADABLE, Event.ACCEPTED}, _M.IN_DOUBT, "unreadable", Effect.CLOSE),
    _row(_OFFERED, _LOST | {Event.ACCEPTED}, _M.DEFERRED, "broken", Effect.CLOSE),
    _row({Phase.RCPT}, {Event.SLOW_DOWN}, _M.DEFERRED, "slow_down", Effect.SLOW_DOMAIN),
    _row(_LATER, _NOT_NOW, _M.DEFERRED, "try_later", Effect.NONE),
    _row(_LATER, {Event.ADDRESS}, _M.FAILED, FailReason.ADDRESS, Effect.NONE),
    _row(_LATER, {Event.TOO_BIG}, _M.FAILED, FailReason.TOO_BIG, Effect.NONE),
    _row(_LATER, {Event.POLICY}, _M.FAILED, FailReason.POLICY, Effect.SUSPECT),
    _row({Phase.RCPT, Phase.DATA}, {Event.SENDER}, _M.QUEUED, "sender", Effect.BREAKER),
    _row(_LATER, {Event.SENDER}, _M.FAILED, FailReason.POLICY, Effect.BREAKER),
    _row(_LATER, {Event.PERMANENT}, _M.FAILED, FailReason.REFUSED, Effect.NONE),
)


def decide(outcome: Outcome) -> Decision:
    """The first row of the table that fits `outcome`; every outcome has one."""
    return _decided(outcome.phase, event_of(outcome), outcome.reused)


@cache
def _decided(phase: Phase, event: Event, reused: bool) -> Decision:
    for row in TABLE:
        if phase in row.phases and event in row.events and row.reused in {None, reused}:
            return Decision(state=row.state, reason=row.reason, effect=row.effect)
    raise AssertionError(phase, event)


def event_of(outcome: Outcome) -> Event:
    """What the reply speaks of. The enhanced code is more exact and wins over the plain one (RFC 3463)."""
    match outcome.kind:
        case Kind.TEMPORARY if outcome.code == _SHUTDOWN:
            return Event.SHUTDOWN
        case Kind.TEMPORARY:
            return Event.SLOW_DOWN if _parts(outcome.enhanced)[0] == _SECURITY else Event.TEMPORARY
        case Kind.PERMANENT:
            return _refusal(outcome, *_parts(outcome.enhanced))
        case _:
            return Event(outcome.kind.value)


_ADDRESSING, _MAILBOX, _CONTENT, _SECURITY = 1, 2, 6, 7
_SENDER_DETAILS = frozenset({7, 8})  # 5.1.7 and 5.1.8 speak of the sender's address, the others of the recipient's
_SIZES = frozenset({(2, 3), (3, 4)})


def _refusal(outcome: Outcome, subject: int | None, detail: int | None) -> Event:
    if subject is None:  # bare 552 at RCPT is a full mailbox (RFC 5321, 4.2.3), elsewhere our size
        return Event.TOO_BIG if outcome.code == _STORAGE and outcome.phase is not Phase.RCPT else Event.PERMANENT
    if (subject, detail) in _SIZES:
        return Event.TOO_BIG
    if subject == _ADDRESSING:
        return Event.SENDER if detail in _SENDER_DETAILS else Event.ADDRESS
    if (subject, detail) == (_MAILBOX, 1):
        return Event.ADDRESS
    return {_SECURITY: Event.POLICY, _CONTENT: Event.CANNOT}.get(subject, Event.PERMANENT)


def enhanced_code(text: str) -> str:
    """The enhanced status code that a reply's text starts with, or "" (RFC 2034, 4)."""
    found = _ENHANCED.match(text)
    return found.group(0).strip() if found else ""


def _parts(enhanced: str) -> tuple[int | None, int | None]:
    found = _ENHANCED.match(enhanced)
    return (int(found.group(2)), int(found.group(3))) if found else (None, None)
