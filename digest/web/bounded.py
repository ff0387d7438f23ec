"""An end to how much one request may say: uvicorn's own parser keeps a head, or a trailer, for as long as it grows."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_REQUEST = 1024 * 1024  # octets, head and all; our largest form has 64 KiB
_TOO_MUCH = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """One connection; a request that never ends is hung up on."""

    _heard = 0
    _in_head = False

    def data_received(self, data: bytes) -> None:
        """Take what came, and count it to the request it belongs to."""
        super().data_received(data)
        self._heard += len(data)
        if self._heard > MAX_REQUEST and not self.transport.is_closing():
            if self._in_head:
                self.transport.write(_TOO_MUCH)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Start to count anew."""
        self._heard, self._in_head = 0, True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what comes behind a body is none."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: a stranger who asks for another protocol gets HTTP."""
