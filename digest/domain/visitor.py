"""Who followed a link: a person, probably not, a machine, or a network's link preview.

Mail gateways press every link of a message, with the browser names of people; so behaviour decides and names help.
A class never changes the response. Every threshold is a starting value without field data: a setting.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, NamedTuple

RULES_VERSION = 2


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


class Audience(StrEnum):
    """Whose visit to a short link it was, as far as can be told; only outsiders are reach."""

    OWN = "own"  # whoever made the link looks at it
    COLLEAGUE = "colleague"  # from the company's own network
    OUTSIDE = "outside"  # anybody else


def audience(reasons: Collection[str]) -> Audience:
    """Whose visit it was, by the reasons of its verdict."""
    return next((mine for mine in (Audience.OWN, Audience.COLLEAGUE) if mine in reasons), Audience.OUTSIDE)


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Where behaviour stops looking human. What each means stands in config.example.toml, [tracking.rules]."""

    burst: int = 4
    burst_seconds: float = 15
    quick_seconds: float = 10
    slow_burst: int = 8
    slow_seconds: float = 600
    many_links: int = 5
    many_seconds: float = 60
    share_of_links: float = 0.6
    share_at_least: int = 6
    share_at_least_silent: int = 4
    share_hours: float = 24
    share_hours_quick: float = 1.5
    calm_links: int = 3
    calm_browsers: int = 2
    neighbour_seconds: float = 60
    damaged_seconds: float = 60
    double_seconds: float = 60
    instant_seconds: float = 10
    silent_minutes: float = 10
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
    for entry in catalogue:
        if is_within(address, (entry.network,)):
            return f"{'certain' if entry.certain else 'probable'}:{entry.label}"
    return ""


