"""`/a/<control>/<n>`, `/answer/<once>`, `/disown/<once>`, `/send/<once>`: letters to the author of a post and back, without anybody's address."""

from __future__ import annotations

from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest.db.control import Holder
from digest.domain.capability import Purpose
from digest.domain.correspondence import LONGEST, Written
from digest.domain.edition import EditionPost
from digest.pipeline import author, carried
from digest.pipeline.author import Limits, Opened, Typed
from digest.web.forms import field, read_form
from digest.web.rooms import Rooms, Sent

_GONE = {Written.SENT: "sent", Written.HELD: "held"}  # the page says which
_WRONG = {Written.EMPTY: 422, Written.LONG: 422, Written.ENOUGH: 429, Written.MANY: 429, Written.UNREACHABLE: 410}
_STATUS = {**dict.fromkeys(_GONE, 200), **_WRONG}


class AuthorPage:
    """Write to the author."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def __call__(self, request: Request) -> Response:
        """Show the form, or send what was written."""
        rooms, n = self._rooms, request.path_params["n"]
        holder = await rooms.holder(request)
        post = await run_in_threadpool(carried.of_letter, rooms.engine, holder, n) if holder else None
        if holder is None or post is None or post.author_id is None:
            return rooms.unknown(request)
        if holder.shared:
            return rooms.pages.notice("several", holder.language, status=403 if request.method == "POST" else 200).response()
        if author.own(holder.employee, post):
            return rooms.pages.notice("own", holder.language, status=403 if request.method == "POST" else 200).response()
        if not await run_in_threadpool(author.reachable, rooms.engine, post, rooms.clock()):
            return rooms.pages.notice("unreachable", holder.language, status=410).response()
        link = f"{request.path_params['control']}/{n}"
        if request.method == "POST":
            return await self._sent(request, holder, post, link)
        named = await run_in_threadpool(author.named, rooms.engine, holder)
        return await self._page(holder, post, link, named=named)

    async def _sent(self, request: Request, holder: Holder, post: EditionPost, link: str) -> Response:
        rooms = self._rooms
        sent = await rooms.sent(request, link)
        typed = await _typed(request, sent)
        if sent is None:
            return await self._page(holder, post, link, text=typed.text, named=typed.named, problem="again", status=400)
        done = await run_in_threadpool(self._write, holder, post, typed)
        if done is Written.UNREACHABLE:
            return rooms.pages.notice("unreachable", holder.language, status=410).response()
        problem = "" if done in _GONE else done.value
        return await self._page(
            holder, post, link, text=typed.text, named=typed.named, problem=problem, done=_GONE.get(done, ""), status=_STATUS[done]
        )

    def _write(self, holder: Holder, post: EditionPost, typed: Typed) -> Written:
        return author.write_to_author(self._rooms.engine, holder, post, typed, _limits(self._rooms), self._rooms.clock())

    async def _page(  # noqa: PLR0913 - what the page shows
        self,
        holder: Holder,
        post: EditionPost,
        link: str,
        *,
        text: str = "",
        named: bool = False,
        problem: str = "",
        done: str = "",
        status: int = 200,
    ) -> Response:
        values = {"post": post, "text": text, "named": named, "problem": problem, "done": done, "most": LONGEST}
        return (await self._rooms.page("write", holder.language, link, "write", status=status, **values)).response()


class AnswerPage:
    """Answer a letter, or report it; the link was mailed to one person and works once."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def __call__(self, request: Request) -> Response:
        """Show the letter, or act on it."""
        rooms, once = self._rooms, request.path_params["once"]
        opened = await run_in_threadpool(author.open_letter, rooms.engine, once, Purpose.ANSWER, rooms.clock())
        if opened is None:
            return rooms.pages.notice("once", rooms.language(request), status=404).response()
        if request.method != "POST":
            return await self._page(opened, once, named=opened.named)
        sent = await rooms.sent(request, once)
        typed = await _typed(request, sent)
        if sent is None:
            return await self._page(opened, once, text=typed.text, named=typed.named, problem="again", status=400)
        if sent.text("action") == "report":
            await run_in_threadpool(partial(author.report, machine=sent.machine), rooms.engine, once, rooms.clock())
            return rooms.pages.notice("reported", opened.language, status=200).response()
        done = await run_in_threadpool(author.answer, rooms.engine, once, typed, _limits(rooms), rooms.clock())
        if done is None or done is Written.UNREACHABLE:
            kind, status = ("once", 404) if done is None else ("unreachable", 410)
            return rooms.pages.notice(kind, opened.language, status=status).response()
        problem = "" if done in _GONE else done.value
        return await self._page(opened, once, text=typed.text, named=typed.named, problem=problem, done=_GONE.get(done, ""), status=_STATUS[done])

    async def _page(
        self, opened: Opened, once: str, *, text: str = "", named: bool = False, problem: str = "", done: str = "", status: int = 200
    ) -> Response:
        values = {
            "title": opened.title,
            "letter": opened.letter.text,
            "text": text,
            "named": named,
            "problem": problem,
            "done": done,
            "most": LONGEST,
        }
        return (await self._rooms.page("answer", opened.language, once, "answer", "report", status=status, **values)).response()


