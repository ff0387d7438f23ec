"""Press links at a steady rate, whether or not the answers keep up: `python -m tests.bench.clicks.storm PORT RATE SECONDS FILE...`.

Prints JSON: requests, answers by status, the worst and the 50th, 99th and 99.9th percentile of the time from when a request
was due to its answer, in milliseconds. A generator that waits for answers would hide every pause of the server.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections import Counter, deque
from pathlib import Path
from random import Random
from typing import cast

import uvloop

CONNECTIONS = 64
_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/155.0.0.0 Safari/537.36"
_HEAD = f"Host: 127.0.0.1\r\nUser-Agent: {_AGENT}\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n"


class Browser(asyncio.Protocol):
    """A connection that asks for one link after the other."""

    def __init__(self, storm: Storm) -> None:
        self._storm = storm
        self._buffer = b""
        self._due = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready."""
        self._transport = cast("asyncio.Transport", transport)
        self._storm.free.append(self)

    def press(self, due: float, path: str) -> None:
        """Ask for `path`, which was due then."""
        assert self._transport is not None
        self._due = due
        self._transport.write(f"GET {path} HTTP/1.1\r\n{_HEAD}".encode())

    def data_received(self, data: bytes) -> None:
        """Read an answer to its end; pages have a body."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if len(body) < int(length or 0):
            return
        self._buffer = b""
        self._storm.answered(self, head[9:12].decode("ascii"), self._due)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it: a server that hangs up on a gateway has failed."""
        del exc
        if not self._storm.over:
            self._storm.lost += 1
            if self in self._storm.free:
                self._storm.free.remove(self)


class Storm:
    """The generator and what it saw."""

    def __init__(self, paths: list[str]) -> None:
        self.free: deque[Browser] = deque()
        self.over = False
        self.lost = 0
        self._paths = itertools.cycle(paths)
        self._waiting: deque[float] = deque()
        self._took: list[float] = []
        self._answers: Counter[str] = Counter()

    def answered(self, browser: Browser, status: str, due: float) -> None:
        """An answer came."""
        self._took.append(asyncio.get_running_loop().time() - due)
        self._answers[status] += 1
        if self._waiting:
            browser.press(self._waiting.popleft(), next(self._paths))
        else:
            self.free.append(browser)

    async def run(self, port: int, rate: float, seconds: float) -> dict[str, object]:
        """Press for that long."""
        loop = asyncio.get_running_loop()
        for _ in range(CONNECTIONS):
            await loop.create_connection(lambda: Browser(self), "127.0.0.1", port)
        start = loop.time()
        asked = 0
        while (now := loop.time()) < start + seconds:
            while asked < (now - start) * rate:
                due = start + asked / rate
                asked += 1
                if self.free:
                    self.free.popleft().press(due, next(self._paths))
                else:
                    self._waiting.append(due)
            await asyncio.sleep(0.0005)
        for _ in range(1000):
            if sum(self._answers.values()) == asked:
                break
            await asyncio.sleep(0.01)
        self.over = True
        took = sorted(self._took)
        places = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
        percentiles = {name: round(1000 * took[int(len(took) * share)], 2) for name, share in places.items()}
        return {"asked": asked, "answers": dict(self._answers), "lost": self.lost, **percentiles, "worst": round(1000 * took[-1], 2)}


if __name__ == "__main__":
    links = [line for name in sys.argv[4:] for line in Path(name).read_text(encoding="utf-8").split()]
    Random(48).shuffle(links)
    sys.stdout.write(json.dumps(uvloop.run(Storm(links).run(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))))
