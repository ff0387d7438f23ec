"""The relay as plain values: where it is, how to log in, how long to wait for what."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Literal

from digest.domain.routing import Route
from digest.domain.throttle import Limit, Per


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds to wait in each phase. A wait cut short before the final dot is a certain retry; after it, it makes doubt.

    Source: RFC 5321, 4.5.3.2. Only the steps before a message was named are shorter than asked there.
    """

    connect: float = 30
    greeting: float = 60
    command: float = 60
    mail: float = 300
    rcpt: float = 300
    data: float = 120
    block: float = 180
    dot: float = 600


@dataclass(frozen=True, kw_only=True)
class Relay:
    """One SMTP relay with its login and limits; `name` is the transport's."""

    host: str
    port: int
    name: str = "smtp"
    domains: frozenset[str] = frozenset()  # of recipients; none: it belongs to the pool for everybody else
    weight: int = 1
    security: Literal["none", "starttls", "tls"] = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    connections: int = 4
    per_second: int = 0  # messages; 0: no limit
    per_minute: int = 0
    per_day: int = 0
    messages_per_connection: int = 500
    tls: ssl.SSLContext | None = None  # None: the system's certificate authorities
    timeouts: Timeouts = Timeouts()

    @property
    def place(self) -> str:
        """`host:port`, as people read it."""
        return f"{self.host}:{self.port}"

    @property
    def table(self) -> str:
        """Its table in config.toml."""
        return "smtp" if self.name == "smtp" else f"transports.{self.name}"

    @property
    def route(self) -> Route:
        """What decides which messages it carries."""
        return Route(name=self.name, domains=self.domains, weight=self.weight)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Its limits, the shortest span first."""
        said = {Per.SECOND: self.per_second, Per.MINUTE: self.per_minute, Per.DAY: self.per_day}
        return tuple(Limit(per=per, most=most) for per, most in said.items() if most)
