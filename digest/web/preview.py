"""The live preview's pages: the coming edition as any reader would get it, beside its budget and its problems.

Only this machine is answered, and only when the browser knows us by a name of this machine: a page from elsewhere whose name
was turned to 127.0.0.1 (DNS rebinding) gets nothing. Nothing here acts; every request only reads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from markupsafe import escape
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from digest.db import pictures
from digest.db.session import read
from digest.domain.picture import PATH as PICTURES
from digest.errors import DigestError
from digest.mail.environment import environment, templates_folder
from digest.mail.shown import Look, as_seen, led_to, pictured
from digest.pipeline import casting
from digest.pipeline.branding import PATH as LOGOS
from digest.pipeline.branding import logo_file
from digest.web.preview_ask import Ask, asked
from digest.web.preview_page import Page, leads_to, values
from digest.web.preview_studio import Studio

_KEEP = 15.0  # seconds after which a stream says that it is still there
_STREAM = 240.0  # seconds that one stream lasts; the browser then opens the next
_ELSEWHERE = "/elsewhere"  # stands for a picture that is not ours: none is fetched
_ALWAYS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_PAGE = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# Without allow-scripts nothing in the letter runs; allow-same-origin lets our own script see which link was pressed.
_LETTER = (
    "sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; img-src {}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class Guard:
    """Answers nobody but this machine's own browser."""

    def __init__(self, inner: ASGIApp, port: int) -> None:
        self._inner = inner
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse with a sentence."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        elif scope["type"] == "http":
            refused = self._refused(scope)
            await (refused or self._inner)(scope, receive, _dressed(send))

    def _refused(self, scope: Scope) -> Response | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get("host", "").lower() not in self._hosts:
            return PlainTextResponse(f"The preview answers at http://{min(self._hosts)} alone.\n", status_code=421)
        if scope["method"] not in {"GET", "HEAD"}:
            return PlainTextResponse("The preview only shows.\n", status_code=405, headers={"allow": "GET, HEAD"})
        if headers.get("sec-fetch-site") in {"cross-site", "same-site"} and headers.get("sec-fetch-mode") != "navigate":
            return PlainTextResponse("Another page asked for this.\n", status_code=403)
        return None


def _dressed(send: Send) -> Send:
    async def dressed(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *((name.encode(), value.encode()) for name, value in _ALWAYS.items())]
        await send(message)

    return dressed


def make_preview(studio: Studio, port: int) -> Guard:
    """The application over a studio that was started, for one port of 127.0.0.1."""
    door = _Door(studio)
    files = {name: (templates_folder() / "preview" / name).read_text(encoding="utf-8") for name in ("style.css", "page.js")}
    routes = [
        Route("/", door.page),
        Route("/letter", door.letter),
        Route("/where", door.where),
        Route("/changes", door.changes),
        Route(f"{LOGOS}{{name}}", door.logo),
        Route(f"{PICTURES}{{name}}", door.picture),
        Route("/style.css", _file(files["style.css"], "text/css")),
        Route("/page.js", _file(files["page.js"], "text/javascript")),
    ]
    return Guard(Starlette(routes=routes), port)


def _file(text: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def give(_request: Request) -> Response:
        return Response(text, media_type=kind)

    return give


class _Door:
    """The pages. Those that are no coroutines run in threads: they read the database and may compile a language."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._template = environment().get_template("preview/page.html")

    def page(self, request: Request) -> Response:
        ask = asked(request.query_params)
        made = self._cast(ask)
        return HTMLResponse(self._template.render(values(made, ask)), headers={"content-security-policy": _PAGE})

    def letter(self, request: Request) -> Response:
        ask = asked(request.query_params)
        made = self._cast(ask)
        if made.scene.take is None or made.shown is None:
            return PlainTextResponse("There is no letter to show.\n", status_code=404)
        site_url = made.scene.take.content.site_url

        def ours(address: str) -> str:
            return address.removeprefix(site_url) if address.startswith((f"{site_url}{LOGOS}", f"{site_url}{PICTURES}")) else _ELSEWHERE

        html = pictured(led_to(as_seen(made.shown.html, Look(ask.look)), "/where"), ours)
        policy = _LETTER.format("'self'" if ask.pictures == "on" else "'none'")
        return HTMLResponse(html, headers={"content-security-policy": policy})

    def _cast(self, ask: Ask) -> Page:
        """The reader that was asked for, with their letter or the reason why there is none."""
        scene = self._studio.scene
        if scene.engine is None or scene.config is None or scene.take is None:
            return Page(scene=scene)
        try:
            made = self._studio.cast(scene.engine, scene.take, reader=ask.reader, language=ask.language)
            found = casting.search(scene.engine, ask.q)
        except DigestError as error:
            return Page(scene=scene, broken=error)
        return Page(scene=scene, cast=made, found=tuple(found))

    async def where(self, request: Request) -> Response:
        """Within the letter's frame, for a browser without scripts."""
        to = request.query_params.get("to", "")
        said = f"<p id=said>In the real letter this leads to {escape(leads_to(self._studio.scene, to))}.</p><p id=address>{escape(to)}</p>"
        page = f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>A link</title>{said}<p>Go back to read on.</p>'
        return HTMLResponse(page, headers={"content-security-policy": _LETTER.format("'none'")})

    def logo(self, request: Request) -> Response:
        config = self._studio.scene.config
        file = logo_file(config)[0] if config is not None else None
        if file is None or file.name != request.path_params["name"]:
            return PlainTextResponse("There is no such picture.\n", status_code=404)
        return Response(file.data, media_type=file.content_type)

    def picture(self, request: Request) -> Response:
        """One that is stored already, or that was made for this rehearsal."""
        name, engine = request.path_params["name"], self._studio.scene.engine
        made = self._studio.album.unkept.get(name)
        if made is not None:
            return Response(made.data, media_type=made.type)
        if engine is not None:
            with read(engine) as connection:
                stored = pictures.get(connection, name)
            if stored is not None:
                return Response(stored.octets, media_type=stored.type)
        return PlainTextResponse("There is no such picture.\n", status_code=404)

    async def changes(self, request: Request) -> Response:
        """Server-sent events: the number of the newest scene, each time there is one."""
        del request
        return StreamingResponse(self._numbers(), media_type="text/event-stream")

    def _is_new(self, told: int) -> bool:
        return self._studio.scene.version != told

    async def _numbers(self) -> AsyncIterator[str]:
        yield f"retry: 400\ndata: {self._studio.scene.version}\n\n"
        told = self._studio.scene.version
        quiet = 0.0
        while not self._studio.stopped and quiet < _STREAM:
            await self._studio.bell.heard(_KEEP, partial(self._is_new, told))
            if self._studio.scene.version == told:
                quiet += _KEEP
                yield ": still here\n\n"
            else:
                told = self._studio.scene.version
                yield f"data: {told}\n\n"
