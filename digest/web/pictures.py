"""Pictures of letters, from our own address: the same octets for everybody, kept for ever, and nothing noted of who asked."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.db import pictures
from digest.db.pictures import Served
from digest.db.session import read
from digest.domain.picture import PATH

_NAME = re.compile(r"[0-9a-z]{26}\.(?:jpg|png)")
_YEAR = 31_536_000  # seconds
_MINUTE = 60.0  # seconds
_ROOM = 8_000_000  # octets kept at hand: those of a few editions
_HEADERS = {
    "cache-control": f"public, max-age={_YEAR}, immutable",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "cross-origin",  # mail programs in browsers show it on pages of theirs
    "x-robots-tag": "noindex, nofollow",
    "content-security-policy": "default-src 'none'; sandbox",
    "referrer-policy": "no-referrer",
}


class Shelf:
    """The pictures asked for last, up to a number of octets and for a minute: thousands open a letter at once, and what is erased goes soon."""

    def __init__(self, engine: Engine, room: int = _ROOM, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._room = room
        self._monotonic = monotonic
        self._held: OrderedDict[str, tuple[float, Served]] = OrderedDict()
        self._turn = threading.Lock()

    def get(self, name: str) -> Served | None:
        """The picture, or None for a name of none. Raises StorageError."""
        with self._turn:
            since, held = self._held.get(name, (0.0, None))
        if held is not None and 0 <= self._monotonic() - since < _MINUTE:
            return held
        with read(self._engine) as connection:
            found = pictures.get(connection, name)
        self._keep(name, found)
        return found

    def _keep(self, name: str, found: Served | None) -> None:
        with self._turn:
            self._held.pop(name, None)
            if found is not None:
                self._held[name] = (self._monotonic(), found)
            while sum(len(held.octets) for _, held in self._held.values()) > self._room:
                self._held.popitem(last=False)


def picture_routes(engine: Engine) -> list[Route]:
    """`/p/<name>`."""
    shelf = Shelf(engine)

    async def give(request: Request) -> Response:
        name = request.path_params["name"].lower()
        found = await run_in_threadpool(shelf.get, name) if _NAME.fullmatch(name) else None
        if found is None:
            raise HTTPException(404)
        headers = {**_HEADERS, "etag": f'"{name}"'}
        if f'"{name}"' in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(found.octets, media_type=found.type, headers=headers)

    return [Route(f"{PATH}{{name}}", give, methods=["GET"])]
