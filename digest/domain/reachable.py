"""Which places of the internet we ask when a person or a page names one: public ones alone, on the ports of the web.

Whoever may name an address could else have us read what stands beside us: the cloud's metadata, the router, the database's console.
Networks: IANA's special-purpose registries for IPv4 and IPv6 (RFC 6890, as of 2026); the standard library's own list has gaps.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

WEB_PORTS = frozenset({80, 443, 8080, 8443})
_NEVER = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "a private network",
    "100.64.0.0/10": "the network of a provider",
    "127.0.0.0/8": "this machine",
    "168.63.129.16/32": "the metadata of a cloud",
    "169.254.0.0/16": "the link alone, where clouds keep their metadata",
    "172.16.0.0/12": "a private network",
    "192.0.0.0/24": "a protocol",
    "192.0.2.0/24": "an example",
    "192.31.196.0/24": "a protocol",
    "192.52.193.0/24": "a protocol",
    "192.88.99.0/24": "a way into another network",
    "192.168.0.0/16": "a private network",
    "192.175.48.0/24": "a protocol",
    "198.18.0.0/15": "a measurement",
    "198.51.100.0/24": "an example",
    "203.0.113.0/24": "an example",
    "224.0.0.0/4": "many machines",
    "240.0.0.0/4": "nobody yet",
}
_ONLY_6 = ipaddress.ip_network("2000::/3")  # all that has been given out; loopback, private, link and many-machine addresses lie outside
_NEVER_6 = {
    "2001::/23": "a protocol or a tunnel",  # Teredo, ORCHID and what else stands under it
    "2001:db8::/32": "an example",
    "2002::/16": "a way into another network",  # 6to4
    "2620:4f:8000::/48": "a protocol",
    "3fff::/20": "an example",
}
_INSIDE = frozenset({"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan"})  # last words of names
_CLOSED = tuple((ipaddress.ip_network(text), why) for text, why in (*_NEVER.items(), *_NEVER_6.items()))


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What may be asked; as it stands, the public web alone."""

    ports: frozenset[int] = WEB_PORTS  # empty: every port
    also: tuple[str, ...] = ()  # networks that are open although they are not public, "127.0.0.0/8": for tests

    def refuses(self, addresses: Iterable[str]) -> str:
        """Why a name with these addresses is not asked, "" when it may be. One closed address closes the name."""
        also = tuple(ipaddress.ip_network(text) for text in self.also)
        return next((why for text in addresses if (why := _closed(text, also))), "")

    def refuses_port(self, port: int) -> str:
        """Why this port is not asked, or ""."""
        return f"port {port}" if self.ports and port not in self.ports else ""


def _closed(text: str, also: tuple[Network, ...]) -> str:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "no address"
    if any(address.version == network.version and address in network for network in also):
        return ""
    if "%" in text:
        return "the link alone"
    if address.version == 6 and address not in _ONLY_6:  # noqa: PLR2004 - so are mapped (::ffff:0:0/96) and translated ones (64:ff9b::/96)
        return "a network that is not public"
    return next((why for network, why in _CLOSED if address.version == network.version and address in network), "")


def stays_inside(host: str) -> str:
    """Why nobody outside can open a page at `host`, written as browsers do, as far as its name tells; "" when they may."""
    name = host.strip("[]").rstrip(".").lower()
    if ":" in name or name.replace(".", "").isdigit():
        return _closed(name, ())
    if "." not in name:
        return "a name of one network"
    return "a name of one network" if name.rpartition(".")[2] in _INSIDE or name.endswith(".home.arpa") else ""
