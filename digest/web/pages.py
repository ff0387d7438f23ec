"""Pages: rendered from templates, with words in the reader's language and headers that keep everything else out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from starlette.responses import Response

from digest.domain.press import Standing
from digest.domain.words import Words, direction
from digest.mail import catalogue
from digest.mail.plain import prose
from digest.web.dress import Dresses
from digest.web.settings import WebSettings

_WORDS = Path(__file__).with_name("words")
_STATUS = {Standing.UNKNOWN: 404, Standing.EXPIRED: 410, Standing.INSIDE: 403, Standing.PAUSED: 200}
_SAFE = {
    "x-robots-tag": "noindex, nofollow",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A whole answer, ready to send."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""

    @cached_property
    def wire(self) -> tuple[bytes, bytes]:
        """Its headers as they stand on the wire, and its body."""
        return b"".join(b"%b: %b\r\n" % pair for pair in self.headers), self.body

    def response(self) -> Response:
        """The same for Starlette."""
        response = Response(self.body, self.status)
        response.raw_headers = list(self.headers)
        return response


def spoken() -> tuple[str, ...]:
    """The languages the pages speak, English first."""
    return catalogue.languages(_WORDS)


def words(language: str) -> Words:
    """The pages' words for a reader of `language`."""
    return catalogue.words(language, _WORDS)


def hashed(source: str) -> str:
    """A source expression of Content-Security-Policy for an inline block."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


FILTERS: Mapping[str, Callable[..., Any]] = {
    "number": lambda value, language: words(language).whole(value),
    "prose": prose,
    "direction": direction,
}


class Pages:
    """Renders and dresses every page."""

    def __init__(self, settings: WebSettings) -> None:
        self._dresses = Dresses(settings, FILTERS)
        self._settings = settings
        self._notices: dict[tuple[str, str, int], Reply] = {}

    def page(self, name: str, language: str, *, status: int = 200, vary: str = "Accept-Language", **values: Any) -> Reply:  # noqa: ANN401 - whatever the template needs
        """The page `name` for a reader of `language`."""
        say = words(language)
        made = self._dresses.page(name, {"say": say, "language": say.language, "direction": direction(say.language), **values})
        # A form of the share page is answered by a redirect to a network, and that may redirect on: any https place.
        forms = "'self' https:" if name == "share" else "'self'"
        script = f" script-src {hashed(made.script)};" if made.script else ""
        images = "'self' data:" if name == "give" else "'self'"  # a preview shows a stranger's picture, made small by us
        sources = f"default-src 'none'; style-src {hashed(made.style)};{script} img-src {images}"
        policy = f"{sources}; base-uri 'none'; form-action {forms}; frame-ancestors 'none'"
        headers = {
            "content-type": "text/html; charset=utf-8",
            "content-language": say.language,
            "content-security-policy": policy,
            "cache-control": "no-store",
            "vary": vary,
            **_SAFE,
        }
        return reply(status, headers, made.html.encode())

    def notice(self, kind: str, language: str, *, status: int, detail: str = "", title: str = "", **headers: str) -> Reply:
        """A page that explains: unknown, expired, inside, paused, error, refused, too_big. Those without detail are made once."""
        plain = not detail and not title and not headers
        key = (kind, words(language).language, status)
        if plain and key in self._notices:
            return self._notices[key]
        made = self.page("notice", language, status=status, kind=kind, detail=detail, title=title)
        if headers:
            extra = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
            made = Reply(status=made.status, headers=(*made.headers, *extra), body=made.body)
        if plain:
            self._notices[key] = made
        return made

    def standing(self, found: Standing, language: str, *, detail: str = "", title: str = "") -> Reply:
        """The page for a link that leads nowhere. Unknown and wrong links get the very same octets."""
        if found is Standing.UNKNOWN:
            return self.notice("unknown", language, status=_STATUS[found])
        return self.notice(found.value, language, status=_STATUS[found], detail=detail, title=title)

    def unavailable(self, language: str) -> Reply:
        """Something on our side does not work now."""
        return self.notice("error", language, status=503, retry_after="30")


def reply(status: int, headers: Mapping[str, str], body: bytes = b"") -> Reply:
    """A reply with its length."""
    raw = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    return Reply(status=status, headers=(*raw, (b"content-length", str(len(body)).encode())), body=body)


@lru_cache(maxsize=1024)
def redirect(status: int, target: str, *, cache: str = "no-store", vary: str = "") -> Reply:
    """A redirect that nobody may keep, index or learn our address from."""
    headers = {"location": target, "cache-control": cache, **({"vary": vary} if vary else {}), **_SAFE}
    return reply(status, headers)