class DisownPage:
    """To say "that was not me"; mailed to whoever's letter the words came from."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def __call__(self, request: Request) -> Response:
        """Show the words, or take them back."""
        rooms, once = self._rooms, request.path_params["once"]
        opened = await run_in_threadpool(author.open_letter, rooms.engine, once, Purpose.DISOWN, rooms.clock())
        if opened is None:
            return rooms.pages.notice("once", rooms.language(request), status=404).response()
        if request.method != "POST":
            return (await rooms.page("disown", opened.language, once, "disown", title=opened.title, letter=opened.letter.text)).response()
        sent = await rooms.sent(request, once)
        if sent is None:
            return rooms.pages.notice("refused", opened.language, status=400).response()
        await run_in_threadpool(partial(author.disown, machine=sent.machine), rooms.engine, once, rooms.clock())
        return rooms.pages.notice("disowned", opened.language, status=200).response()


class SendPage:
    """To send words that a machine seems to have written; mailed to whoever's letter they came from."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def __call__(self, request: Request) -> Response:
        """Show the words, or send them."""
        rooms, once = self._rooms, request.path_params["once"]
        opened = await run_in_threadpool(author.open_letter, rooms.engine, once, Purpose.SEND, rooms.clock())
        if opened is None:
            return rooms.pages.notice("once", rooms.language(request), status=404).response()
        if request.method != "POST":
            return await self._page(opened, once)
        sent = await rooms.sent(request, once)
        if sent is None or sent.machine:  # what looks into mail may press its buttons: nothing goes out by that
            return await self._page(opened, once, problem="again" if sent is None else "quick", status=400 if sent is None else 422)
        done = await run_in_threadpool(author.send_held, rooms.engine, once, _limits(rooms), rooms.clock())
        if done is None or done is Written.UNREACHABLE:
            kind, status = ("once", 404) if done is None else ("unreachable", 410)
            return rooms.pages.notice(kind, opened.language, status=status).response()
        problem = "" if done is Written.SENT else done.value
        return await self._page(opened, once, problem=problem, done=not problem, status=_STATUS[done])

    async def _page(self, opened: Opened, once: str, *, problem: str = "", done: bool = False, status: int = 200) -> Response:
        values = {"title": opened.title, "letter": opened.letter.text, "problem": problem, "done": done}
        return (await self._rooms.page("send", opened.language, once, "send", status=status, **values)).response()


async def _typed(request: Request, sent: Sent | None) -> Typed:
    """What stands in the form, one that is not ours included: nothing that was typed is lost."""
    if sent is not None:
        return Typed(text=sent.text("words"), named=bool(sent.text("named")), key=sent.text("check"), machine=sent.machine)
    form = await read_form(request)
    return Typed(text=field(form, "words") if form else "", named=bool(form and field(form, "named")), key="")


def _limits(rooms: Rooms) -> Limits:
    return Limits(letters=rooms.settings.letters, received=rooms.settings.received)


def routes(rooms: Rooms) -> list[BaseRoute]:
    """The pages' own."""
    write, answer, disown, send = AuthorPage(rooms), AnswerPage(rooms), DisownPage(rooms), SendPage(rooms)

    async def writes(request: Request) -> Response:
        return await write(request)

    async def answers(request: Request) -> Response:
        return await answer(request)

    async def disowns(request: Request) -> Response:
        return await disown(request)

    async def sends(request: Request) -> Response:
        return await send(request)

    return [
        Route("/send/{once:path}", sends, methods=["GET", "HEAD", "POST"]),
        Route("/a/{control}/{n:path}", writes, methods=["GET", "HEAD", "POST"]),
        Route("/answer/{once:path}", answers, methods=["GET", "HEAD", "POST"]),
        Route("/disown/{once:path}", disowns, methods=["GET", "HEAD", "POST"]),
    ]