def is_within(address: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """True when an address belongs to one of the networks; an IPv4 address may come dressed as IPv6."""
    found = _parsed(address)
    return found is not None and any(network.version == found.version and found in network for network in networks)


@lru_cache(maxsize=4096)
def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(address)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return found if mapped is None else mapped


# Names in lower case, and literal from their first letter: so an expression passes over a browser's name in a microsecond instead of twenty.
_UNFURLER = re.compile(
    r"slackbot|slack-imgproxy|skypeuripreview|telegrambot|linkedinbot|facebookexternalhit|meta-externalagent|facebookcatalog"
    r"|bluesky cardyb|twitterbot|mastodon/|pleroma|misskey|discordbot|pinterestbot|redditbot|embedly|iframely|vkshare|line-poker"
    r"|xing-contenttabreceiver"
)
_UNFURLERS_BEGIN = ("whatsapp/",)
_BOT = re.compile(
    r"bot(?<!cubot)\b|crawl|spider|slurp|headless|phantomjs|python-|aiohttp|go-http-client|libwww|okhttp|axios/"
    r"|scanner|safelinks|googleimageproxy|monitor|preview|validator|archiver"
)
_BOTS_BEGIN = ("curl/", "wget/", "httpx", "java/", "node")
_ALIKE = str.maketrans("İıſ", "iis")  # letters that pass for others
_BARE = "mozilla/5.0"  # no browser says that and nothing else
_BROWSER = re.compile(r"(Chrome|Firefox)/(\d{1,4})\.")
_WEBKIT = re.compile(r"(?:iPhone OS|CPU OS|Version)[ /](\d{1,3})[._](\d{1,3})?")
_TELLS = {"Chrome": 80, "Firefox": 90}  # the first majors that send Sec-Fetch-Mode with every request
_WEBKIT_TELLS = (16, 4)
_MAJOR_100 = date(2022, 3, 29)  # Chrome 100; Firefox stood two majors behind; both add about twelve a year
_DAYS_A_MAJOR = 30.4


class _Agent(NamedTuple):
    """What a browser's name says."""

    kind: str  # unfurler | bot_ua | empty_ua | ""
    major: int | None = None  # of Chrome or Firefox
    tells: bool = False  # a browser so young that it says when it navigates (Fetch Metadata)


@lru_cache(maxsize=4096)
def _agent(agent: str) -> _Agent:
    agent = agent[:512]
    if not agent.strip():
        return _Agent("empty_ua")
    plain = agent.translate(_ALIKE).lower()
    if plain.startswith(_UNFURLERS_BEGIN) or _UNFURLER.search(plain):
        return _Agent("unfurler")
    if plain == _BARE or plain.startswith(_BOTS_BEGIN) or _BOT.search(plain):
        return _Agent("bot_ua")
    found = _BROWSER.search(agent)
    if found:
        return _Agent("", int(found[2]), int(found[2]) >= _TELLS[found[1]])
    webkit = _WEBKIT.search(agent)
    return _Agent("", None, webkit is not None and (int(webkit[1]), int(webkit[2] or 0)) >= _WEBKIT_TELLS)


def navigated(signals: Mapping[str, Any]) -> bool:
    """True when a browser says that a person's action opened a page; its absence is weak evidence."""
    return signals.get("mode") == "navigate" and signals.get("dest", "document") == "document"


def _silent(signals: Mapping[str, Any], agent: _Agent) -> bool:
    """True when a browser that always says how it came says nothing: somebody else uses its name."""
    return agent.tells and not any(name in signals for name in ("mode", "dest", "site", "user"))


def classify(signals: Mapping[str, Any], at: datetime, rules: Thresholds = DEFAULTS) -> Verdict:
    """What one event says about itself; the first group of rules that fires decides.

    `signals`: method, ua, mode, dest, user, site, purpose, mutated, junk, honeypot, net (label of a filter's network), age
    (seconds since the mail server accepted the message), own (the owner's own browser), inside (the company's network).
    """
    agent = _agent(str(signals.get("ua", "")))
    if agent.kind == "unfurler":
        return _PREVIEW
    certain = _certain(signals, agent, rules)
    if certain:
        return Verdict(visitor=VisitorClass.MACHINE, reasons=tuple(certain))
    probable = _probable(signals, agent, at, rules)
    return Verdict(visitor=VisitorClass.PROBABLE, reasons=tuple(probable)) if probable else _HUMAN


_PREVIEW = Verdict(visitor=VisitorClass.PREVIEW, reasons=("unfurler",))
_HUMAN = Verdict(visitor=VisitorClass.HUMAN)


def _certain(signals: Mapping[str, Any], agent: _Agent, rules: Thresholds) -> list[str]:
    found = []
    if signals.get("method") in {"HEAD", "OPTIONS"}:
        found.append("method")
    if signals.get("purpose"):
        found.append("prefetch")
    if signals.get("honeypot"):
        found.append("honeypot")
    if "net" in signals and str(signals["net"]).startswith("certain:"):
        found.append("network_certain")
    if agent.kind in {"bot_ua", "empty_ua"}:
        found.append(agent.kind)
    if signals.get("junk"):
        found.append("mutated")
    age = signals.get("age")
    if age is not None and age > rules.stale_days * 86400 and not navigated(signals):
        found.append("stale")
    return found


def _probable(signals: Mapping[str, Any], agent: _Agent, at: datetime, rules: Thresholds) -> list[str]:
    age = signals.get("age")
    found = []
    if age is not None and age >= 0:
        if age < rules.instant_seconds:
            found.append("instant")
        if age <= rules.silent_minutes * 60 and _silent(signals, agent):
            found.append("silent")
        if age <= rules.network_minutes * 60 and str(signals.get("net", "")).startswith("probable:"):
            found.append("network_probable")
    if agent.major is not None and _newest(at.date()) - agent.major > rules.old_majors:
        found.append("old_ua")
    if signals.get("own"):
        found.append("own")
    elif signals.get("inside"):
        found.append("colleague")
    return found


@lru_cache(maxsize=64)
def _newest(day: date) -> float:
    """The major version that browsers had reached by then, about."""
    return 100 + (day - _MAJOR_100).days / _DAYS_A_MAJOR
