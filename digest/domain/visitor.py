"""Who followed a link: a person, probably not, a machine, or a network's link preview.

Mail gateways press every link of a message, with the browser names of people; so behaviour decides and names help.
A class never changes the response. Every threshold is a starting value without field data: a setting.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

RULES_VERSION = 1


class VisitorClass(StrEnum):
    """What we think of one event; the headline counts `human`."""

    PREVIEW = "preview"  # a network fetched the link for its card: it was put into a composer
    MACHINE = "machine"  # certainly no person
    PROBABLE = "probable"  # probably no person, possibly one
    HUMAN = "human"  # nothing speaks against a person


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A class and the names of the rules that led to it."""

    visitor: VisitorClass
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Where behaviour stops looking human."""

    burst: int = 4  # distinct posts of one message ...
    burst_seconds: float = 15
    slow_burst: int = 8
    slow_seconds: float = 600
    share_of_links: float = 0.6  # of a message's links ...
    share_at_least: int = 6  # ... if it is at least so many
    share_hours: float = 24
    calm_links: int = 3  # a browser that followed no more may be a person inside somebody else's burst
    neighbour_seconds: float = 60
    instant_seconds: float = 10
    network_minutes: float = 10
    stale_days: float = 60
    old_majors: int = 50


DEFAULTS = Thresholds()


@dataclass(frozen=True, kw_only=True)
class ScannerNetwork:
    """Addresses of a mail filter, and whether people ever come from them."""

    label: str
    certain: bool
    network: IPv4Network | IPv6Network


def network_label(address: str, catalogue: Sequence[ScannerNetwork]) -> str:
    """`certain:NAME` or `probable:NAME` of the filter an address belongs to, or ""."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if found.version == 6 and found.ipv4_mapped is not None:  # noqa: PLR2004 - the version of IPv6
        found = found.ipv4_mapped
    for entry in catalogue:
        if entry.network.version == found.version and found in entry.network:
            return f"{'certain' if entry.certain else 'probable'}:{entry.label}"
    return ""


_UNFURLER = re.compile(
    r"slackbot|slack-imgproxy|skypeuripreview|^whatsapp/|telegrambot|linkedinbot|facebookexternalhit|meta-externalagent|facebookcatalog"
    r"|bluesky cardyb|twitterbot|mastodon/|pleroma|misskey|discordbot|pinterestbot|redditbot|embedly|iframely|vkshare|line-poker"
    r"|xing-contenttabreceiver",
    re.IGNORECASE,
)
_BOT = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|headless|phantomjs|^curl/|^wget/|python-|aiohttp|^httpx|go-http-client|^java/|libwww|okhttp|^node|axios/"
    r"|scanner|safelinks|googleimageproxy|^mozilla/5\.0$|monitor|preview|validator|archiver",
    re.IGNORECASE,
)
_BROWSER = re.compile(r"(?:Chrome|Firefox)/(\d{1,4})\.")
_MAJOR_100 = date(2022, 3, 29)  # Chrome 100; Firefox stood two majors behind; both add about twelve a year
_DAYS_A_MAJOR = 30.4


@lru_cache(maxsize=4096)
def _agent(agent: str) -> tuple[str, int | None]:
    """The kind of browser name ("unfurler", "bot_ua", "empty_ua", "") and its major version."""
    agent = agent[:512]
    if not agent.strip():
        return "empty_ua", None
    if _UNFURLER.search(agent):
        return "unfurler", None
    if _BOT.search(agent):
        return "bot_ua", None
    found = _BROWSER.search(agent)
    return "", int(found.group(1)) if found else None


def navigated(signals: Mapping[str, Any]) -> bool:
    """True when a browser says that a person's action opened a page; its absence is weak evidence."""
    return signals.get("mode") == "navigate" and signals.get("dest", "document") == "document"


def classify(signals: Mapping[str, Any], at: datetime, rules: Thresholds = DEFAULTS) -> Verdict:
    """What one event says about itself; the first group of rules that fires decides.

    `signals`: method, ua, mode, dest, user, purpose, mutated, junk, net (label of a filter's network), age (seconds since
    the mail server accepted the message), own (the owner's own browser).
    """
    kind, major = _agent(str(signals.get("ua", "")))
    if kind == "unfurler":
        return Verdict(visitor=VisitorClass.PREVIEW, reasons=("unfurler",))
    certain = [name for name, fires in _certain(signals, kind, rules) if fires]
    if certain:
        return Verdict(visitor=VisitorClass.MACHINE, reasons=tuple(certain))
    probable = [name for name, fires in _probable(signals, major, at, rules) if fires]
    return Verdict(visitor=VisitorClass.PROBABLE if probable else VisitorClass.HUMAN, reasons=tuple(probable))


def _certain(signals: Mapping[str, Any], kind: str, rules: Thresholds) -> list[tuple[str, bool]]:
    age = signals.get("age")
    return [
        ("method", signals.get("method") in {"HEAD", "OPTIONS"}),
        ("prefetch", bool(signals.get("purpose"))),
        ("network_certain", str(signals.get("net", "")).startswith("certain:")),
        ("bot_ua", kind == "bot_ua"),
        ("empty_ua", kind == "empty_ua"),
        ("mutated", bool(signals.get("junk"))),
        ("stale", age is not None and age > rules.stale_days * 86400 and not navigated(signals)),
    ]


