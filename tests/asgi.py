"""The application as a server drives it: requests that no tidy client would send, and what is said on the wire in answer."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from digest.web.app import make_app
from tests.linked import Linked

Message = MutableMapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request. `path` is decoded as a server hands it over; `chunks` come one by one."""

    path: str
    method: str = "GET"
    raw_path: bytes = b""
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    chunks: tuple[bytes, ...] = ()
    client: tuple[str, int] | None = ("192.0.2.7", 50000)
    leaves: bool = False  # goes away before the body is whole

    def scope(self) -> Message:
        """As ASGI has it."""
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "https",
            "path": self.path,
            "raw_path": self.raw_path,
            "root_path": "",
            "query_string": self.query,
            "headers": [(name.lower(), value) for name, value in self.headers],
            "client": self.client,
            "server": ("letter.example.com", 443),
            "state": {},
        }


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What was sent back."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value.decode("latin-1") for found, value in self.headers if found.lower() == name.encode()]

    def one(self, name: str) -> str:
        """The value of a header, "" when it is not there."""
        return next(iter(self.all(name)), "")


class Client:
    """The running application; call it with what is asked."""

    def __init__(self, linked: Linked, **changes: Any) -> None:
        self._app = make_app(linked.engine, linked.settings(**changes), lambda: linked.now)
        self._runner = asyncio.Runner()
        self._life: asyncio.Queue[Message] = asyncio.Queue()
        self._said: asyncio.Queue[Message] = asyncio.Queue()

    def __enter__(self) -> Self:
        self._runner.run(self._start())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._runner.run(self._stop())
        self._runner.close()

    async def _start(self) -> None:
        self._task = asyncio.create_task(self._app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, self._life.get, self._said.put))
        await self._life.put({"type": "lifespan.startup"})
        assert (await self._said.get())["type"] == "lifespan.startup.complete"

    async def _stop(self) -> None:
        await self._life.put({"type": "lifespan.shutdown"})
        assert (await self._said.get())["type"] == "lifespan.shutdown.complete"
        await self._task

    def routes(self) -> list[Any]:
        """Every route behind the click path."""
        return list(self._app._inner.app.routes)  # type: ignore[attr-defined]  # ExceptionMiddleware(Router)

    def __call__(self, asked: Asked) -> Answered:
        """The answer to one request, which must be a whole one. Raises what the application lets out."""
        return self._runner.run(self._ask(asked))

    async def _ask(self, asked: Asked) -> Answered:
        chunks = list(asked.chunks)
        sent: list[Message] = []

        async def receive() -> Message:
            if chunks or not (sent or asked.leaves):
                body = chunks.pop(0) if chunks else b""
                return {"type": "http.request", "body": body, "more_body": bool(chunks) or asked.leaves}
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await asyncio.wait_for(self._app(asked.scope(), receive, send), 30)
        start, *bodies = sent
        assert start["type"] == "http.response.start"
        assert bodies
        assert all(message["type"] == "http.response.body" for message in bodies)
        assert not bodies[-1].get("more_body", False)
        body = b"".join(message.get("body", b"") for message in bodies)
        return Answered(status=start["status"], headers=tuple((bytes(n), bytes(v)) for n, v in start["headers"]), body=body)
