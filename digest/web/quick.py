"""A short way for links: uvicorn's own protocol, but a plain GET of a link needs no task, no events and one write.

Right after an edition a gateway presses every link of it, with the same headers each time. So what the parser has read of a
head is kept: a request that has the very same octets behind its first line needs no parser. Whatever is not such a plain
request, and whatever could not be answered at once, goes the ordinary way through the application and gets the same answer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from digest.web.pages import Reply
from digest.web.signals import Head

_FAMILIES = frozenset({b"/r/", b"/s/", b"/l/"})
_UNUSUAL = frozenset(b"%?#\\")
_WITH_BODY = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})
_FIRST_LINE = re.compile(rb"GET (/[rsl]/[0-9A-Za-z/]{1,40}) HTTP/1\.1\r\n")
_HEADS, _LONGEST_HEAD = 1000, 4096  # kept, and octets in one: at most about 8 MB
_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus}

Done = Callable[[Reply | None], None]


class Answering(Protocol):
    """An application that knows a short way."""

    heads: Heads

    def at_once(self, path: str, head: Head, peer: str, done: Done) -> bool:
        """Begin to answer; `done` gets the reply, or None when only the ordinary way can answer. False: not even begun."""


class Heads:
    """Heads that the parser has read, by their octets; those of the last thousand browsers."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Head, bool]] = {}

    def get(self, octets: bytes) -> tuple[Head, bool] | None:
        """What stood in them, and whether the connection stays."""
        return self._known.get(octets)

    def keep(self, octets: bytes, head: Head, *, keep_alive: bool) -> None:
        """Remember one, unless two readers might end it at different places."""
        if len(octets) > _LONGEST_HEAD or octets.find(b"\r\n\r\n") != len(octets) - 4 or octets.count(b"\n") != octets.count(b"\r\n"):
            return
        if len(self._known) >= _HEADS:
            self._known.pop(next(iter(self._known)))
        self._known[octets] = (head, keep_alive)


class _Nobody:
    """Stands where uvicorn keeps an event that nobody waits for."""

    def set(self) -> None:
        """Do nothing."""


_NOBODY = _Nobody()


class _Short:
    """A request under way: what uvicorn looks at, and what it is answered with."""

    __slots__ = ("body", "disconnected", "head", "keep_alive", "message_event", "more_body", "path", "protocol", "response_complete")

    def __init__(self, protocol: LinkProtocol, path: bytes, head: Head, *, keep_alive: bool) -> None:
        self.protocol = protocol
        self.path = path
        self.head = head
        self.keep_alive = keep_alive
        self.response_complete = False
        self.disconnected = False
        self.body = b""
        self.more_body = False
        self.message_event = _NOBODY

    def done(self, made: Reply | None) -> None:
        """The answer is there, or the ordinary way must find it."""
        self.protocol.answer(self, made)


class LinkProtocol(HttpToolsProtocol):
    """One connection of a browser, a gateway or a proxy."""

    app: Answering
    cycle: Any  # uvicorn's own, or a _Short
    _between = True  # the parser has read a whole request, or none yet
    _raw = b""  # what came at once, if nothing stood before it
    _date: tuple[object, bytes] = (None, b"")  # the headers that uvicorn adds, as they are this second
    _answered_at = float("-inf")  # shortly, by the loop's clock

    def data_received(self, data: bytes) -> None:
        """Let the parser read what `_again` could not answer."""
        self._raw = data if self._between else b""
        super().data_received(data)

    def _again(self, data: bytes) -> bool:
        """Whether `data` is one whole request for a link, with a head that was read before, and is being answered."""
        first = _FIRST_LINE.match(data) if self._between and self._is_free() else None
        found = self.app.heads.get(data[first.end() :]) if first else None
        if first is None or found is None:
            return False
        return self._begin(first[1], found[0], keep_alive=found[1])

    def _is_free(self) -> bool:
        return (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused and not self.transport.is_closing()

    def on_message_begin(self) -> None:
        """A request begins that the parser reads."""
        self._between = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """And is whole."""
        self._between = True
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        """Begin to answer: shortly, or as uvicorn does."""
        if not (self._is_plain() and self._begin_anew()):
            super().on_headers_complete()

    def _is_plain(self) -> bool:
        return (
            self.url[:3] in _FAMILIES
            and self.parser.get_method() == b"GET"
            and self._is_free()
            and self.url.isascii()
            and _UNUSUAL.isdisjoint(self.url)
            and self.parser.get_http_version() == "1.1"
            and not any(name in _WITH_BODY for name, _ in self.headers)
        )

    def _begin_anew(self) -> bool:
        head, keep_alive = Head("GET", self.headers), self.parser.should_keep_alive()
        first = _FIRST_LINE.match(self._raw)
        if first and first[1] == self.url:
            self.app.heads.keep(self._raw[first.end() :], head, keep_alive=keep_alive)
        return self._begin(self.url, head, keep_alive=keep_alive)

    def _begin(self, path: bytes, head: Head, *, keep_alive: bool) -> bool:
        short = _Short(self, path, head, keep_alive=keep_alive)
        peer = self.client[0] if self.client else ""
        begun: bool = self.app.at_once(self.root_path + path.decode("ascii"), head, peer, short.done)
        if begun:
            self.cycle = short
        return begun

    def answer(self, short: _Short, made: Reply | None) -> None:
        """Write the answer to a request that was begun shortly."""
        if short.disconnected or self.transport.is_closing():
            return
        if made is None:
            self._the_ordinary_way(short)
            return
        headers, body = made.wire
        end = b"\r\n" if short.keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((_STATUS[made.status], self._added(), headers, end, body)))
        short.response_complete = True
        if not short.keep_alive:
            self.transport.close()
        if self.pipeline or not short.keep_alive:
            self.on_response_complete()
        else:
            self._rest()

    def _rest(self) -> None:
        """Wait for the next request. One timer serves many of them: to set and cancel one for each costs more than to look again."""
        self.server_state.total_requests += 1
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """Hang up, unless there was another request since the timer was set."""
        self.timeout_keep_alive_task = None
        left = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        elif self.cycle is None or self.cycle.response_complete:
            super().timeout_keep_alive_handler()

    def _added(self) -> bytes:
        now = self.server_state.default_headers
        if self._date[0] is not now:
            self._date = (now, b"".join(b"%b: %b\r\n" % pair for pair in now))
        return self._date[1]

    def _the_ordinary_way(self, short: _Short) -> None:
        scope = self._scope(short)
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
        self._start_asgi_task(self.cycle, cast("Any", self.app))

    def _scope(self, short: _Short) -> dict[str, Any]:
        """As ASGI has it."""
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": self.root_path,
            "headers": list(short.head.headers),
            "state": self.app_state.copy(),
            "method": "GET",
            "path": self.root_path + short.path.decode("ascii"),
            "raw_path": short.path,
            "query_string": b"",
        }
