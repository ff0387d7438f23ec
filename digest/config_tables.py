"""The tables of config.toml: every key with its kind and its default. What they mean stands in config.example.toml."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from digest.config_brand import Accent, DarkAccent, Fonts, LogoPlace, LogoSize
from digest.config_mail import Addresses, Audience, Bounces, Domains, Host, Mailbox, MailSource, OptionalMailbox
from digest.config_values import (
    Canary,
    Clock,
    Country,
    Days,
    Events,
    Line,
    Listen,
    Names,
    Networks,
    Patterns,
    Proxies,
    Quiet,
    Secret,
    Selector,
    SiteUrl,
    WebUrl,
    Zone,
)
from digest.domain.brand import OURS


class Keys(BaseModel):
    """A table: unknown keys are errors, values keep their kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_by_name=True, validate_by_alias=True)


class Site(Keys):
    """[site]: the name and place of it all."""

    name: Line = "The Weekly Letter"
    company: Line = "our company"
    url: SiteUrl = "http://127.0.0.1:8080"
    timezone: Zone = "UTC"
    address: str = ""
    policy_url: WebUrl = ""
    templates: Line = ""


class Brand(Keys):
    """[brand]: the company's own look."""

    name: Line = ""
    logo: LogoPlace = ""
    logo_size: LogoSize = ""
    accent: Accent = OURS
    accent_dark: DarkAccent = ""
    fonts: Fonts = "serif"
    corner: int = Field(default=2, ge=0, le=22)
    tone: Literal["personal", "reserved"] = "personal"

    @model_validator(mode="after")
    def _sized(self) -> Self:
        if self.logo.startswith("https://") and not self.logo_size:
            raise PydanticCustomError("disagreed", 'brand.logo_size: found "", needed for a logo elsewhere: how large it is drawn, such as "160x40"')
        return self


class Database(Keys):
    """[database]: where the rows live."""

    url: str = "sqlite:///digest.db"


class Content(Keys):
    """[content]: the queue, one file or a folder of files."""

    queue: str = "queue.toml"
    faces: str = ""


class Sender(Keys):
    """[sender]: whom the letter is from."""

    sender: Mailbox = Field(default="The Weekly Letter <digest@example.com>", alias="from")
    reply_to: OptionalMailbox = ""
    bounces: Bounces = ""


