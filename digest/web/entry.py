"""`/entry/<link>`: what became of somebody's words in the ledger. The link was mailed to them; they say what it is, or take it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest.db import capabilities, people, questions
from digest.db.session import read, write
from digest.domain.capability import Purpose
from digest.domain.link import clean
from digest.domain.question import NEXT, Question, QuestionKind, QuestionState
from digest.pipeline import entries, replies
from digest.pipeline.entries import LedgerError
from digest.web.pages import Reply
from digest.web.rooms import Rooms, Sent

_POST = "post"


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What a link leads to."""

    link: str
    usable: bool  # it may still change something
    one: Question
    period: str  # the edition that prints its answer, or ""
    language: str


class EntryPage:
    """GET shows, POST changes exactly the version that was shown. Nobody's name stands on it but the owner's."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        found = await run_in_threadpool(self._opened, request.path_params["link"])
        if found is None:
            return self._rooms.unknown(request)
        if request.method != "POST":
            return (await self._shown(found)).response()
        sent = await self._rooms.sent(request, _bound(found))
        if sent is None or not found.usable:
            return (await self._shown(found, said="again", status=409)).response()
        said = await run_in_threadpool(self._act, found, sent)
        again = await run_in_threadpool(self._opened, found.link)
        return (await self._shown(again or found, said=said, status=429 if said == "enough" else 409 if said == "again" else 200)).response()

    def _opened(self, text: str) -> Opened | None:
        """The entry behind a link of its asker's; None for a link that leads nowhere, or of somebody who is not here any more."""
        link, _ = clean(text)
        with read(self._rooms.engine) as connection:
            found = capabilities.find(connection, link, Purpose.ENTRY)
            one = questions.get(connection, found.subject) if found is not None and found.subject is not None else None
            asker = people.by_ids(connection, [found.employee]).get(found.employee) if found is not None else None
            if found is None or one is None or asker is None or one.employee != found.employee or asker.left_at is not None:
                return None
            period = entries.printed_by(connection, one)
            return Opened(link=link, usable=found.open(self._rooms.clock()), one=one, period=period, language=asker.language)

    def _act(self, found: Opened, sent: Sent) -> str:
        try:
            with write(self._rooms.engine) as connection:
                if sent.text("action") == "back":
                    entries.recall(connection, found.one, self._rooms.clock(), how=sent.told())
                    return "done"
                return self._retake(connection, found.one, sent)
        except LedgerError:
            return "again"

    def _retake(self, connection: Any, one: Question, sent: Sent) -> str:  # noqa: ANN401 - the connection of the transaction
        now, kind = self._rooms.clock(), sent.text("as")
        if kind == _POST:
            return "moved" if replies.offer(connection, one, self._rooms.settings.moderation, now, how=sent.told()) else "enough"
        if kind in set(QuestionKind):
            one = entries.retake(connection, one, QuestionKind(kind), now, how=sent.told())
        if one.state is QuestionState.UNCONFIRMED:
            entries.entered(connection, entries.confirm(connection, one, now, how=sent.told()).id, now)
        return "done"

    async def _shown(self, found: Opened, *, said: str = "", status: int = 200) -> Reply:
        one, waits = found.one, found.one.state in entries.WAITING
        deeds = {"as"} if waits and found.usable else set()
        if found.usable and QuestionState.WITHDRAWN in NEXT[one.state] and not found.period:
            deeds.add("back")
        standing = "printed" if found.period else "owned" if one.state is QuestionState.OPEN and one.owner else one.state.value
        values: dict[str, Any] = {"one": one, "standing": standing, "period": found.period, "said": said, "deeds": deeds}
        values |= {"kinds": [*(kind.value for kind in QuestionKind), _POST], "day": one.asked_at.date()}
        return await self._rooms.page("entry", found.language, _bound(found), "as", "back", status=status, **values)


def _bound(found: Opened) -> str:
    """What its forms are bound to: the version that was shown, so that none acts on another."""
    return f"entry|{found.link}|{found.one.version}"


def routes(rooms: Rooms) -> list[BaseRoute]:
    """The page of an entry."""
    page = EntryPage(rooms)

    async def entry(request: Request) -> Response:
        return await page(request)

    return [Route("/entry/{link}", entry, methods=["GET", "POST"])]
