"""What the pages need of the configuration, as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from digest.domain.brand import Brand
from digest.domain.moderation import Rules
from digest.domain.share import Network
from digest.domain.visitor import DEFAULTS, ScannerNetwork, Thresholds
from digest.files.logo import LogoFile
from digest.pipeline.contribution_look import Look, look
from digest.pipeline.tracking import Mode, Networks, TrackingSettings, nowhere


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """Plain values for `make_app`."""

    site_url: str  # public base of every link, without a trailing slash; never taken from a request
    company: str
    networks: tuple[Network, ...]  # every network that has a letter, offered or not
    site_name: str = "The Weekly Letter"
    policy_url: str = ""
    keep_days: int = 90
    tracking: str = "individual"  # individual | aggregate | off
    opt_in: bool = False
    short: bool = True  # False: shared texts carry the article's own address
    caption_uses: int = 20  # how often a ready caption is handed out in one edition; 0: never
    trusted_proxies: tuple[str, ...] = ()  # addresses, networks, or "unix"
    metrics: tuple[str, ...] = ()  # addresses and networks that may read /metrics
    spool: Path | None = None  # where presses wait while the database is away; None: they are refused
    spool_octets: int = 256 * 2**20
    journal: bool = False  # presses are answered when they stand there, and reach the database moments later
    thresholds: Thresholds = DEFAULTS
    scanners: tuple[ScannerNetwork, ...] = ()
    honeypot: bool = False  # the mails hold a link that no person sees
    company_networks: Networks = ()  # that our own people browse from
    click_hosts: frozenset[str] = frozenset()  # hosts of articles whose visitors carry a click id
    country: Callable[[str], str] = nowhere  # of a visitor's address
    conversions_secret: str = field(default="", repr=False)  # "": no conversions are taken in
    conversion_events: tuple[str, ...] = ()
    minimum_group: int = 5  # people that a figure speaks of at least
    letters: int = 5  # that one person may write to colleagues in a day
    received: int = 20  # that one person gets in a day
    passes: int = 10  # internal posts that one person passes on in a day
    brand: Brand = field(default_factory=Brand)
    logo: LogoFile | None = None  # served from our own address
    templates: Path | None = None  # a folder whose pages win over ours
    hour: str = "09:00"  # when everybody's letter is due, on its day
    quiet: str = ""  # "21:00-06:00": hours that nobody may choose
    moderation: Rules = field(default_factory=Rules)
    offered: tuple[tuple[str, str], ...] = ()  # (name, label) of the networks that people share to, in their order
    look: Look = look  # at a page that somebody names

    def for_tracking(self) -> TrackingSettings:
        """The part that tracking needs."""
        return TrackingSettings(
            site_url=self.site_url,
            networks=self.networks,
            mode=Mode(self.tracking),
            opt_in=self.opt_in,
            short=self.short,
            thresholds=self.thresholds,
            scanners=self.scanners,
            honeypot=self.honeypot,
            company_networks=self.company_networks,
            click_hosts=self.click_hosts,
            country=self.country,
        )
