"""`/v/<control>/<n>`: not for me, and why. GET shows; POST answers, changes the answer or takes it back."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest.db import votes as stored
from digest.db.control import Holder
from digest.db.session import read
from digest.domain.edition import EditionPost
from digest.domain.link import clean
from digest.domain.vote import VoteReason, may_be_voted
from digest.pipeline import carried, votes
from digest.web.rooms import Rooms, Sent


class VotePage:
    """One answer of one person about one post."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def __call__(self, request: Request) -> Response:
        """Show the reasons, or note one."""
        holder = await self._rooms.holder(request)
        n = request.path_params["n"]
        post = await run_in_threadpool(carried.of_letter, self._rooms.engine, holder, n) if holder else None
        if holder is None or post is None or not may_be_voted(post):
            return self._rooms.unknown(request)
        if holder.shared:
            return self._rooms.pages.notice("several", holder.language, status=403 if request.method == "POST" else 200).response()
        link = f"{request.path_params['control']}/{n}"
        if request.method != "POST":
            there = await run_in_threadpool(self._there, holder, post)
            return await self._page(holder, post, link, "", there=there)
        sent = await self._rooms.sent(request, link)
        if sent is None:
            return self._rooms.pages.notice("refused", holder.language, status=400).response()
        if sent.text("action") == "undo":
            await run_in_threadpool(votes.take_back, self._rooms.engine, holder, post)
            return await self._page(holder, post, link, "undone", there=False)
        return await self._vote(request, holder, post, link, sent)

    async def _vote(self, request: Request, holder: Holder, post: EditionPost, link: str, sent: Sent) -> Response:
        if sent.text("reason") not in set(VoteReason):
            return await self._page(holder, post, link, "", there=False, status=422)
        reason = VoteReason(sent.text("reason"))
        control, _ = clean(request.path_params["control"])
        await run_in_threadpool(self._note, holder, post, reason, control, machine=sent.machine)
        return await self._page(holder, post, link, reason.value, there=True)

    def _note(self, holder: Holder, post: EditionPost, reason: VoteReason, control: str, *, machine: bool) -> None:
        votes.answer(self._rooms.engine, holder, post, reason, control=control, machine=machine, now=self._rooms.clock())

    def _there(self, holder: Holder, post: EditionPost) -> bool:
        with read(self._rooms.engine) as connection:
            return stored.answered(connection, holder.employee, post.id)

    async def _page(self, holder: Holder, post: EditionPost, link: str, said: str, *, there: bool, status: int = 200) -> Response:
        """`said`: the reason just given, "undone", or "" before any; `there`: an answer is stored."""
        values = {
            "post": post,
            "said": said,
            "there": there,
            "reasons": [reason.value for reason in VoteReason],
            "minimum": self._rooms.settings.minimum_group,
        }
        return (await self._rooms.page("vote", holder.language, link, "vote", "undo", status=status, **values)).response()


def routes(rooms: Rooms) -> list[BaseRoute]:
    """The page's own."""
    page = VotePage(rooms)

    async def votes_(request: Request) -> Response:
        return await page(request)

    return [Route("/v/{control}/{n:path}", votes_, methods=["GET", "HEAD", "POST"])]
