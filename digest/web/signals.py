"""What a request says about who sent it: raw signals, and the address behind trusted proxies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

_LONGEST_AGENT = 512
_LONGEST_REFERRER = 1024
_SIGNALS = {
    b"sec-fetch-mode": "mode",
    b"sec-fetch-dest": "dest",
    b"sec-fetch-user": "user",
    b"sec-fetch-site": "site",
    b"sec-purpose": "purpose",
    b"purpose": "purpose",
    b"x-moz": "purpose",
    b"sec-ch-ua-mobile": "mobile",
}
_WANTED = {b"user-agent", b"x-forwarded-for", b"referer", *_SIGNALS}
_PHONE = ("iphone", "ipod", "windows phone")


class Proxies:
    """The proxies whose word on a client's address is taken."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._unix = "unix" in trusted
        self._networks = tuple(ip_network(text, strict=False) for text in trusted if text != "unix")

    def client(self, peer: str, forwarded: str) -> str:
        """The right-most hop that is no trusted proxy; `peer` when that one is not trusted or the header is junk."""
        if not forwarded or not self._trusts(peer):
            return peer
        found = peer
        for hop in reversed(forwarded.split(",")):
            parsed = _address(hop)
            if parsed is None:
                return found
            found = parsed
            if not self._trusts(found):
                return found
        return found

    def _trusts(self, address: str) -> bool:
        return self._unix if not address else _inside(address, self._networks)


@lru_cache(maxsize=1024)
def _inside(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if parsed.version == 6 and parsed.ipv4_mapped is not None:  # noqa: PLR2004 - the version of IPv6
        parsed = parsed.ipv4_mapped
    return any(parsed.version == network.version and parsed in network for network in networks)


def _address(hop: str) -> str | None:
    """An address out of `1.2.3.4`, `1.2.3.4:5`, `2001:db8::1`, `[2001:db8::1]:5`; None for anything else."""
    text = hop.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def wanted(scope: Mapping[str, Any]) -> dict[bytes, bytes]:
    """The headers that signals are made of; a repeated one is joined by commas."""
    return _wanted(scope["headers"])


def _wanted(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _WANTED:
            found[name] = found[name] + b"," + value if name in found else value
    return found


class Head:
    """What the headers of a request for a link say; a gateway sends the same ones with every link of a message, and they are read once."""

    def __init__(self, method: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.method = method
        self.headers = tuple(headers)
        self.asked = _wanted(self.headers)
        self.forwarded = self.asked.get(b"x-forwarded-for", b"").decode("latin-1")
        self.referrer = referrer_host(self.asked)
        self.signals = signals({"method": method}, self.asked)  # shared by all its presses


def text(value: bytes, longest: int = _LONGEST_AGENT) -> str:
    """A header as clean text: UTF-8 where it is, no control characters, cut."""
    said = value[: 4 * longest].decode("utf-8", "replace")
    return (said if said.isprintable() else "".join(c for c in said if c.isprintable()))[:longest]


def signals(scope: Mapping[str, Any], headers: Mapping[bytes, bytes], *, mutated: bool = False, junk: bool = False) -> dict[str, Any]:
    """The raw signals of a request; what is absent takes no room."""
    found: dict[str, Any] = {"method": scope["method"], "ua": _agent(headers.get(b"user-agent", b""))}
    for name, short in _SIGNALS.items():
        value = headers.get(name)
        if value:
            found[short] = text(value, 40)
    if mutated:
        found["mutated"] = True
    if junk:
        found["junk"] = True
    return found


@lru_cache(maxsize=1024)
def _agent(value: bytes) -> str:
    return text(value)


def on_phone(headers: Mapping[bytes, bytes]) -> bool:
    """True for a phone: the browser's own hint, else its name."""
    hint = headers.get(b"sec-ch-ua-mobile")
    if hint:
        return hint.strip() == b"?1"
    agent = _agent(headers.get(b"user-agent", b"")).lower()
    return any(name in agent for name in _PHONE) or ("android" in agent and "mobile" in agent)


def referrer_host(headers: Mapping[bytes, bytes]) -> str:
    """The host of a referrer, and nothing else of it."""
    value = headers.get(b"referer")
    if not value or len(value) > _LONGEST_REFERRER:
        return ""
    try:
        host = urlsplit(text(value, _LONGEST_REFERRER)).hostname or ""
    except ValueError:
        return ""
    return host[:255] if host.isascii() and all(c.isalnum() or c in ".-" for c in host) else ""


def preferred_language(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """The first language of `Accept-Language`, or ""."""
    value = next((value for name, value in headers if name == b"accept-language"), b"")
    return text(value, 40).partition(",")[0].partition(";")[0].strip()
