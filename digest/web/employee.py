"""Pages for employees: share in your own words, unsubscribe, and the edition in a browser."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest.db import editions, keys, links, suppressions
from digest.db.session import read, write
from digest.domain.edition import EditionContent, EditionPost
from digest.domain.link import SHARE_PAGE, clean, number, read_unsubscribe, valid_token, web_address
from digest.domain.press import Press, Standing
from digest.domain.share import room
from digest.domain.visitor import classify
from digest.pipeline.presses import Answer, Share
from digest.web.guard import is_ours
from digest.web.links import BY_DEVICE, Presser, Scope, lead, read_press
from digest.web.pages import Pages, Reply, redirect
from digest.web.settings import WebSettings
from digest.web.signals import Proxies, on_phone, preferred_language, signals, wanted

_FIELDS = 20
_PART = 65536
_ONE_CLICK = ("List-Unsubscribe", "One-Click")  # RFC 8058, 3.1


async def _form(request: Request) -> FormData | None:
    """The sent form, or None when it is none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return None
    try:
        return await request.form(max_files=0, max_fields=_FIELDS, max_part_size=_PART)
    except HTTPException:  # broken or too many fields
        return None


def _field(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


class SharePage:
    """`/s/<token>/<n>0`: own words first; works without scripts."""

    def __init__(self, presser: Presser, pages: Pages, settings: WebSettings, proxies: Proxies, clock: Callable[[], datetime]) -> None:
        self._presser = presser
        self._pages = pages
        self._networks = {network.letter: network for network in settings.networks}
        self._site_url = settings.site_url
        self._short = settings.short and settings.tracking != "off"
        self._proxies = proxies
        self._clock = clock

    async def __call__(self, request: Request) -> Response:
        """Show the page, or send the words on."""
        press = read_press(request.scope, self._proxies, self._clock())
        if press is None or press.letter != SHARE_PAGE:
            return self._pages.standing(Standing.UNKNOWN, preferred_language(request.scope["headers"])).response()
        made = await (self._sent(request, press) if request.method == "POST" else self._shown(request.scope, press))
        return made.response()

    async def _shown(self, scope: Scope, press: Press, words: str = "", letter: str = "", problem: str = "") -> Reply:
        answer = await self._presser.ask(press)
        if answer.share is None:
            return self._elsewhere(answer, scope)
        share = answer.share
        language = share.language or preferred_language(scope["headers"])
        offered = self._offered(share, phone=on_phone(wanted(scope)))
        chosen = letter or next(
            (mine for mine in share.networks if mine in {one["letter"] for one in offered}), str(offered[0]["letter"]) if offered else ""
        )
        return self._pages.page(
            "share",
            language,
            status=422 if problem else 200,
            vary=f"{BY_DEVICE}, Accept-Language",
            post=share.post,
            read=f"/r/{press.key}/{number(press.n)}",
            networks=offered,
            chosen=chosen,
            words=words,
            problem=problem,
            disclosure=share.content.disclosure,
            link=f"{self._site_url.partition('://')[2]}/l/…" if self._short else answer.target,
            counted=self._short,
            captions=_captions(share.post),
            personal=bool(share.language),
        )

    def _offered(self, share: Share, *, phone: bool) -> list[dict[str, str | int | bool]]:
        link = f"{self._site_url}/l/000000000000" if self._short else share.post.url or ""
        return [
            {
                "letter": letter,
                "label": label,
                "room": room(self._networks[letter].limit, share.content.disclosure, link),
                "text": self._networks[letter].takes_text(phone=phone),
            }
            for letter, _, label in share.content.networks
            if letter in self._networks
        ]

    def _elsewhere(self, answer: Answer, scope: Scope) -> Reply:
        if answer.standing in {Standing.GO, Standing.UNATTRIBUTED}:
            return redirect(302, answer.target, vary=BY_DEVICE)
        language = answer.language or preferred_language(scope["headers"])
        return self._pages.standing(answer.standing, language, detail=answer.detail, title=answer.title)

    async def _sent(self, request: Request, press: Press) -> Reply:
        form = await _form(request)
        if form is None:
            return self._pages.notice("refused", preferred_language(request.scope["headers"]), status=400)
        letter, words = _field(form, "network"), _field(form, "words")
        quiet = replace(press, counts=False)
        if _field(form, "caption"):
            return await self._shown(request.scope, quiet, words=await self._caption(quiet, _field(form, "caption")), letter=letter)
        if letter not in self._networks:
            return await self._shown(request.scope, quiet, words=words, problem="choose")
        answer = await self._presser.ask(replace(press, letter=letter))
        if answer.share is None:
            return self._elsewhere(answer, request.scope)
        share = replace(answer.share, language=answer.share.language or preferred_language(request.scope["headers"]))
        return lead(share, words, pages=self._pages, phone=on_phone(wanted(request.scope)), status=303, copy=bool(_field(form, "copy")))

    async def _caption(self, press: Press, which: str) -> str:
        answer = await self._presser.ask(press)
        captions = _captions(answer.share.post) if answer.share else []
        place = int(which) - 1 if which.isascii() and which.isdigit() and len(which) < 4 else -1  # noqa: PLR2004 - no post has a thousand captions
        return captions[place] if 0 <= place < len(captions) else ""


def _captions(post: EditionPost) -> list[str]:
    return list(dict.fromkeys(text for texts in post.captions.values() for text in texts))


class LeavePage:
    """`/u/<signed>`: GET shows, POST acts; the RFC 8058 POST of a mail program acts without a page."""

    def __init__(self, engine: Engine, pages: Pages, settings: WebSettings, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._pages = pages
        self._site_url = settings.site_url
        self._clock = clock

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        language = preferred_language(request.scope["headers"])
        signed, _ = clean(request.path_params["signed"])
        found = await run_in_threadpool(self._person, signed)
        if found is None:
            return self._pages.standing(Standing.UNKNOWN, language).response()
        employee, secret, own_language = found
        language = own_language or language
        if request.method != "POST":
            return self._ask(signed, secret, language).response()
        form = await _form(request)
        one_click = form is not None and _ONE_CLICK in form.multi_items()
        if not one_click and not is_ours(request.headers, self._site_url):
            return self._pages.notice("refused", language, status=403).response()
        action = "leave" if one_click else _field(form or FormData(), "action")
        if not one_click and not hmac.compare_digest(_check(secret, signed, action).encode(), _field(form or FormData(), "check").encode()):
            return self._ask(signed, secret, language, status=400).response()
        how = self._how(request, one_click=one_click)
        await run_in_threadpool(self._act, employee, action, how)
        check = _check(secret, signed, "return" if action == "leave" else "leave")
        return self._pages.page("unsubscribed", language, left=action == "leave", check=check).response()

    def _person(self, signed: str) -> tuple[int, bytes, str] | None:
        with read(self._engine) as connection:
            secrets = keys.signing_keys(connection, "unsubscribe")
            employee = read_unsubscribe(signed, secrets)
            if employee is None:
                return None
            known = suppressions.person(connection, employee)
        return employee, next(iter(secrets.values())), known[1] if known else ""

    def _ask(self, signed: str, secret: bytes, language: str, status: int = 200) -> Reply:
        return self._pages.page("unsubscribe", language, status=status, check=_check(secret, signed, "leave"))

    def _act(self, employee: int, action: str, how: str) -> None:
        change = suppressions.leave if action == "leave" else suppressions.come_back
        with write(self._engine) as connection:
            change(connection, employee, self._clock(), how=how)

    def _how(self, request: Request, *, one_click: bool) -> str:
        verdict = classify(signals(request.scope, wanted(request.scope)), self._clock())
        if one_click:
            return "one-click"  # sent by a mail program, which is no browser: a class would say nothing
        return f"form; {verdict.visitor}" + (f" ({', '.join(verdict.reasons)})" if verdict.reasons else "")


def _check(secret: bytes, signed: str, action: str) -> str:
    """Binds a form to its own link and action."""
    return hmac.new(secret, f"form|{signed}|{action}".encode(), hashlib.sha256).hexdigest()[:32]


class EditionPage:
    """`/w/<token>`: the public posts of an edition; people forward it, so nothing in it is personal."""

    def __init__(self, engine: Engine, pages: Pages) -> None:
        self._engine = engine
        self._pages = pages

    async def __call__(self, request: Request) -> Response:
        """Show the edition."""
        language = preferred_language(request.scope["headers"])
        token, _ = clean(request.path_params["token"])
        found = await run_in_threadpool(self._edition, token) if valid_token(token) else None
        if found is None:
            return self._pages.standing(Standing.UNKNOWN, language).response()
        content, addresses = found
        return self._pages.page(
            "edition", language, content=content, posts=[post for post in content.posts if post.id in addresses], addresses=addresses
        ).response()

    def _edition(self, token: str) -> tuple[EditionContent, dict[str, str]] | None:
        with read(self._engine) as connection:
            content = editions.by_browser_token(connection, token)
            if content is None:
                return None
            now = links.current(connection, [post.id for post in content.posts if not post.internal])
        return content, {
            post.id: address for post in now.values() if not post.internal and post.recalled is None and (address := web_address(post.url))
        }


def routes(engine: Engine, presser: Presser, pages: Pages, settings: WebSettings, proxies: Proxies, clock: Callable[[], datetime]) -> list[BaseRoute]:
    """The employees' pages."""
    share = SharePage(presser, pages, settings, proxies, clock)
    leave = LeavePage(engine, pages, settings, clock)
    edition = EditionPage(engine, pages)

    async def shares(request: Request) -> Response:
        return await share(request)

    async def leaves(request: Request) -> Response:
        return await leave(request)

    async def shows(request: Request) -> Response:
        return await edition(request)

    return [
        Route("/s/{tail:path}", shares, methods=["GET", "HEAD", "POST"]),
        Route("/u/{signed:path}", leaves, methods=["GET", "HEAD", "POST"]),
        Route("/w/{token:path}", shows, methods=["GET", "HEAD"]),
    ]