class Smtp(Keys):
    """[smtp]: the relay that takes our messages, and the first of the transports."""

    host: Host = "127.0.0.1"
    port: int = Field(default=25, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "none"
    username: str = ""
    password: str = Field(default="", repr=False)
    ca_file: str = ""
    connections: int = Field(default=4, ge=1, le=64)
    per_second: int = Field(default=0, ge=0)
    per_minute: int = Field(default=0, ge=0)
    per_day: int = Field(default=0, ge=0)
    weight: int = Field(default=1, ge=0, le=1000)


class Transport(Smtp):
    """[transports.NAME]: one more relay, for some domains or for a share of everybody."""

    host: Host = Field()  # unlike the first, which may be the mail server of this machine, it must be named
    domains: Domains = ()


class Schedule(Keys):
    """[schedule]: when the week goes out."""

    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "tuesday"
    time: Clock = "09:00"
    zone: Literal["employee", "site"] = "employee"
    approval: Literal["automatic", "required"] = "automatic"
    plan_hours: int = Field(default=24, ge=1, le=144)
    catch_up_hours: int = Field(default=24, ge=0, le=144)
    quiet: Quiet = "21:00-06:00"
    holidays: Literal["next", "skip", "ignore"] = "next"
    closed: Days = ()


class Delivery(Keys):
    """[delivery]: what happens when the wire fails."""

    on_doubt: Literal["hold", "resend"] = "hold"
    deadline_hours: int = Field(default=48, ge=1, le=144)
    grace_seconds: int = Field(default=30, ge=0, le=600)
    canary: Canary = 0
    canary_minutes: int = Field(default=15, ge=1, le=1440)
    only: Audience = ()


class Inbound(Keys):
    """[inbound]: where answers to the letter and reports about it arrive."""

    mailbox: MailSource = ""
    password: str = Field(default="", repr=False)
    kept: str = "inbound"
    trusted_servers: Domains = ()


class Ledger(Keys):
    """[ledger]: you asked, we answered."""

    printed: int = Field(default=4, ge=1, le=20)


class Dkim(Keys):
    """[dkim]: signing by us; most relays sign by themselves."""

    domain: Line = ""
    selectors: dict[Selector, str] = Field(default={})


class Web(Keys):
    """[web]: where the pages listen."""

    listen: Listen = "127.0.0.1:8080"
    trusted_proxies: Proxies = ()
    metrics: Networks = ("127.0.0.1", "::1")
    spool_folder: str = ""
    spool_megabytes: int = Field(default=256, ge=1, le=100_000)


class Sharing(Keys):
    """[sharing]: networks, in the order of the share page, and what stands in every shared text."""

    networks: Names = ("linkedin", "x", "facebook", "threads", "bluesky", "mastodon", "whatsapp", "email")
    networks_file: str = ""
    link: Literal["short", "canonical"] = "short"
    disclosure: str = ""
    caption_uses: int = Field(default=20, ge=0, le=100_000)


class Rules(Keys):
    """[tracking.rules]: where behaviour stops looking human; the same names as `Thresholds`."""

    burst: int = Field(default=4, ge=2, le=1000)
    burst_seconds: float = Field(default=15, ge=0, le=86_400)
    quick_seconds: float = Field(default=10, ge=0, le=86_400)
    slow_burst: int = Field(default=8, ge=2, le=1000)
    slow_seconds: float = Field(default=600, ge=0, le=86_400)
    many_links: int = Field(default=5, ge=2, le=1000)
    many_seconds: float = Field(default=60, ge=0, le=86_400)
    share_of_links: float = Field(default=0.6, gt=0, le=1)
    share_at_least: int = Field(default=6, ge=2, le=1000)
    share_at_least_silent: int = Field(default=4, ge=2, le=1000)
    share_hours_quick: float = Field(default=1.5, ge=0, le=168)
    share_hours: float = Field(default=24, ge=0, le=168)
    calm_links: int = Field(default=3, ge=0, le=1000)
    calm_browsers: int = Field(default=2, ge=0, le=1000)
    neighbour_seconds: float = Field(default=60, ge=0, le=86_400)
    damaged_seconds: float = Field(default=60, ge=0, le=86_400)
    double_seconds: float = Field(default=60, ge=0, le=86_400)
    instant_seconds: float = Field(default=10, ge=0, le=86_400)
    silent_minutes: float = Field(default=10, ge=0, le=1440)
    network_minutes: float = Field(default=10, ge=0, le=1440)
    stale_days: float = Field(default=60, ge=1, le=3650)
    old_majors: int = Field(default=50, ge=1, le=1000)


class Tracking(Keys):
    """[tracking]: what pressing a link leaves behind."""

    mode: Literal["individual", "aggregate", "off"] = "individual"
    consent: Literal["opt-out", "opt-in"] = "opt-out"
    durability: Literal["auto", "journal", "database"] = "auto"
    keep_days: int = Field(default=90, ge=1, le=800)
    country_database: str = ""
    company_networks: Networks = ()
    honeypot: bool = False
    rules: Rules = Rules()


class Conversions(Keys):
    """[conversions]: what visits led to, as your own systems tell it."""

    hosts: Domains = ()
    secret: Secret = Field(default="", repr=False)
    events: Events = ("reply", "meeting", "candidate", "lead", "sale")


class Privacy(Keys):
    """[privacy]: the smallest group a figure may speak of."""

    minimum_group: int = Field(default=5, ge=3, le=100)


class Colleagues(Keys):
    """[colleagues]: how often people may write to one another by the letter."""

    letters: int = Field(default=5, ge=0, le=100)
    received: int = Field(default=20, ge=1, le=1000)
    passes: int = Field(default=10, ge=0, le=100)


class Moderation(Keys):
    """[moderation]: who decides about what employees give, by when, and what always needs a look."""

    editors: Addresses = ()
    approvers: Addresses = ()
    admins: Addresses = ()
    decide_days: int = Field(default=3, ge=1, le=30)
    country: Country = ""
    per_day: int = Field(default=5, ge=1, le=100)
    longest: int = Field(default=4000, ge=200, le=5000)
    links: int = Field(default=3, ge=0, le=20)
    customers: Names = ()
    words: Names = ()
    patterns: Patterns = ()
    figures: bool = True
    people: bool = True

    @model_validator(mode="after")
    def _decided(self) -> Self:
        if self.editors and not (self.approvers or self.admins):
            raise PydanticCustomError(
                "disagreed", "moderation.approvers: found [], needed somebody once there are editors: else nobody could accept a post"
            )
        return self


class Budget(Keys):
    """[budget]: how long a letter may be; `digest edition lint` measures it."""

    words_from: int = Field(default=250, ge=0, le=5000)
    words_to: int = Field(default=500, ge=1, le=10_000)
    posts_from: int = Field(default=3, ge=0, le=12)
    posts_to: int = Field(default=5, ge=1, le=12)
    links: int = Field(default=36, ge=5, le=200)
    html_bytes: int = Field(default=90_000, ge=30_000, le=100_000)


class Mix(Keys):
    """[mix]: colleagues first. Kept per selection, by capping."""

    colleague_share: float = Field(default=0.5, ge=0, le=1)
    curated: int = Field(default=2, ge=0, le=10)
    posts: int = Field(default=5, ge=1, le=12)
    inside: int = Field(default=1, ge=0, le=5)
    spares: int = Field(default=3, ge=0, le=10)
    repeats: int = Field(default=3, ge=1, le=10)
    at_least: int = Field(default=3, ge=1, le=12)
    saturation: int = Field(default=3, ge=0, le=1000)
    when_missing: Literal["warn", "stop"] = "warn"
