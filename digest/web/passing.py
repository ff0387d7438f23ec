"""`/pass/<control>/<n>`: an internal post of this letter goes to one colleague, inside the wall and untracked."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest.db.control import Holder
from digest.domain.edition import EditionPost
from digest.files.addresses import RefusedError, address
from digest.pipeline import carried, passing
from digest.web.rooms import Rooms


class PassPage:
    """Whoever has the letter has its words; the page shows the title alone, and nobody's name."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def __call__(self, request: Request) -> Response:
        """Ask for an address, or pass on."""
        holder = await self._rooms.holder(request)
        n = request.path_params["n"]
        post = await run_in_threadpool(self._post, holder, n) if holder else None
        if holder is None or post is None or not post.internal:
            return self._rooms.unknown(request)
        link = f"{request.path_params['control']}/{n}"
        if request.method != "POST":
            return await self._page(holder, post, link)
        sent = await self._rooms.sent(request, link)
        if sent is None:
            return self._rooms.pages.notice("refused", holder.language, status=400).response()
        typed = sent.text("to").strip()
        try:
            to = address(typed)
        except RefusedError:
            return await self._page(holder, post, link, typed=typed, problem="address", status=422)
        done = await run_in_threadpool(self._pass_on, holder, post, to)
        if not done:
            return await self._page(holder, post, link, typed=typed, problem="passes", status=429)
        return await self._page(holder, post, link, done=True)

    def _post(self, holder: Holder, n: str) -> EditionPost | None:
        return carried.of_letter(self._rooms.engine, holder, n, printed=True)

    def _pass_on(self, holder: Holder, post: EditionPost, to: str) -> bool:
        rooms = self._rooms
        return passing.pass_on(rooms.engine, holder, post, to, most=rooms.settings.passes, now=rooms.clock())

    async def _page(
        self, holder: Holder, post: EditionPost, link: str, *, typed: str = "", problem: str = "", done: bool = False, status: int = 200
    ) -> Response:
        values = {"post": post, "typed": typed, "problem": problem, "done": done}
        return (await self._rooms.page("pass", holder.language, link, "pass", status=status, **values)).response()


def routes(rooms: Rooms) -> list[BaseRoute]:
    """The page's own."""
    page = PassPage(rooms)

    async def passes(request: Request) -> Response:
        return await page(request)

    return [Route("/pass/{control}/{n:path}", passes, methods=["GET", "HEAD", "POST"])]
