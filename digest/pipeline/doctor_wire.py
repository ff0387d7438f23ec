"""What `doctor` learns over the wire: the relays without sending, and the pages as the world meets them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from digest.domain import conversation
from digest.domain.doctor import Finding, bad, certificate, limits, ok, reverse_name, unknown, warn
from digest.domain.link import sign_unsubscribe
from digest.files.relays import known_relay
from digest.net.ask import Answer, ask
from digest.net.dns import Dns
from digest.pipeline.probe import met
from digest.smtp.look import Look
from digest.smtp.relay import Relay, Timeouts

QUICK = Timeouts(connect=10, greeting=20, command=20)
_PRIVATE = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")]
_NOBODY = 0  # no employee has this number: a valid signature for nobody changes nothing
_OK, _REDIRECT, _FORBIDDEN, _NOT_FOUND, _FAILED = 200, 300, 403, 404, 500


@dataclass(frozen=True, kw_only=True)
class Met:
    """What a relay showed."""

    findings: tuple[Finding, ...]
    size: int = 0  # the largest message it takes; 0: it did not say


def relay(one: Relay, configured: Mapping[str, int], dns: Dns | None, now: datetime, timeouts: Timeouts | None = None) -> Met:
    """Open, greet, encrypt and log in, without sending; then what is known about the provider. `dns` None: ask nobody."""
    known = known_relay(one.host)
    said = [limits(f"limits of {one.host}", known.label, known.limits, configured, one.table)] if known and known.limits else []
    if dns is None:
        return Met(findings=tuple(said))
    look = Look(replace(one, timeouts=timeouts or QUICK))
    outcome = look.open()
    look.close()
    steps = conversation.opening(outcome, met(one, look))
    last = steps[-1]
    if not last.ok:
        return Met(findings=(bad(one.place, last.said, last.do), *said))
    found = [ok(one.place, "; ".join(step.said for step in steps[1:])), *_encryption(one, look, now), *said]
    size = look.offers.get("SIZE", "")
    return Met(findings=(*found, *([] if known else reverse_names(one.host, dns))), size=int(size) if size.isdigit() else 0)


def _encryption(one: Relay, look: Look, now: datetime) -> list[Finding]:
    if look.encryption is not None:
        return [certificate(look.encryption.until, now)] if look.encryption.until else []
    if _inside(one.host):
        return []
    do = f'Set {one.table}.security to "starttls" or "tls", with its port (587 or 465).'
    said = "the login and the letters travel" if one.username else "the letters travel"
    return [(bad if one.username else warn)("encryption", f"{said} readable to everybody on the way", do)]


def _inside(host: str) -> bool:
    """True for addresses that are not of the internet: this machine's, and those that companies use inside."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_link_local or any(address in network for network in _PRIVATE)


def reverse_names(host: str, dns: Dns) -> list[Finding]:
    """PTR of the relay's addresses; what it sends from may be another address, which only its keeper knows."""
    if _inside(host):
        return [unknown(f"PTR of {host}", "it is inside; the address it sends from outside must have a name (PTR), which its keeper knows")]
    try:
        addresses = [str(ipaddress.ip_address(host.strip("[]")))]
    except ValueError:
        answer = dns.addresses(host)
        if answer.problem:
            return [unknown(f"PTR of {host}", answer.problem)]
        addresses = list(answer.values)
    return [_reverse_name(address, dns) for address in addresses if not _inside(address)]


def _reverse_name(address: str, dns: Dns) -> Finding:
    names = dns.names(address)
    if names.problem:
        return unknown(f"PTR of {address}", names.problem)
    return reverse_name(address, names.values, dns.addresses(names.values[0]).values if names.values else ())


def links(url: str, key: tuple[int, bytes] | None) -> tuple[list[Finding], str]:
    """The pages at `url`, and the one-click unsubscribe with a token signed for nobody; and the server's Date, or "".

    `key`: number and secret that sign unsubscribe links, None when the database could not be read.
    """
    found = []
    if urlsplit(url).scheme == "http":
        said = f"{url} is on this machine only, so nobody else can follow a link"
        found.append(warn("site.url", said, 'Set it to the public "https://..." address.'))
    health = ask("GET", f"{url}/healthz")
    found.append(_healthy(url, health))
    if key is None:
        found.append(unknown("one-click unsubscribe", "the database could not be read, so there is no key to sign a link with"))
    else:
        token = sign_unsubscribe(*key, _NOBODY)
        found.append(_one_click(url, ask("POST", f"{url}/u/{token}", form="List-Unsubscribe=One-Click")))
    return found, health.headers.get("date", "")


_START = "Run `digest serve`, and let the web server in front of it pass every path on to web.listen."


def _healthy(url: str, answer: Answer) -> Finding:
    place = f"{url}/healthz"
    if answer.problem:
        return bad("pages", f"{place}: {answer.problem}", _START)
    if answer.status == _OK and answer.body.strip() == "ok":
        return ok("pages", f"{place} answers")
    if _REDIRECT <= answer.status < _REDIRECT + 100:
        return bad("pages", f"{place} redirects to {answer.headers.get('location', 'nowhere')}", "Set site.url to the address it redirects to.")
    if answer.status >= _FAILED and "database" in answer.body:
        return bad("pages", f"{place} answers {answer.status}: {answer.body.strip()[:80]}", "See the findings on the database above.")
    return bad("pages", f"{place} answers {answer.status}, and not in our words", _START)


def _one_click(url: str, answer: Answer) -> Finding:
    subject = "one-click unsubscribe"
    if answer.problem:
        return bad(subject, answer.problem, _START)
    if answer.status == _OK:
        return ok(subject, f"{url}/u/... takes the POST of a mail program, without redirect or login")
    if _REDIRECT <= answer.status < _REDIRECT + 100:
        do = "Mail programs follow no redirect (RFC 8058): set site.url to the address it leads to, and let /u/ through without a login."
        return bad(subject, f"the POST is redirected to {answer.headers.get('location', 'nowhere')}", do)
    if answer.status == _NOT_FOUND:
        do = "site.url must lead to a `digest serve` over this very database, with the paths below /u/ passed on as they are."
        return bad(subject, "the page does not know a link that our own key signed", do)
    if answer.status == _FORBIDDEN:
        return bad(subject, "the POST is forbidden", "Let the web server or firewall in front pass POST requests to /u/ without cookie or token.")
    return bad(subject, f"the POST is answered with {answer.status}", "Look into the log of `digest serve` and of the web server in front of it.")


def moment(date: str) -> datetime | None:
    """An HTTP Date as a moment, or None."""
    try:
        return parsedate_to_datetime(date)
    except ValueError:
        return None
