"""An end to how much one request may say and how long it may take: uvicorn's own parser waits and keeps for as long as it grows."""

from __future__ import annotations

from asyncio import BaseTransport, TimerHandle, Transport
from typing import cast

from digest.web.quick import LinkProtocol

MAX_REQUEST = 1024 * 1024  # octets, head and all; our largest form has 64 KiB
PATIENCE = 30.0  # seconds that one may take to come in: who sends an octet now and then must not keep a place for ever
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
_BODILESS = frozenset({b"GET", b"HEAD"})
_TOO_MUCH = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class AmbiguousError(Exception):
    """A request that two readers might understand differently: none of ours."""


class BoundedProtocol(LinkProtocol):
    """One connection; a request that never ends, or never comes, is hung up on."""

    _heard = 0
    _in_head = False
    _coming = True  # a request has begun and is not whole; a new connection owes one
    _end: TimerHandle | None = None  # of our patience with it

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for the first request, but not for ever."""
        super().connection_made(cast("Transport", transport))
        self._end = self.loop.call_later(PATIENCE, self._hang_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._calm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and count it to the request it belongs to."""
        if self._again(data):
            self._coming = False
            self._calm()
            return
        super().data_received(data)
        if not self._coming:
            self._calm()
        elif self._end is None and not self.transport.is_closing():
            self._end = self.loop.call_later(PATIENCE, self._hang_up)
        self._heard += len(data)
        if self._heard > MAX_REQUEST and not self.transport.is_closing():
            if self._in_head:
                self.transport.write(_TOO_MUCH)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Start to count anew."""
        self._heard, self._in_head, self._coming = 0, True, True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what comes behind a body is none."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole. Raises to the parser, which answers 400, what two readers of one request might end at different places."""
        self._in_head = False
        names = [name for name, _ in self.headers]
        if names.count(b"host") != 1 and (b"host" in names or self.parser.get_http_version() == "1.1"):
            raise AmbiguousError("host")  # RFC 9112, 3.2
        if not _LENGTHS.isdisjoint(names) and not self._has_plain_end(names):
            raise AmbiguousError("length")  # RFC 9112, 6.3
        super().on_headers_complete()

    def _has_plain_end(self, names: list[bytes]) -> bool:
        """Whether one length or one chunked coding says where the body ends; a GET of ours has none."""
        if sum(name in _LENGTHS for name in names) > 1:
            return False
        name, value = next(pair for pair in self.headers if pair[0] in _LENGTHS)
        if name == b"transfer-encoding":
            return value.lower() == b"chunked" and self.parser.get_method() not in _BODILESS
        return value.isdigit() and (self.parser.get_method() not in _BODILESS or int(value) == 0)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._coming = False
        super().on_message_complete()

    def _calm(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None

    def _hang_up(self) -> None:
        self.transport.abort()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: a stranger who asks for another protocol gets HTTP."""
