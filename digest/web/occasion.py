"""`/c/<control>/<n>`: an event for the reader's calendar. `/refer/<control>/<n>`: a job, and a word that somebody was referred."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest.db.control import Holder
from digest.domain.edition import EditionPost
from digest.domain.link import clean
from digest.domain.occasion import is_closed, leads_to
from digest.domain.post import Kind
from digest.pipeline import carried, occasions
from digest.web.rooms import Rooms

_SUFFIX = ".ics"
_HEADERS = {
    "content-type": "text/calendar; charset=utf-8",
    "content-disposition": 'attachment; filename="event.ics"',
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
    "referrer-policy": "no-referrer",
}


class OccasionPages:
    """The two pages of posts that are about a day."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def _found(self, request: Request, kind: Kind) -> tuple[Holder, EditionPost] | None:
        holder = await self._rooms.holder(request)
        number = request.path_params["n"].removesuffix(_SUFFIX)
        post = await run_in_threadpool(carried.of_letter, self._rooms.engine, holder, number) if holder else None
        return (holder, post) if holder is not None and post is not None and post.kind is kind else None

    async def calendar(self, request: Request) -> Response:
        """The event as a file; asking for it is counted nowhere."""
        found = await self._found(request, Kind.EVENT)
        host = urlsplit(self._rooms.settings.site_url).hostname or "localhost"
        data = occasions.calendar_file(found[1], host=host, now=self._rooms.clock()) if found else None
        return self._rooms.unknown(request) if data is None else Response(data, headers=_HEADERS)

    async def refer(self, request: Request) -> Response:
        """How to refer somebody, and the button of who did."""
        found = await self._found(request, Kind.JOB)
        if found is None or not found[1].refer:
            return self._rooms.unknown(request)
        holder, post = found
        link = f"refer/{request.path_params['control']}/{request.path_params['n']}"
        if request.method != "POST":
            return await self._page(holder, post, link, "")
        sent = await self._rooms.sent(request, link)
        if sent is None:
            return self._rooms.pages.notice("refused", holder.language, status=400).response()
        control, _ = clean(request.path_params["control"])
        if sent.text("action") == "undo":
            await run_in_threadpool(lambda: occasions.take_back_referral(self._rooms.engine, post, control=control))
            return await self._page(holder, post, link, "undone")
        if sent.machine or self._over(post):  # nothing is counted for who did not read the page, and nothing is lost: the button is still there
            return await self._page(holder, post, link, "" if self._over(post) else "again")
        now = self._rooms.clock()
        await run_in_threadpool(lambda: occasions.note_referral(self._rooms.engine, holder, post, control=control, now=now))
        return await self._page(holder, post, link, "done")

    def _over(self, post: EditionPost) -> bool:
        return is_closed(post.closes, self._rooms.clock().date())

    async def _page(self, holder: Holder, post: EditionPost, link: str, said: str) -> Response:
        values: dict[str, Any] = {"post": post, "said": said, "over": self._over(post), "leads": leads_to(post.refer)}
        values["today"] = self._rooms.clock().date()
        return (await self._rooms.page("refer", holder.language, link, "referred", "undo", **values)).response()


def routes(rooms: Rooms) -> list[BaseRoute]:
    """Of events and jobs."""
    pages = OccasionPages(rooms)

    async def calendar(request: Request) -> Response:
        return await pages.calendar(request)

    async def refer(request: Request) -> Response:
        return await pages.refer(request)

    return [
        Route("/c/{control}/{n}", calendar, methods=["GET", "HEAD"]),
        Route("/refer/{control}/{n}", refer, methods=["GET", "HEAD", "POST"]),
    ]
