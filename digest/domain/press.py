"""A press: somebody followed one of our links. Whom it counts for, and what it may lead to."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

EVERYONE = "group:everyone"  # owns the short links of people who are not measured
NOBODY = "nobody"  # the group of people who are not measured: they share one token, and it counts nothing
ERASED = "~e"  # begins what stands for the token of somebody who was erased


class Kind(StrEnum):
    """Which family of links was followed."""

    READ = "read"  # /r/: from the message to the article
    SHARE = "share"  # /s/: from the message towards a network
    VISIT = "visit"  # /l/: by anyone, from a shared post


READ, SHARE, VISIT = Kind  # by themselves: in CPython 3.11 to look a member up takes ten times as long, and each press is asked often


class Press(NamedTuple):
    """One request for a link, as it came in. A tuple, because one is made for each."""

    kind: Kind
    at: datetime
    key: str  # the token, or the slug
    n: int = 0
    letter: str = ""  # of the network, on /s/
    counts: bool = True  # False for HEAD: the same answer, no event
    address: str = ""  # hashed before it reaches the disk
    referrer_host: str = ""
    signals: Mapping[str, Any] = MappingProxyType({})  # raw; never changed afterwards
    event: str = ""  # the id its event will have; one that stays makes it harmless to record twice


@dataclass(frozen=True, kw_only=True)
class LinkToken:
    """A share token's row and what is known about its owner."""

    token: str
    edition: int
    employee: int | None
    group: str | None
    numbers: frozenset[int] | None  # None: every public post of the edition
    expires_at: datetime
    revoked: bool
    measured: bool | None  # the person's own switch
    language: str = ""
    networks: str = ""  # letters of the person's own networks
    sent_at: datetime | None = None
    mastodon: str = ""  # the server the person named
    settled: bool = False  # nothing about it changes by itself: the mail server has the message, or there is none


@dataclass(frozen=True, kw_only=True)
class LinkedPost:
    """A post as its links see it now: frozen number and wall, current address."""

    edition: int
    n: int
    id: str
    title: str
    internal: bool
    url: str | None
    recalled: str | None
    public_from: datetime | None = None  # inside until then, to the second

    def inside(self, now: datetime) -> bool:
        """True while nothing of it may leave the house."""
        return self.internal or (self.public_from is not None and now < self.public_from)


class Standing(StrEnum):
    """What a link may do."""

    GO = "go"  # leads on and is counted
    UNATTRIBUTED = "unattributed"  # expired or revoked: leads on, counts for nobody
    INSIDE = "inside"  # an internal post has no share link
    PAUSED = "paused"  # the post was recalled, with a reason
    EXPIRED = "expired"  # too old, and what it led to is gone
    UNKNOWN = "unknown"  # none of ours, or not in this message

    leads: bool  # to the article

    def __init__(self, value: str) -> None:
        self.leads = value in {"go", "unattributed"}


GO, UNATTRIBUTED, INSIDE, PAUSED, EXPIRED, UNKNOWN = Standing


def standing(kind: Kind, token: LinkToken | None, post: LinkedPost | None, now: datetime) -> Standing:
    """What a link of the message may do now."""
    if token is None or post is None or not _in_message(token, post):
        return UNKNOWN
    if kind is SHARE and post.inside(now):
        return INSIDE
    if post.recalled is not None:
        return PAUSED
    over = token.revoked or now >= token.expires_at
    if post.url is None:
        return EXPIRED if over and not post.internal else UNKNOWN
    return UNATTRIBUTED if over else GO


def _in_message(token: LinkToken, post: LinkedPost) -> bool:
    return not post.internal if token.numbers is None else post.n in token.numbers


def agrees(measured: bool | None, *, opt_in: bool) -> bool:
    """True when what a person presses may be counted; their own switch wins over the installation."""
    return measured if measured is not None else not opt_in


def is_measured(token: LinkToken, *, opt_in: bool) -> bool:
    """True when clicks may stand beside this person's name."""
    return token.employee is not None and agrees(token.measured, opt_in=opt_in)


def is_counted(token: LinkToken, *, opt_in: bool) -> bool:
    """True when a press may leave anything behind: of a person who agrees, or of a group of people who do."""
    return token.group != NOBODY if token.employee is None else agrees(token.measured, opt_in=opt_in)


def owner(token: LinkToken, *, measured: bool) -> str:
    """Who owns the short link: the person, the group in aggregate mode, or everyone."""
    if measured:
        return f"employee:{token.employee}"
    return f"group:{token.group}" if token.group else EVERYONE


def source_hash(salt: bytes, address: str, agent: str, slug: str = "") -> str:
    """A browser at an address, for one day: without the day's salt nobody can work back to either.

    48 bits: of a hundred thousand browsers in a day two look alike once in 150 years, and an index of them stays small.
    """
    return urlsafe_b64encode(hmac.digest(salt, f"{address}\n{agent}\n{slug}".encode("utf-8", "replace"), "sha256")[:6]).decode("ascii")


def disguise(salt: bytes, token: str) -> str:
    """Stands for the token of somebody who is not measured: bursts can be seen for a day, the person never."""
    return "~" + hmac.digest(salt, f"token|{token}".encode(), "sha256").hex()[:32]
