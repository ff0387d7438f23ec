"""What every message of an edition has on its outside: sender, list, and the secrets that sign its links."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import parseaddr


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """The sender's side of each message, frozen with the edition."""

    from_name: str
    from_address: str
    reply_to: str  # an address that somebody reads; "" means the sender's
    list_name: str
    list_id: str  # "digest.example.com": stable, so that people can filter (RFC 2919)
    message_id_domain: str  # the sender's own domain, never the machine's name


def envelope(*, sender: str, reply_to: str, list_name: str) -> Envelope:
    """The envelope of `sender` ("Name <address>", which the configuration has checked)."""
    name, address = parseaddr(sender)
    domain = address.rpartition("@")[2].lower()
    return Envelope(
        from_name=name,
        from_address=address,
        reply_to=parseaddr(reply_to)[1],
        list_name=list_name,
        list_id=f"digest.{domain}",
        message_id_domain=domain,
    )


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The secrets that sign a message's own links and its Message-ID; the newest of each purpose."""

    control: bytes = field(repr=False)
    unsubscribe_id: int
    unsubscribe: bytes = field(repr=False)
    message_id: bytes = field(repr=False)