def _probable(signals: Mapping[str, Any], major: int | None, at: datetime, rules: Thresholds) -> list[tuple[str, bool]]:
    age = signals.get("age")
    newest = 100 + (at.date() - _MAJOR_100).days / _DAYS_A_MAJOR
    soon = age is not None and 0 <= age <= rules.network_minutes * 60
    return [
        ("instant", age is not None and 0 <= age < rules.instant_seconds),
        ("network_probable", soon and str(signals.get("net", "")).startswith("probable:")),
        ("old_ua", major is not None and newest - major > rules.old_majors),
        ("own", bool(signals.get("own"))),
    ]


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A stored click, as the retroactive rules look at it."""

    id: int
    at: datetime
    actor: str  # whose message it is: the token, in aggregate mode token and source
    n: int
    link: str  # kind and network: what of the post was pressed
    source: str
    signals: Mapping[str, Any]
    links: int | None = None  # how many links the message has; None: unknown


def classify_all(hits: Sequence[Hit], rules: Thresholds = DEFAULTS) -> dict[int, Verdict]:
    """The verdict on every hit, each seen among the others. The same hits give the same verdicts, however often."""
    ordered = sorted(hits, key=lambda hit: (hit.at, hit.id))
    verdicts = {hit.id: classify(hit.signals, hit.at, rules) for hit in ordered}
    actors: dict[str, list[Hit]] = defaultdict(list)
    sources: dict[str, list[Hit]] = defaultdict(list)
    for hit in ordered:
        actors[hit.actor].append(hit)
        sources[hit.source].append(hit)
    marked: dict[int, str] = {}
    for theirs in actors.values():
        marked |= _bursts(theirs, rules)
    for hit in ordered:
        if hit.id in marked:
            verdicts[hit.id] = _in_burst(hit, marked[hit.id], verdicts[hit.id], sources[hit.source], rules)
    _neighbours(sources, marked, verdicts, rules)
    return verdicts


def _bursts(hits: Sequence[Hit], rules: Thresholds) -> dict[int, str]:
    found: dict[int, str] = {}
    whole = max((hit.links or 0) for hit in hits)
    enough = max(rules.share_at_least, int(whole * rules.share_of_links) + 1)
    for name, seconds, least, by_link in (
        ("share_of_links", rules.share_hours * 3600, enough if whole else None, True),
        ("slow_burst", rules.slow_seconds, rules.slow_burst, False),
        ("burst", rules.burst_seconds, rules.burst, False),
    ):
        if least is not None:
            found |= dict.fromkeys(_dense(hits, seconds, least, by_link=by_link), name)
    return found


def _dense(hits: Sequence[Hit], seconds: float, least: int, *, by_link: bool) -> set[int]:
    """Ids of hits inside any window of `seconds` that holds at least `least` distinct posts (or links). One pass."""
    keys = [f"{hit.n}/{hit.link}" if by_link else str(hit.n) for hit in hits]
    seen: dict[str, int] = defaultdict(int)
    found: set[int] = set()
    first = marked = 0
    for last, hit in enumerate(hits):
        seen[keys[last]] += 1
        while hit.at - hits[first].at > timedelta(seconds=seconds):
            seen[keys[first]] -= 1
            if not seen[keys[first]]:
                del seen[keys[first]]
            first += 1
        if len(seen) >= least:
            marked = max(marked, first)
            found.update(one.id for one in hits[marked : last + 1])
            marked = last + 1
    return found


def _in_burst(hit: Hit, name: str, before: Verdict, same_source: Sequence[Hit], rules: Thresholds) -> Verdict:
    """A person may click while a scanner works: real navigation from a calm browser is at most probable."""
    if before.visitor in {VisitorClass.PREVIEW, VisitorClass.MACHINE}:
        return before
    if navigated(hit.signals):
        links = {(one.actor, one.n, one.link) for one in _around(same_source, hit.at, rules.slow_seconds)}
        if len(links) == 1:
            return before
        if len(links) <= rules.calm_links:
            return Verdict(visitor=VisitorClass.PROBABLE, reasons=(*before.reasons, name))
    return Verdict(visitor=VisitorClass.MACHINE, reasons=(name,))


def _around(hits: Sequence[Hit], at: datetime, seconds: float) -> Sequence[Hit]:
    span = timedelta(seconds=seconds)
    return hits[bisect_left(hits, at - span, key=lambda hit: hit.at) : bisect_right(hits, at + span, key=lambda hit: hit.at)]


def _neighbours(sources: Mapping[str, Sequence[Hit]], marked: Mapping[int, str], verdicts: dict[int, Verdict], rules: Thresholds) -> None:
    """Other people's links, followed by a machine's browser in the same minute, are probably its work too."""
    for hits in sources.values():
        bad = [hit for hit in hits if hit.id in marked and verdicts[hit.id].visitor is VisitorClass.MACHINE]
        for hit in hits if bad else ():
            if verdicts[hit.id].visitor is VisitorClass.HUMAN and any(
                one.actor != hit.actor for one in _around(bad, hit.at, rules.neighbour_seconds)
            ):
                verdicts[hit.id] = Verdict(visitor=VisitorClass.PROBABLE, reasons=("neighbour",))
