"""What stands before every page: no foreign forms, no huge bodies, and never a bare error."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from starlette.requests import ClientDisconnect

from digest.errors import StorageError
from digest.web.links import Message, Receive, Scope, Send
from digest.web.metrics import family
from digest.web.pages import Pages, Reply
from digest.web.signals import preferred_language

log = logging.getLogger(__name__)
MAX_BODY = 65536
_QUIET = 5.0  # seconds
_said: dict[str, float] = {}  # route family -> when its trouble was last told
_SAFE = {"GET", "HEAD", "OPTIONS"}


class BodyTooBigError(Exception):
    """A request's body is larger than any form of ours."""


def is_ours(headers: Mapping[str, str], site_url: str) -> bool:
    """True when a browser says that a form of our own page was sent."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    scheme, _, rest = site_url.partition("://")
    return headers.get("origin") == f"{scheme}://{rest.partition('/')[0]}"


def may_act(method: str, headers: Mapping[str, str], site_url: str) -> bool:
    """False for a request that would change something and does not come from a page of ours."""
    return method in _SAFE or is_ours(headers, site_url)


def announced(headers: Mapping[str, str]) -> int:
    """How long a body says it will be; 0 when it says nothing that can be read. `limited` counts what comes."""
    said = headers.get("content-length", "").strip()
    return int(said[:19]) if said.isascii() and said.isdigit() else 0


def limited(receive: Receive) -> Receive:
    """`receive` that raises BodyTooBigError beyond 64 KiB."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise BodyTooBigError
        return message

    return counted


def place(path: str) -> str:
    """A path as a log may keep it: without its token, on one line."""
    short = f"/{path.split('/')[1][:20]}/..." if path.count("/") > 1 else path[:40]
    return "".join(c if c.isprintable() else "?" for c in short)


def _is_news(kind: str) -> bool:
    """False for what was said within the last seconds: a storm must not fill the log."""
    now = time.monotonic()
    if now - _said.get(kind, float("-inf")) < _QUIET:
        return False
    _said[kind] = now
    return True


def explain(error: Exception, scope: Scope, pages: Pages) -> Reply:
    """The page for an error; the log gets its kind and place, never a token or an address."""
    language = preferred_language(scope["headers"])
    if isinstance(error, BodyTooBigError):
        return pages.notice("too_big", language, status=413)
    if isinstance(error, ClientDisconnect):  # who went away in the middle of a form reads no answer and is no fault
        return pages.notice("refused", language, status=400)
    if isinstance(error, StorageError):
        if _is_news(family(scope["path"])):
            log.warning("%s %s: %s", scope["method"], place(scope["path"]), error.summary)
    else:
        log.error("%s %s: %s", scope["method"], place(scope["path"]), type(error).__name__, exc_info=error)
    return pages.unavailable(language)


async def send_reply(made: Reply, scope: Scope, send: Send) -> None:
    """Send a reply; to HEAD without its body."""
    await send({"type": "http.response.start", "status": made.status, "headers": made.headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else made.body})
