"""The web application: the click path first, then pages; each request ends in an answer a person can read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp

from digest.domain.press import Standing
from digest.pipeline.captions import Captions
from digest.web.conversions import PATH as CONVERSIONS
from digest.web.conversions import ConversionDoor
from digest.web.employee import routes as employee_routes
from digest.web.guard import MAX_BODY, BodyTooBigError, announced, explain, limited, may_act, send_reply
from digest.web.known import Known
from digest.web.links import LinkDoor, Receive, Scope, Send, kind_of
from digest.web.logo import logo_routes
from digest.web.machine import Machine, machine
from digest.web.misses import Gate
from digest.web.operator import routes as operator_routes
from digest.web.pages import Pages
from digest.web.pictures import picture_routes
from digest.web.quick import Heads
from digest.web.settings import WebSettings
from digest.web.signals import Proxies, preferred_language

_PATIENCE = 2.0  # seconds a caption waits for its turn to write
_ROBOTS = "User-agent: *\nAllow: /l/\nDisallow: /\n"  # link previews may follow what people post


class App:
    """The ASGI application that `make_app` returns."""

    def __init__(self, door: LinkDoor, conversions: ConversionDoor, inner: ASGIApp, pages: Pages, settings: WebSettings, parts: Machine) -> None:
        self._door = door
        self._conversions = conversions
        self._inner = inner
        self._pages = pages
        self._site_url = settings.site_url
        self._meters = parts.meters
        self._parts = parts
        self.heads = Heads()
        self.at_once = door.at_once  # begins to answer a link the short way (see `digest.web.quick`)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection event."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started = False

        async def watched(message: Scope) -> None:
            nonlocal started
            if not started:
                started = True
                self._meters.answered(scope["path"], message["status"])
            await send(message)

        try:
            await self._answer(scope, receive, watched)
        except Exception as error:
            if started:
                raise
            await send_reply(explain(error, scope, self._pages), scope, watched)

    def settle(self) -> None:
        """Return when everything that was answered so far is in the database; ordinarily it is within a quarter of a second, in a storm within 2."""
        self._parts.settle()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if kind_of(scope["path"]) is not None:
            made = await self._door.answer(scope)
            if made is not None:
                await send_reply(made, scope, send)
                return
        path: str = scope["path"]
        if path == CONVERSIONS:  # signed, so it needs no form of ours
            await send_reply(await self._conversions.answer(scope, receive), scope, send)
            return
        if path[:3] in {"/S/", "/U/", "/W/"}:
            path = path[:2].lower() + path[2:]
            scope = {**scope, "path": path}
        headers = Headers(raw=list(scope["headers"]))
        if scope["method"] not in {"GET", "HEAD", "POST"}:
            await send_reply(self._pages.notice("method", preferred_language(scope["headers"]), status=405, allow="GET, HEAD, POST"), scope, send)
        elif not path.startswith("/u/") and not may_act(scope["method"], headers, self._site_url):  # /u/ decides by its body (RFC 8058)
            await send_reply(self._pages.notice("refused", preferred_language(scope["headers"]), status=403), scope, send)
        elif announced(headers) > MAX_BODY:
            raise BodyTooBigError
        else:
            await self._inner({**scope, "app": self}, limited(receive), send)  # "app": so that the router raises instead of answering


def make_app(
    engine: Engine,
    settings: WebSettings,
    clock: Callable[[], datetime],
    *,
    routes: Sequence[BaseRoute] = (),
) -> App:
    """The application for `uvicorn`; `routes` adds other rooms (the desk). Its lifespan starts and stops the committer."""
    parts = machine(engine, settings, clock)
    known = Known(engine, clock)
    presser = Gate(parts.answering, parts.misses, known, parts.trackers[0].seen, parts.spooled)
    pages = Pages(settings)
    proxies = Proxies(settings.trusted_proxies)
    captions = Captions(engine.execution_options(patience=_PATIENCE), settings.caption_uses)

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        parts.start()
        yield
        await run_in_threadpool(parts.stop)
        await run_in_threadpool(known.stop)

    async def unknown(request: Request, error: Exception) -> Response:
        language = preferred_language(request.scope["headers"])
        if isinstance(error, HTTPException) and error.status_code not in {404, 405}:
            return pages.notice("refused", language, status=error.status_code).response()
        if isinstance(error, HTTPException) and error.status_code == 405:  # noqa: PLR2004 - Method Not Allowed
            return pages.notice("method", language, status=405, **(error.headers or {"allow": "GET, HEAD"})).response()
        return pages.standing(Standing.UNKNOWN, language).response()

    router = Router(
        routes=[
            *employee_routes(engine, presser, pages, settings, proxies, captions, clock),
            *operator_routes(parts, engine, settings.metrics, proxies, clock),
            *logo_routes(settings.logo),
            *picture_routes(engine),
            Route("/robots.txt", _robots, methods=["GET"]),
            *routes,
        ],
        lifespan=lifespan,
        redirect_slashes=False,  # it would build an address from the Host header
    )
    inner = ExceptionMiddleware(router, handlers={HTTPException: unknown})
    door = LinkDoor(presser, pages, proxies, clock, parts.meters)
    return App(door, ConversionDoor(engine, settings, clock, parts.settle), inner, pages, settings, parts)


async def _robots(_request: Request) -> Response:
    return PlainTextResponse(_ROBOTS)
