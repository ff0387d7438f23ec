"""Tracking: how much a press leaves behind, as the configuration says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import ada_url

from digest.config import Config
from digest.domain.press import LinkToken, is_counted, is_measured
from digest.domain.share import Network
from digest.domain.visitor import DEFAULTS, RULES_VERSION, ScannerNetwork, Thresholds, Verdict
from digest.files.scanners import load_scanners
from digest.pipeline import networks

OWN_MINUTES = 10  # how long an owner's browser is known again on the own short link


Networks = tuple[IPv4Network | IPv6Network, ...]


class Mode(StrEnum):
    """How much a press leaves behind (`[tracking] mode`)."""

    INDIVIDUAL = "individual"  # beside the person, for that person's eyes only
    AGGREGATE = "aggregate"  # beside a group of at least k
    OFF = "off"  # nothing


_INDIVIDUAL, _OFF = Mode.INDIVIDUAL, Mode.OFF  # looked up once; see `digest.domain.press`


def nowhere(_address: str) -> str:
    """The country of every address while there is no database of them."""
    return ""


@dataclass(frozen=True, kw_only=True)
class TrackingSettings:
    """What tracking needs of the configuration."""

    site_url: str
    networks: tuple[Network, ...]  # every network that has a letter, offered or not: old links name them
    mode: Mode = Mode.INDIVIDUAL
    opt_in: bool = False
    short: bool = True  # False: shared texts carry the article's own address
    thresholds: Thresholds = DEFAULTS
    scanners: tuple[ScannerNetwork, ...] = ()
    honeypot: bool = False  # the mails hold a link that no person sees
    company_networks: Networks = ()  # a visit from one of these is a colleague's
    click_hosts: frozenset[str] = frozenset()  # hosts of articles whose visitors carry a click id, in ASCII
    country: Callable[[str], str] = nowhere  # of a visitor's address

    def measures(self, token: LinkToken) -> bool:
        """True when this token's clicks stand beside its person."""
        return self.mode is _INDIVIDUAL and is_measured(token, opt_in=self.opt_in)

    def counts(self, token: LinkToken) -> bool:
        """True when this token's clicks leave anything behind, beside its person or a group."""
        return self.mode is not _OFF and is_counted(token, opt_in=self.opt_in)


def tracking_settings(config: Config) -> TrackingSettings:
    """`[tracking]` and `[sharing]` with the bundled catalogues. Raises FileProblemsError for a broken catalogue."""
    return TrackingSettings(
        site_url=config.site.url,
        networks=networks.usable(config),
        mode=Mode(config.tracking.mode),
        opt_in=config.tracking.consent == "opt-in",
        short=config.sharing.link == "short",
        thresholds=thresholds(config),
        scanners=load_scanners(),
        honeypot=config.tracking.honeypot,
        company_networks=company_networks(config),
        click_hosts=in_ascii(config.conversions.hosts),
    )


def thresholds(config: Config) -> Thresholds:
    """Where behaviour stops looking human, by `[tracking.rules]`."""
    return Thresholds(**config.tracking.rules.model_dump())


def company_networks(config: Config) -> Networks:
    """The addresses that our own people browse from."""
    return tuple(ip_network(text, strict=False) for text in config.tracking.company_networks)


def in_ascii(hosts: Iterable[str]) -> frozenset[str]:
    """Host names as they stand in a redirect's address."""
    return frozenset(ada_url.idna_to_ascii(host).decode() for host in hosts)


def country_database(config: Config) -> Path | None:
    """The file that tells countries, or None."""
    return config.home / config.tracking.country_database if config.tracking.country_database else None


@lru_cache(maxsize=4096)
def employee_of(owner_name: str) -> int | None:
    """The person who owns a short link, or None for a group."""
    kind, _, number = owner_name.partition(":")
    return int(number) if kind == "employee" else None


def judged(verdict: Verdict) -> dict[str, Any]:
    """A verdict as an event's row keeps it."""
    return {"class": str(verdict.visitor), "reasons": list(verdict.reasons), "rules_version": RULES_VERSION}
