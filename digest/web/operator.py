"""What an operator's machines ask: `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Engine, text
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from digest.db import migrate
from digest.db.session import read
from digest.errors import SchemaError, StorageError
from digest.web.machine import Machine
from digest.web.metrics import CONTENT_TYPE, Week, exposed
from digest.web.signals import Proxies

_UNCACHED = {"cache-control": "no-store"}
_FORWARDING = ("x-forwarded-for", "forwarded", "x-real-ip", "via", "cf-connecting-ip")  # somebody stands in between


def routes(machine: Machine, engine: Engine, readers: Iterable[str], proxies: Proxies, clock: Callable[[], datetime]) -> list[BaseRoute]:
    """The operator's paths; `readers`: addresses and networks that may read `/metrics`."""
    schema = _Schema(engine)
    week = Week(engine, clock)
    readers_of = [ipaddress.ip_network(reader, strict=False) for reader in readers]

    async def health(_request: Request) -> Response:
        problem = await run_in_threadpool(_ping, engine)
        return PlainTextResponse(f"{problem or 'ok'}\n", 503 if problem else 200, headers=_UNCACHED)

    async def ready(_request: Request) -> Response:
        parts = {"migrations": await run_in_threadpool(schema.standing)} | machine.ready()
        fine = all(said in {"ok", "unknown"} for said in parts.values())
        return JSONResponse({"ready": fine, **parts}, 200 if fine else 503, headers=_UNCACHED)

    async def metrics(request: Request) -> Response:
        peer = request.client.host if request.client else ""
        if not may_read(peer, request.headers, readers_of, proxies):
            raise HTTPException(404)  # as if there were no such page

        def figures() -> str:
            return exposed([*machine.figures(), *week.figures()])

        return Response(await run_in_threadpool(figures), media_type=CONTENT_TYPE, headers=_UNCACHED)

    return [
        Route("/healthz", health, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def may_read(peer: str, headers: Mapping[str, str], readers: Iterable[Network], proxies: Proxies) -> bool:
    """True when the request comes from a reader: directly, or through a proxy that is trusted to say from whom."""
    forwarded = headers.get("x-forwarded-for", "")
    client = proxies.client(peer, forwarded)
    if client == peer and any(name in headers for name in _FORWARDING):
        return False  # it came through somebody whose word is not taken: the peer's address says nothing
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address.version == reader.version and address in reader for reader in readers)


def _ping(engine: Engine) -> str:
    try:
        with read(engine) as connection:
            connection.execute(text("SELECT 1"))
    except StorageError as error:
        return error.summary
    return ""


class _Schema:
    """Whether the tables are those of this version; while the database is away, what was known of it last."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known = "unknown"

    def standing(self) -> str:
        if self._known != "ok":  # a server with the right tables keeps them: an upgrade of theirs comes with a restart of ours
            try:
                migrate.check(self._engine)
                self._known = "ok"
            except SchemaError as error:
                return error.summary
            except StorageError:
                pass
        return self._known
