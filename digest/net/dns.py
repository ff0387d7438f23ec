"""Questions to the DNS, each with an answer or with the reason why there is none."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.name
import dns.resolver
import dns.reversename

PATIENCE = 5.0  # seconds for one question, all tries together
_PORT = 53
_SERVER = re.compile(r"(?:\[([^]]*)\]|([0-9.]+))(?::([0-9]{1,5}))?")
_SILENCE = "no DNS server answered in time"
_ENOUGH = 2  # questions without an answer, after which nobody is asked any more


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the DNS said. No values and no problem: there is nothing of this kind."""

    values: tuple[str, ...] = ()
    problem: str = ""


class Dns:
    """A resolver: the system's, or one server ("192.0.2.1" or "192.0.2.1:53") to see what the world outside sees."""

    def __init__(self, nameserver: str = "", patience: float | None = None) -> None:
        self._problem = ""
        self._silences = 0  # questions in a row without any answer
        self._resolver = dns.resolver.Resolver(configure=False)
        if nameserver:
            host, port = server(nameserver)
            self._resolver.nameservers, self._resolver.port = [host], port
        else:
            try:
                self._resolver = dns.resolver.Resolver()
            except dns.resolver.NoResolverConfiguration:
                self._problem = "this machine names no DNS server"
        self._resolver.timeout, self._resolver.lifetime = (patience or PATIENCE) / 2, patience or PATIENCE

    @property
    def silent(self) -> bool:
        """True when nobody answers at all; further questions are then not asked."""
        return bool(self._problem)

    def txt(self, name: str) -> Answer:
        """The texts at `name`, each with its strings joined (RFC 7208, 3.3)."""
        return self._ask(name, "TXT", lambda data: b"".join(data.strings).decode("utf-8", "replace"))

    def mx(self, name: str) -> Answer:
        """The mail servers of `name`, the preferred one first; "." alone says that it takes no mail (RFC 7505)."""
        found = self._ask(name, "MX", lambda data: f"{data.preference:05} {_plain(data.exchange)}")
        return Answer(values=tuple(value.partition(" ")[2] for value in sorted(found.values)), problem=found.problem)

    def addresses(self, name: str) -> Answer:
        """The addresses of `name`, IPv4 first."""
        found = [self._ask(name, kind, lambda data: str(data.address)) for kind in ("A", "AAAA")]
        values = tuple(value for answer in found for value in answer.values)
        return Answer(values=values, problem="" if values else found[0].problem)

    def names(self, address: str) -> Answer:
        """The names of an address (PTR)."""
        return self._ask(dns.reversename.from_address(address), "PTR", lambda data: _plain(data.target))

    def _ask(self, name: str | dns.name.Name, kind: str, read: Callable[[Any], str]) -> Answer:
        if self._problem:
            return Answer(problem=self._problem)
        answer = self._answer(name, kind, read)
        self._silences = self._silences + 1 if answer.problem == _SILENCE else 0
        if self._silences == _ENOUGH:
            self._problem = _SILENCE
        return answer

    def _answer(self, name: str | dns.name.Name, kind: str, read: Callable[[Any], str]) -> Answer:
        try:
            found = self._resolver.resolve(name, kind, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return Answer()
        except dns.exception.Timeout:
            return Answer(problem=_SILENCE)
        except dns.resolver.NoNameservers:
            return Answer(problem="the DNS server failed")
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            return Answer(problem=str(error) or type(error).__name__)
        return Answer(values=tuple(read(data) for data in found.rrset or ()))


def server(text: str) -> tuple[str, int]:
    """Address and port of a DNS server: "192.0.2.1", "192.0.2.1:53", "2001:db8::1" or "[2001:db8::1]:53". Raises ValueError."""
    found = _SERVER.fullmatch(text)
    host, port = (found[1] or found[2], int(found[3] or _PORT)) if found else (text, _PORT)
    if not 1 <= port <= 65535:  # noqa: PLR2004 - the last port there is
        raise ValueError(text)
    return str(ipaddress.ip_address(host)), port


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
