"""A short way for links: uvicorn's own protocol, but a plain GET of a link needs no task, no events and one write.

Right after an edition a gateway presses every link of it. Whatever is not such a plain request, and whatever could not be
answered at once, goes the ordinary way through the application and gets the same answer there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from digest.web.pages import Reply

_FAMILIES = frozenset({b"/r/", b"/s/", b"/l/"})
_UNUSUAL = frozenset(b"%?#\\")
_WITH_BODY = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})
_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus}

Done = Callable[[Reply | None], None]


class Answering(Protocol):
    """An application that knows a short way."""

    def at_once(self, scope: Mapping[str, Any], done: Done) -> bool:
        """Begin to answer; `done` gets the reply, or None when only the ordinary way can answer. False: not even begun."""


class _Nobody:
    """Stands where uvicorn keeps an event that nobody waits for."""

    def set(self) -> None:
        """Do nothing."""


_NOBODY = _Nobody()


class _Short:
    """What uvicorn looks at of a request under way."""

    __slots__ = ("body", "disconnected", "keep_alive", "message_event", "more_body", "response_complete")

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.response_complete = False
        self.disconnected = False
        self.body = bytearray()
        self.more_body = False
        self.message_event = _NOBODY


class LinkProtocol(HttpToolsProtocol):
    """One connection of a browser, a gateway or a proxy."""

    def on_headers_complete(self) -> None:
        """Begin to answer: shortly, or as uvicorn does."""
        if not (self._is_plain() and self._begin()):
            super().on_headers_complete()

    def _is_plain(self) -> bool:
        waiting = self.cycle is not None and not self.cycle.response_complete
        return (
            self.url[:3] in _FAMILIES
            and self.parser.get_method() == b"GET"
            and not waiting
            and not self.flow.write_paused
            and self.url.isascii()
            and _UNUSUAL.isdisjoint(self.url)
            and self.parser.get_http_version() == "1.1"
            and not any(name in _WITH_BODY for name, _ in self.headers)
        )

    def _begin(self) -> bool:
        scope = cast("dict[str, Any]", self.scope)
        scope |= {"method": "GET", "path": self.root_path + self.url.decode("ascii"), "raw_path": self.url, "query_string": b""}
        short = _Short(keep_alive=self.parser.should_keep_alive())
        begun = cast("Answering", self.app).at_once(scope, lambda made: self._done(short, scope, made))
        if begun:
            self.cycle = cast("RequestResponseCycle", short)
        return begun

    def _done(self, short: _Short, scope: dict[str, Any], made: Reply | None) -> None:
        if short.disconnected or self.transport.is_closing():
            return
        if made is None:
            self._the_ordinary_way(short, scope)
            return
        pieces = [_STATUS[made.status]]
        for name, value in (*self.server_state.default_headers, *made.headers):
            pieces += (name, b": ", value, b"\r\n")
        pieces += (b"\r\n" if short.keep_alive else b"connection: close\r\n\r\n", made.body)
        self.transport.write(b"".join(pieces))
        short.response_complete = True
        if not short.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _the_ordinary_way(self, short: _Short, scope: dict[str, Any]) -> None:
        self.cycle = RequestResponseCycle(
            scope=cast("Any", scope),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=short.keep_alive,
            on_response=self.on_response_complete,
        )
        self.cycle.more_body = False
        self.cycle.message_event.set()
        self._start_asgi_task(self.cycle, self.app)
