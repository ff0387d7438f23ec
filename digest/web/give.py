"""`/give/<control>`: give a post, or ask something. Whoever has the letter may write; only who has its mailbox can say that it is theirs."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest.db import questions, quotas
from digest.db.control import Holder
from digest.db.session import write
from digest.domain.contribution import Contribution, ContributionState
from digest.domain.question import QuestionKind
from digest.domain.reply import A_DAY
from digest.errors import StorageError
from digest.pipeline import contribution, entries
from digest.pipeline.contribution import key_of
from digest.web.agree import AgreePage
from digest.web.forms import field, read_form
from digest.web.given import Draft, Drafter, Filled, about, may_look
from digest.web.pages import Reply
from digest.web.rooms import Rooms, Sent
from digest.web.yes import YesPage

_GIVE, _ASK = "give", "ask"  # the two forms of the page


class GivePage:
    """Shows the form, looks at what it leads to, and keeps what was written until its owner says yes by mail."""

    def __init__(self, rooms: Rooms, drafter: Drafter) -> None:
        self._rooms = rooms
        self._drafter = drafter
        self._networks = frozenset(name for name, _ in rooms.settings.offered)

    async def __call__(self, request: Request) -> Response:
        """Answer one request; while the database is away the form comes back with everything that was typed."""
        try:
            return await self._answer(request)
        except StorageError:
            form = await read_form(request) if request.method == "POST" else None
            if form is None:
                raise
            check = str(form.get("check", ""))
            more: dict[str, Any] = {"filled": Filled.of(form), "problem": "away", "asking": _asks(form), "seals": {_GIVE: check, _ASK: check}}
            return self._rooms.pages.page(
                "give", self._rooms.language(request), status=503, **about(self._rooms.settings, more, mine=False)
            ).response()

    async def _answer(self, request: Request) -> Response:
        holder = await self._rooms.holder(request)
        if holder is None:
            return self._rooms.unknown(request)
        if holder.shared:  # nobody can tell whose post or question it would be
            status = 403 if request.method == "POST" else 200
            return self._rooms.pages.notice("several", holder.language, status=status).response()
        if request.method != "POST":
            return (await self._page(request, holder, Filled())).response()
        sent = await self._rooms.sent(request, _link(holder))
        if sent is None:
            form = await read_form(request)
            filled = Filled.of(form) if form else Filled()
            return (await self._page(request, holder, filled, problem="again", asking=_asks(form), status=400)).response()
        acts = self._ask if sent.text("action") == _ASK else self._give
        return (await acts(request, holder, sent)).response()

    async def _page(self, request: Request, holder: Holder, filled: Filled, *, status: int = 200, **more: Any) -> Reply:  # noqa: ANN401 - whatever the template needs
        language = self._rooms.language(request, holder)
        return await self._rooms.page(
            "give", language, _link(holder), _GIVE, _ASK, status=status, filled=filled, **about(self._rooms.settings, more, mine=False)
        )

    async def _give(self, request: Request, holder: Holder, sent: Sent) -> Reply:
        filled = Filled.of(sent.fields)
        do = sent.text("do")
        draft = await self._drafter.draft(filled, look=do == "look" and await may_look(self._rooms, holder.employee))
        if do not in {"send", "keep"} or draft.wrong(do):
            return await self._page(request, holder, draft.filled, status=422 if draft.wrong(do) else 200, **draft.view(do))
        kept = await run_in_threadpool(self._hold, holder, draft, do, sent)
        if kept is None:
            return await self._page(request, holder, filled, problem="enough", status=429)
        language = self._rooms.language(request, holder)
        return self._rooms.pages.page("given", language, what="kept" if kept.state is ContributionState.DRAFT else "sent", control=_path(request))

    def _hold(self, holder: Holder, draft: Draft, do: str, sent: Sent) -> Contribution | None:
        state = ContributionState.DRAFT if do == "keep" else ContributionState.UNCONFIRMED
        gift = draft.gift(holder.employee, holder.language, holder.edition, self._networks)
        with write(self._rooms.engine) as connection:
            return contribution.hold(connection, gift, state, self._rooms.settings.moderation, self._rooms.clock(), how=sent.told())

    async def _ask(self, request: Request, holder: Holder, sent: Sent) -> Reply:
        filled = Filled.of(sent.fields)
        wrong = "ask" if not filled.ask else "long" if len(filled.ask) > self._rooms.settings.moderation.longest else ""
        kind = QuestionKind(filled.kind) if filled.kind in set(QuestionKind) else QuestionKind.QUESTION
        if wrong:
            return await self._page(request, holder, filled, problem=wrong, asking=True, status=422)
        if not await run_in_threadpool(self._put, holder, filled, kind, sent):
            return await self._page(request, holder, filled, problem="enough", asking=True, status=429)
        return self._rooms.pages.page("given", self._rooms.language(request, holder), what="asked", control=_path(request))

    def _put(self, holder: Holder, filled: Filled, kind: QuestionKind, sent: Sent) -> bool:
        """Enter it, with a receipt to the owner of the letter; False when they asked enough today."""
        key = key_of("ask", holder.employee, sent.text("check"), filled.ask)
        with write(self._rooms.engine) as connection:
            if questions.by_key(connection, key) is None and not quotas.take(connection, "ask", holder.employee, self._rooms.clock(), A_DAY):
                return False
            number = questions.put(
                connection, key=key, employee=holder.employee, kind=kind, text=filled.ask, language=holder.language, now=self._rooms.clock(),
                edition=holder.edition, confirmed=not sent.machine,
            )  # fmt: skip
            entries.entered(connection, number, self._rooms.clock())
        return True


def _asks(form: FormData | None) -> bool:
    """Whether it is the second form of the page."""
    return form is not None and field(form, "action") == _ASK


def _link(holder: Holder) -> str:
    """What its forms are bound to."""
    return f"give|{holder.message}"


def _path(request: Request) -> str:
    return str(request.path_params["control"])


def routes(rooms: Rooms) -> list[BaseRoute]:
    """The pages for giving, for saying yes, and for the author's last word."""
    drafter = Drafter(rooms.settings.look, rooms.settings.moderation, rooms.settings.site_url)
    give, yes, agree = GivePage(rooms, drafter), YesPage(rooms, drafter), AgreePage(rooms)

    async def gives(request: Request) -> Response:
        return await give(request)

    async def confirms(request: Request) -> Response:
        return await yes(request)

    async def agrees(request: Request) -> Response:
        return await agree(request)

    methods = ["GET", "HEAD", "POST"]
    return [
        Route("/give/yes/{link}", confirms, methods=methods),
        Route("/give/{control}", gives, methods=methods),
        Route("/agree/{link}", agrees, methods=methods),
    ]
