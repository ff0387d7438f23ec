"""A relay that needs its time for each message: `python -m tests.bench.mailing.relay PORT SECONDS`. It keeps nothing and costs little."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

_REPLIES = {b"EHLO": b"250-relay\r\n250-PIPELINING\r\n250 8BITMIME\r\n", b"DATA": b"354 go ahead\r\n", b"QUIT": b"221 bye\r\n"}


class Relay(asyncio.Protocol):
    """One connection. After the final dot it answers `delay` seconds later."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._buffer = bytearray()
        self._in_body = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast("asyncio.Transport", transport)
        self._say(b"220 relay\r\n")

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        looked = max(0, len(self._buffer) - 4)
        self._buffer += data
        while self._body(looked) if self._in_body else self._command():
            looked = 0

    def _body(self, looked: int) -> bool:
        end = self._buffer.find(b"\r\n.\r\n", looked)
        if end < 0:
            return False
        del self._buffer[: end + 5]
        self._in_body = False
        asyncio.get_running_loop().call_later(self._delay, self._say, b"250 taken\r\n")
        return True

    def _command(self) -> bool:
        line, found, _ = self._buffer.partition(b"\r\n")
        if not found:
            return False
        del self._buffer[: len(line) + 2]
        verb = bytes(line[:4]).upper()
        self._in_body = verb == b"DATA"
        self._say(_REPLIES.get(verb, b"250 ok\r\n"))
        return True

    def _say(self, words: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(words)


async def serve(port: int, delay: float) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(lambda: Relay(delay), "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), float(sys.argv[2])))
