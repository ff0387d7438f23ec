"""Fetch what a person or a page named: a page, a feed or a picture of the public web, within limits of place, time and size.

A name is resolved once, all its addresses are judged, and the connection goes to one of them: a name that changes its mind in
between gains nothing. Each redirect is a new address and judged again. No cookies, no proxy, no credentials, no referrer.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import ada_url

from digest import __version__
from digest.domain.link import MAX_ADDRESS, web_address
from digest.domain.reachable import Reach
from digest.net.kinds import ACCEPTED, Kind, judge
from digest.net.refusals import AddressRefusedError, InsideError, RedirectError, StatusError, WrongKindError
from digest.net.wire import Deadline, Place, Resolve, addresses, asked, system_resolve, unpacked

MOST_REDIRECTS = 5
PATIENCE = 10.0  # seconds for all of it: names, redirects, body
USER_AGENT = f"weekly-digest/{__version__} (self-hosted; fetches what a person named)"
_MOVED = frozenset({301, 302, 303, 307, 308})
_OK, _UNCHANGED = 200, 304
_LONGEST_ETAG = 200  # characters


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


@dataclass(frozen=True, kw_only=True)
class Way:
    """How we get there. `PUBLIC` is the one to use; tests bring a reach, a resolver and a certificate of their own."""

    reach: Reach = field(default_factory=Reach)
    resolve: Resolve = system_resolve
    context: Callable[[], ssl.SSLContext] = _context


PUBLIC = Way()


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What came back, and from where."""

    url: str  # after all redirects, as browsers write it
    kind: Kind
    data: bytes  # unpacked; empty when unchanged
    charset: str = ""  # what the header says, in small letters; "" when it says nothing
    etag: str = ""  # to be handed in the next time; "" when there is none
    unchanged: bool = False  # it is still what that etag stood for


def fetch(url: str, *, kinds: Collection[Kind], most: int, patience: float = PATIENCE, etag: str = "", way: Way = PUBLIC) -> Fetched:
    """GET `url`, which may be anything a person typed. It blocks up to `patience` seconds: call it in a worker thread.

    `most`: octets of the body, packed and unpacked. Raises a FetchError whose text may be shown to that person.
    """
    deadline = Deadline(url, patience)
    for _ in range(MOST_REDIRECTS + 1):
        place = _place(url, deadline, way)
        with asked(place, _headers(kinds, etag), deadline, most, way.context()) as answer:
            if answer.status not in _MOVED:
                return _taken(answer, place.url, kinds, most, etag)
            url = _next(place, answer.getheader("location") or "")
    raise RedirectError(url, f"more than {MOST_REDIRECTS} times")


def _place(url: str, deadline: Deadline, way: Way) -> Place:
    href = web_address(url) if len(url) <= MAX_ADDRESS else None
    if href is None:
        raise AddressRefusedError(url[:MAX_ADDRESS], "allowed: http or https and a plain name, without user or password")
    parsed = ada_url.URL(href)
    secure, name = parsed.protocol == "https:", str(parsed.hostname).strip("[]")
    port = int(parsed.port or (443 if secure else 80))
    closed = way.reach.refuses_port(port)
    if closed:
        raise AddressRefusedError(href, f"{closed} is not one of the web's: {', '.join(map(str, sorted(way.reach.ports)))}")
    found = addresses(href, name, port, way.resolve, deadline)
    if way.reach.refuses(found):
        raise InsideError(href, "only public addresses are asked")
    return Place(url=href, secure=secure, name=name, port=port, addresses=found, target=f"{parsed.pathname}{parsed.search}")


def _headers(kinds: Collection[Kind], etag: str) -> Mapping[str, str]:
    wanted = ", ".join(name for kind in Kind if kind in kinds for name in ACCEPTED[kind])
    told = {"User-Agent": USER_AGENT, "Accept": f"{wanted}, */*;q=0.1", "Accept-Encoding": "gzip, deflate"}
    return {**told, "If-None-Match": etag} if _usable(etag) else told


def _taken(answer: http.client.HTTPResponse, url: str, kinds: Collection[Kind], most: int, etag: str) -> Fetched:
    if answer.status == _UNCHANGED and _usable(etag):
        return Fetched(url=url, kind=next(kind for kind in Kind if kind in kinds), data=b"", etag=etag, unchanged=True)
    if answer.status != _OK:
        raise StatusError(url, f"it answered {answer.status}")
    data = unpacked(answer, url, most)
    kind, wrong = judge(answer.headers.get_content_type() if answer.getheader("content-type") else "", data, kinds)
    if kind is None:
        raise WrongKindError(url, wrong)
    charset = str(answer.headers.get_content_charset() or "")
    given = answer.getheader("etag") or ""
    return Fetched(url=url, kind=kind, data=data, charset=charset, etag=given if _usable(given) else "")


def _usable(etag: str) -> bool:
    return 0 < len(etag) <= _LONGEST_ETAG and etag.isascii() and etag.isprintable()


def _next(place: Place, location: str) -> str:
    try:
        told = location.encode("latin-1").decode("utf-8", "replace")  # http.client reads octets as Latin-1
        found = ada_url.URL(told, place.url)
    except (ValueError, UnicodeError):
        raise RedirectError(place.url, "to what is no address") from None
    if place.secure and found.protocol != "https:":
        raise RedirectError(place.url, "from https to what anybody on the way can read")
    return str(found.href)
