"""`/me/once/<purpose>/<token>`: what a link that was mailed to its person opens. GET asks; one press of the button does it, once."""

from __future__ import annotations

import secrets

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digest.db.capabilities import Capability
from digest.domain.capability import Purpose
from digest.domain.link import clean
from digest.files.networks import load_networks
from digest.pipeline import once
from digest.pipeline.once import Seen
from digest.web.me_view import sentence
from digest.web.pages import reply, words
from digest.web.rooms import Rooms, Sent

_OPENS = frozenset({Purpose.EXPORT, Purpose.ERASE, Purpose.HISTORY, Purpose.ALLOW})
_BY = {"human": "history_human", "probable": "history_probable"}  # every other class is a machine
_FILE = {
    "content-type": "application/json; charset=utf-8",
    "content-disposition": 'attachment; filename="everything-about-me.json"',
    "cache-control": "no-store",
    "x-robots-tag": "noindex, nofollow",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


class OncePage:
    """Export, erasure, history and the yes to a switch, each behind a link of its own."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._labels = {network.name: network.label for network in rooms.settings.networks or load_networks()}

    async def __call__(self, request: Request) -> Response:
        """Show what the link is for, or do it."""
        asked = request.path_params["purpose"]
        if asked not in _OPENS:
            return self._rooms.unknown(request)
        purpose, (link, _) = Purpose(asked), clean(request.path_params["capability"])
        found = await run_in_threadpool(once.peek, self._rooms.engine, link, purpose)
        if found is None:
            return self._rooms.unknown(request)
        capability, language = found
        if request.method != "POST":
            is_open = capability.open(self._rooms.clock())
            return await self._ask(capability, language, link) if is_open else await self._told("over", language, link, 410)
        sent = await self._rooms.sent(request, link)
        if sent is None:
            return await self._ask(capability, language, link, status=400)
        return await self._do(capability, language, link, sent)

    async def _do(self, capability: Capability, language: str, link: str, sent: Sent) -> Response:
        match capability.purpose:
            case Purpose.ALLOW:
                return await self._allow(capability, language, link, sent)
            case Purpose.ERASE:
                return await self._erase(capability, language, link, sent)
            case Purpose.EXPORT:
                return await self._export(language, link, sent)
            case _:
                return await self._history(language, link, sent)

    async def _ask(self, capability: Capability, language: str, link: str, *, status: int = 200, problem: bool = False) -> Response:
        purpose = capability.purpose.value
        switch = once.allowing(capability) if capability.purpose is Purpose.ALLOW else None
        means = sentence(switch, self._rooms.settings, words(language)) if switch else ""
        values = {"purpose": purpose, "problem": problem, "switch": switch, "sentence": means}
        return (await self._rooms.page("me_once", language, link, purpose, status=status, **values)).response()

    async def _told(self, what: str, language: str, link: str, status: int = 200) -> Response:
        return (await self._rooms.page("me_told", language, link, status=status, what=what)).response()

    async def _allow(self, capability: Capability, language: str, link: str, sent: Sent) -> Response:
        if sent.machine:  # what looks into mail may press its buttons: nothing is allowed by that
            return await self._ask(capability, language, link, status=422, problem=True)
        done = await run_in_threadpool(once.allow, self._rooms.engine, link, now=self._rooms.clock(), how=sent.told())
        return await self._told("allowed" if done else "over", language, link, 200 if done else 410)

    async def _export(self, language: str, link: str, sent: Sent) -> Response:
        site = self._rooms.settings.site_url
        found = await run_in_threadpool(once.export, self._rooms.engine, link, site_url=site, now=self._rooms.clock(), how=sent.told())
        return await self._told("over", language, link, 410) if found is None else reply(200, _FILE, found).response()

    async def _erase(self, capability: Capability, language: str, link: str, sent: Sent) -> Response:
        if sent.text("sure") != "yes":
            return await self._ask(capability, language, link, status=422, problem=True)
        now, how = self._rooms.clock(), sent.told()
        done = await run_in_threadpool(once.erase, self._rooms.engine, link, now=now, how=how, draw=lambda: secrets.token_hex(8))
        return await self._told("erased" if done else "over", language, link, 200 if done else 410)

    async def _history(self, language: str, link: str, sent: Sent) -> Response:
        now, how = self._rooms.clock(), sent.told()
        if sent.text("action") == "delete":
            found = await run_in_threadpool(once.delete, self._rooms.engine, link, now=now, how=how, draw=lambda: secrets.token_hex(8))
            return await self._seen(found, language, link, deleted=True)
        return await self._seen(await run_in_threadpool(once.history, self._rooms.engine, link, now=now, how=how), language, link)

    async def _seen(self, found: Seen | None, language: str, link: str, *, deleted: bool = False) -> Response:
        if found is None:
            return await self._told("over", language, link, 410)
        rows = [{**row, "by": _BY.get(row["class"], "history_machine"), "network": self._labels.get(row["network"], "")} for row in found.presses]
        page = await self._rooms.page("me_history", language, link, "delete", count=found.count, presses=rows, deleted=deleted)
        return page.response()
