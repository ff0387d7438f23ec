"""`/give/yes/<link>`: a link that was mailed to the owner of a letter. Is this post yours? A draft goes on here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digest.db import capabilities, contributions, people
from digest.db.capabilities import Capability
from digest.db.session import read, write
from digest.domain.capability import Purpose
from digest.domain.contribution import Contribution, ContributionState
from digest.domain.employee import Employee
from digest.domain.link import clean
from digest.errors import StorageError
from digest.pipeline import contribution, contribution_notices
from digest.web.forms import read_form
from digest.web.given import Draft, Drafter, Filled, about, may_look, shown, signatures
from digest.web.pages import Reply
from digest.web.rooms import Rooms, Sent

_S = ContributionState


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What a link leads to."""

    link: str
    capability: Capability
    one: Contribution
    author: Employee


def opened(rooms: Rooms, text: str, purpose: Purpose) -> Opened | None:
    """The contribution behind a link that works once, with its author; None for a link that leads nowhere (any more)."""
    link, _ = clean(text)
    with read(rooms.engine) as connection:
        found = capabilities.find(connection, link, purpose)
        one = contributions.get(connection, found.subject) if found and found.subject is not None else None
        author = people.by_ids(connection, [found.employee]).get(found.employee) if found else None
    if found is None or one is None or author is None or one.employee != found.employee or author.left_at is not None:
        return None
    return Opened(link=link, capability=found, one=one, author=author)


class YesPage:
    """GET shows, POST says yes, takes back, sends a draft or keeps it."""

    def __init__(self, rooms: Rooms, drafter: Drafter) -> None:
        self._rooms = rooms
        self._drafter = drafter
        self._networks = frozenset(name for name, _ in rooms.settings.offered)

    async def __call__(self, request: Request) -> Response:
        """Answer one request; while the database is away a draft comes back with everything that was typed."""
        try:
            return await self._answer(request)
        except StorageError:
            form = await read_form(request) if request.method == "POST" else None
            if form is None or "what" not in form:
                raise
            seals = {"draft": str(form.get("check", ""))}
            more: dict[str, Any] = {"filled": Filled.of(form), "problem": "away", "seals": seals}
            return self._rooms.pages.page(
                "give", self._rooms.language(request), status=503, **about(self._rooms.settings, more, mine=True)
            ).response()

    async def _answer(self, request: Request) -> Response:
        found = await run_in_threadpool(opened, self._rooms, request.path_params["link"], Purpose.CONFIRM)
        if found is None:
            return self._rooms.unknown(request)
        if request.method != "POST":
            return (await self._shown(found)).response()
        sent = await self._rooms.sent(request, _bound(found))
        if sent is None:
            form = await read_form(request)
            filled = Filled.of(form) if form is not None and "what" in form else None
            return (await self._shown(found, filled=filled, problem="again", status=400)).response()
        return (await self._act(found, sent)).response()

    async def _shown(self, found: Opened, *, filled: Filled | None = None, status: int = 200, **more: Any) -> Reply:  # noqa: ANN401 - whatever the template needs
        """The draft's form; else the post with what may be done about it now."""
        language, one = found.author.language, found.one
        usable = found.capability.open(self._rooms.clock())
        if one.state is _S.DRAFT and usable:
            form = filled or Filled.back(one)
            more = {**signatures(found.author), **more}
            return await self._rooms.page(
                "give", language, _bound(found), "draft", status=status, filled=form, **about(self._rooms.settings, more, mine=True)
            )
        waits = one.state in contribution.WAITING
        standing = "yes" if waits and usable else "ended" if waits else one.state.value
        values = {"post": shown(one.words, found.author.byline()), "standing": standing, "tongue": one.language, **signatures(found.author)}
        values |= {"until": self._until(one), "why": one.reason, "problem": more.get("problem", "")}
        return await self._rooms.page("give_yes", language, _bound(found), "yes", "no", "anew", status=status, **values)

    def _until(self, one: Contribution) -> Any:  # noqa: ANN401 - a date or nothing
        return None if one.decide_by is None else one.decide_by.astimezone(self._rooms.settings.moderation.zone).date()

    async def _act(self, found: Opened, sent: Sent) -> Reply:
        action = sent.text("action")
        if action == "draft":
            return await self._go_on(found, sent)
        await run_in_threadpool(self._do, found, action, sent)
        if action == "anew":
            return self._rooms.pages.page("given", found.author.language, what="anew", control="")
        again = await run_in_threadpool(opened, self._rooms, found.link, Purpose.CONFIRM)
        return await self._shown(again or found)

    def _do(self, found: Opened, action: str, sent: Sent) -> None:
        now = self._rooms.clock()
        with write(self._rooms.engine) as connection:
            if action == "anew":
                contribution_notices.held(connection, found.one, now)
            elif found.one.state is _S.UNCONFIRMED and capabilities.use(connection, found.link, Purpose.CONFIRM, now):
                if action == "no":
                    contribution.withdraw(connection, found.one.id, now, how=sent.told())
                else:
                    named = bool(sent.text("named")) and not sent.machine  # no name on a machine's word
                    contribution.confirm(connection, found.one.id, self._rooms.settings.moderation, now, how=sent.told(), named=named)

    async def _go_on(self, found: Opened, sent: Sent) -> Reply:
        """A draft: look at it, keep it as it is now, or propose it; its author is known by the link."""
        filled = Filled.of(sent.fields)
        do = sent.text("do")
        draft = await self._drafter.draft(filled, look=do == "look" and await may_look(self._rooms, found.author.id))
        if found.one.state is not _S.DRAFT or not found.capability.open(self._rooms.clock()):
            return await self._shown(found)
        if do not in {"send", "keep"} or draft.wrong(do):
            view = draft.view(do, signatures(found.author, named=filled.named)["by"])
            return await self._shown(found, filled=draft.filled, status=422 if draft.wrong(do) else 200, **view)
        await run_in_threadpool(self._store, found, draft, do, sent)
        if do == "keep":
            return self._rooms.pages.page("given", found.author.language, what="kept_here", control="")
        again = await run_in_threadpool(opened, self._rooms, found.link, Purpose.CONFIRM)
        return await self._shown(again or found)

    def _store(self, found: Opened, draft: Draft, do: str, sent: Sent) -> None:
        now = self._rooms.clock()
        gift = draft.gift(found.author.id, found.author.language, found.one.edition, self._networks)
        changes = {"words": gift.words, "body": gift.body, "networks": list(gift.networks)}
        with write(self._rooms.engine) as connection:
            if do == "keep":
                contributions.change(connection, found.one, changes)
            elif capabilities.use(connection, found.link, Purpose.CONFIRM, now):
                rules, named = self._rooms.settings.moderation, bool(sent.text("named")) and not sent.machine
                contribution.confirm(connection, found.one.id, rules, now, how=sent.told(), named=named, changes=changes)


def _bound(found: Opened) -> str:
    """What its forms are bound to."""
    return f"yes|{found.link}"
