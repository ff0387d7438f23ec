"""A connection that tells what it met: what the server offers, and how it is encrypted. For tests and examinations by people."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from digest.domain.phase import Outcome
from digest.smtp.connection import Connection
from digest.smtp.relay import Relay


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """How a connection was encrypted."""

    protocol: str  # "TLSv1.3"
    until: datetime | None  # when the server's certificate ends; None when it was not asked for


class Look(Connection):
    """A connection to be looked at. `encryption` is None before TLS stands."""

    def __init__(self, relay: Relay) -> None:
        self.encryption: Encryption | None = None
        context = relay.tls or ssl.create_default_context()
        context.sslsocket_class = self._watching()
        super().__init__(replace(relay, tls=context))

    @property
    def offers(self) -> Mapping[str, str]:
        """What the last EHLO offered: keyword -> parameters."""
        return dict(self._offers)

    def open(self) -> Outcome:
        """As any connection does; what was met before is forgotten."""
        self.encryption = None
        return super().open()

    def _watching(self) -> type[ssl.SSLSocket]:
        look = self

        class Watching(ssl.SSLSocket):
            """Notes protocol and certificate as soon as the handshake is over."""

            def do_handshake(self, block: bool = False) -> None:
                super().do_handshake(block)
                ends = (self.getpeercert() or {}).get("notAfter")
                until = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if isinstance(ends, str) else None
                look.encryption = Encryption(protocol=self.version() or "TLS", until=until)

        return Watching
