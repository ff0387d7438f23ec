"""`/s/<token>/<n>0`: the share page. Own words first, ready ones second; works without scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from digest.db import history, people
from digest.db.session import read, write
from digest.domain.counting import Limit
from digest.domain.link import SHARE_PAGE, number
from digest.domain.press import Press, Standing
from digest.domain.share import plain_host, room, room_octets
from digest.errors import StorageError
from digest.pipeline.answer import Answer, Share
from digest.pipeline.captions import Captions, Ready
from digest.web.forms import field, read_form
from digest.web.links import BY_DEVICE, Presser, Scope, lead, read_press
from digest.web.pages import Pages, Reply, redirect
from digest.web.settings import WebSettings
from digest.web.signals import Proxies, on_phone, preferred_language, wanted

_QUESTIONS = 2  # more would be a form to fill in
_LONGEST_PLACE = 4  # digits; no post has ten thousand captions


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What stands in the form when the page is shown again."""

    letter: str = ""
    words: str = ""
    server: str | None = None  # None: the one that is remembered
    problem: str = ""  # choose | server | gone
    note: str = ""  # remembered | forgotten
    taken: bool = False  # a ready caption was put into the box


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A network on the page."""

    letter: str
    label: str
    limit: Limit
    room: int
    octets: int | None
    text: bool  # its composer opens with the words in it
    server: bool  # people have servers of their own there
    colleagues: bool


class SharePage:
    """Shows the page, takes the words, sends them on to the network."""

    def __init__(
        self,
        engine: Engine,
        presser: Presser,
        pages: Pages,
        settings: WebSettings,
        proxies: Proxies,
        captions: Captions,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._presser = presser
        self._pages = pages
        self._captions = captions
        self._networks = {network.letter: network for network in settings.networks}
        self._site_url = settings.site_url
        self._short = settings.short and settings.tracking != "off"
        self._proxies = proxies
        self._clock = clock

    async def __call__(self, request: Request) -> Response:
        """Show the page, or send the words on."""
        press = read_press(request.scope, self._proxies, self._clock())
        if press is None:
            self._presser.damaged()
        if press is None or press.letter != SHARE_PAGE:
            return self._pages.standing(Standing.UNKNOWN, preferred_language(request.scope["headers"])).response()
        if request.method != "POST":
            return (await self._shown(request.scope, press)).response()
        form = await read_form(request)
        if form is None:
            return self._pages.notice("refused", preferred_language(request.scope["headers"]), status=400).response()
        return (await self._sent(request.scope, press, form)).response()

    async def _shown(self, scope: Scope, press: Press, filled: Filled | None = None) -> Reply:
        answer = await self._presser.ask(press)
        if answer.share is None:
            return self._elsewhere(answer, scope)
        return await self._page(scope, press, answer, filled or Filled())

    async def _page(self, scope: Scope, press: Press, answer: Answer, filled: Filled) -> Reply:
        share = answer.share
        if share is None:
            raise ValueError(answer)
        language = share.language or preferred_language(scope["headers"])
        offers = self._offers(share, phone=on_phone(wanted(scope)))
        letters = {offer.letter for offer in offers}
        own = [mine for mine in share.networks if mine in letters]
        ready = await self._ready(share)
        return self._pages.page(
            "share",
            language,
            status=422 if filled.problem in {"choose", "server"} else 200,
            vary=f"{BY_DEVICE}, Accept-Language",
            post=share.post,
            questions=share.post.questions[:_QUESTIONS],
            unread=await run_in_threadpool(self._unread, share),
            read=f"/r/{press.key}/{number(press.n)}",
            networks=offers,
            chosen=next((letter for letter in (filled.letter, *own, *(offer.letter for offer in offers)) if letter in letters), ""),
            words=filled.words,
            problem=filled.problem,
            taken=filled.taken,
            note=filled.note,
            server=share.mastodon if filled.server is None else filled.server,
            remembers=share.person is not None,
            disclosure=share.content.disclosure,
            link=f"{self._site_url.partition('://')[2]}/l/…" if self._is_short(share) else answer.target,
            counted=self._is_short(share),
            recorded=share.counted,
            captions=ready,
            labels={network.name: network.label for network in self._networks.values()},
            used_up=bool(share.post.captions) and not ready,
            personal=bool(share.language),
        )

    def _is_short(self, share: Share) -> bool:
        """Whether what is shared carries a short link; of people who are not counted it carries the article's own address."""
        return self._short and share.counted

    def _offers(self, share: Share, *, phone: bool) -> list[Offer]:
        link = f"{self._site_url}/l/000000000000" if self._is_short(share) else share.post.url or ""
        disclosure = share.content.disclosure
        known = [(self._networks[letter], label) for letter, _, label in share.content.networks if letter in self._networks]
        return [
            Offer(
                letter=network.letter,
                label=label,
                limit=network.limit,
                room=room(network.limit, disclosure, link),
                octets=room_octets(network.limit, disclosure, link),
                text=network.takes_text(phone=phone),
                server=bool(network.server),
                colleagues=network.colleagues,
            )
            for network, label in known
        ]

    async def _ready(self, share: Share) -> list[Ready]:
        try:
            return await run_in_threadpool(self._captions.ready, share.edition, share.post)
        except StorageError:
            return []

    def _unread(self, share: Share) -> bool:
        """Whether this person has surely not opened the article by a letter of ours; of people who are not measured nobody knows."""
        if share.person is None:
            return False
        try:
            with read(self._engine) as connection:
                return not history.has_read(connection, share.person, share.post.id)
        except StorageError:
            return False

    def _elsewhere(self, answer: Answer, scope: Scope) -> Reply:
        if answer.standing.leads:
            return redirect(302, answer.target, vary=BY_DEVICE)
        language = answer.language or preferred_language(scope["headers"])
        return self._pages.standing(answer.standing, language, detail=answer.detail, title=answer.title)

    async def _sent(self, scope: Scope, press: Press, form: FormData) -> Reply:
        filled = Filled(letter=field(form, "network"), words=field(form, "words"), server=field(form, "server"), taken=bool(field(form, "taken")))
        quiet = press._replace(counts=False)
        if field(form, "caption"):
            return await self._started(scope, quiet, filled, field(form, "caption"))
        if field(form, "remember"):
            return await self._remembered(scope, quiet, filled)
        network = self._networks.get(filled.letter)
        if network is None:
            return await self._shown(scope, quiet, replace(filled, letter="", problem="choose"))
        server = plain_host(filled.server or "") or "" if network.server else ""
        if network.server and filled.server and not server:
            return await self._shown(scope, quiet, replace(filled, problem="server"))
        marks = {"caption": True} if filled.taken else {}
        answer = await self._presser.ask(press._replace(letter=filled.letter, signals={**press.signals, **marks}))
        if answer.share is None:
            return self._elsewhere(answer, scope)
        if network.server and "server" in form:
            await self._keep(answer.share, server)
        share = replace(answer.share, language=answer.share.language or preferred_language(scope["headers"]), mastodon=server)
        return lead(share, filled.words, pages=self._pages, phone=on_phone(wanted(scope)), status=303, copy=bool(field(form, "copy")))

    async def _started(self, scope: Scope, press: Press, filled: Filled, which: str) -> Reply:
        """The page with a ready caption in the box; words that stand there stay above it."""
        answer = await self._presser.ask(press)
        if answer.share is None:
            return self._elsewhere(answer, scope)
        share = answer.share
        network, _, place = which.rpartition(".")
        texts = share.post.captions.get(network, ())
        at = int(place) if place.isascii() and place.isdigit() and len(place) <= _LONGEST_PLACE else len(texts)
        if at >= len(texts):
            return await self._page(scope, press, answer, filled)
        if not await run_in_threadpool(self._captions.take, share.edition, share.post.n, network, at):
            return await self._page(scope, press, answer, replace(filled, problem="gone"))
        letter = filled.letter or next((known.letter for known in self._networks.values() if known.name == network), "")
        words = f"{filled.words.rstrip()}\n\n{texts[at]}" if filled.words.strip() else texts[at]
        return await self._page(scope, press, answer, replace(filled, letter=letter, words=words, taken=True))

    async def _remembered(self, scope: Scope, press: Press, filled: Filled) -> Reply:
        """The page again, with the server kept, or forgotten when the field is empty."""
        server = plain_host(filled.server or "") or ""
        if filled.server and not server:
            return await self._shown(scope, press, replace(filled, problem="server"))
        answer = await self._presser.ask(press)
        if answer.share is None:
            return self._elsewhere(answer, scope)
        kept = await self._keep(answer.share, server)
        note = "" if not kept else "remembered" if server else "forgotten"
        return await self._page(scope, press, answer, replace(filled, server=server, note=note))

    async def _keep(self, share: Share, server: str) -> bool:
        """Keep the server for the one whose link it is, if that may be known."""
        person = share.person
        if person is None:
            return False
        if server != share.mastodon:
            await run_in_threadpool(self._store, person, server)
        return True

    def _store(self, person: int, server: str) -> None:
        with write(self._engine) as connection:
            people.remember_mastodon(connection, person, server)
