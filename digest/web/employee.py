"""Pages for employees: unsubscribe, and the edition in a browser; the routes of all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest.db import editions, keys, links, suppressions
from digest.db.session import gone, read, write
from digest.domain.edition import EditionContent
from digest.domain.link import clean, read_unsubscribe, valid_token, web_address
from digest.domain.press import Standing
from digest.domain.suppression import SuppressionReason
from digest.domain.translation import in_language
from digest.domain.visitor import Verdict, VisitorClass, classify
from digest.errors import StorageError
from digest.pipeline.captions import Captions
from digest.pipeline.records import of_switch
from digest.web.forms import field, read_form
from digest.web.guard import is_ours
from digest.web.links import Presser
from digest.web.pages import Pages, Reply, words
from digest.web.rooms import Rooms
from digest.web.seal import AT_ONCE, seal, since
from digest.web.settings import WebSettings
from digest.web.sharing import SharePage
from digest.web.signals import Proxies, preferred_language, signals, wanted
from digest.web.spool import Spooled
from digest.web.two_way import routes as two_way

_ONE_CLICK = ("List-Unsubscribe", "One-Click")  # RFC 8058, 3.1


class LeavePage:
    """`/u/<signed>`: GET shows, POST acts; the RFC 8058 POST of a mail program acts without a page."""

    def __init__(self, engine: Engine, pages: Pages, settings: WebSettings, spooled: Spooled | None, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._pages = pages
        self._site_url = settings.site_url
        self._spooled = spooled
        self._clock = clock
        self._secrets: dict[int, bytes] = {}  # as they were last read: they are what a link is checked with while the database is away

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        language = preferred_language(request.scope["headers"])
        signed, _ = clean(request.path_params["signed"])
        found = await run_in_threadpool(self._person, signed)
        if found is None:
            return self._pages.standing(Standing.UNKNOWN, language).response()
        employee, secret, own_language, left = found
        language = own_language or language
        if request.method != "POST":
            return (self._left(signed, secret, language) if left else self._ask(signed, secret, language)).response()
        form = await read_form(request)
        one_click = form is not None and _ONE_CLICK in form.multi_items()
        if not one_click and not is_ours(request.headers, self._site_url):
            return self._pages.notice("refused", language, status=403).response()
        action = "leave" if one_click else field(form or FormData(), "action")
        seconds = None if one_click else since(secret, signed, action, field(form or FormData(), "check"), self._now())
        if not one_click and seconds is None:
            return self._ask(signed, secret, language, status=400).response()
        waits = await run_in_threadpool(self._act, employee, action, self._how(request, seconds))
        return self._left(signed, secret, language, left=action == "leave", waits=waits).response()

    def _person(self, signed: str) -> tuple[int, bytes, str, bool] | None:
        """Number, secret of the form, language ("" when it is not known) and whether the person has left already."""
        left = False
        try:
            with read(self._engine) as connection:
                self._secrets = keys.signing_keys(connection, "unsubscribe")
                employee = read_unsubscribe(signed, self._secrets)
                known = suppressions.person(connection, employee) if employee is not None else None
                left = known is not None and SuppressionReason.UNSUBSCRIBED in suppressions.held(connection, known[0], self._clock())
        except StorageError:
            employee, known = read_unsubscribe(signed, self._secrets), None
            if employee is None and not self._secrets:
                raise
        return None if employee is None else (employee, next(iter(self._secrets.values())), known[1] if known else "", left)

    def _ask(self, signed: str, secret: bytes, language: str, status: int = 200) -> Reply:
        return self._pages.page("unsubscribe", language, status=status, check=seal(secret, signed, "leave", self._now()))

    def _left(self, signed: str, secret: bytes, language: str, *, left: bool = True, waits: bool = False) -> Reply:
        """What holds now, with the way back: a receipt leads here too."""
        check = seal(secret, signed, "return" if left else "leave", self._now())
        return self._pages.page("unsubscribed", language, left=left, check=check, waits=waits)

    def _act(self, employee: int, action: str, how: str) -> bool:
        """Do it; True when it waits on disk, because the database is away. Raises StorageError when it can be noted nowhere."""
        change = suppressions.leave if action == "leave" else suppressions.come_back
        now = self._clock()
        try:
            with write(self._engine) as connection:
                change(connection, employee, now, how=how)
        except StorageError as error:
            noted = of_switch(employee, now, receive=action != "leave", how=how)
            if self._spooled is None or not gone(error) or not self._spooled.keep([noted]):
                raise
            return True
        return False

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1000)

    def _how(self, request: Request, seconds: float | None) -> str:
        """What the audit keeps of it. `seconds` from showing the form to sending it; None: a mail program sent it."""
        if seconds is None:
            return "one-click"  # a mail program is no browser: a class would say nothing
        verdict = classify(signals(request.scope, wanted(request.scope)), self._clock())
        if 0 <= seconds < AT_ONCE and verdict.visitor is not VisitorClass.PREVIEW:
            verdict = Verdict(visitor=VisitorClass.MACHINE, reasons=(*verdict.reasons, "at_once"))
        return f"form; {verdict.visitor}" + (f" ({', '.join(verdict.reasons)})" if verdict.reasons else "")


class EditionPage:
    """`/w/<token>`: the public posts of an edition; people forward it, so nothing in it is personal."""

    def __init__(self, engine: Engine, pages: Pages, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._pages = pages
        self._clock = clock

    async def __call__(self, request: Request) -> Response:
        """Show the edition."""
        language = preferred_language(request.scope["headers"])
        token, _ = clean(request.path_params["token"])
        found = await run_in_threadpool(self._edition, token) if valid_token(token) else None
        if found is None:
            return self._pages.standing(Standing.UNKNOWN, language).response()
        content, addresses = in_language(found[0], words(language).language), found[1]
        return self._pages.page(
            "edition",
            language,
            content=content,
            posts=[post for post in content.posts if post.id in addresses and not post.gone],
            addresses=addresses,
        ).response()

    def _edition(self, token: str) -> tuple[EditionContent, dict[str, str]] | None:
        with read(self._engine) as connection:
            content = editions.by_browser_token(connection, token)
            if content is None:
                return None
            now = links.current(connection, [post.id for post in content.posts if not post.internal])
        return content, {
            post.id: address
            for post in now.values()
            if not post.inside(self._clock()) and post.recalled is None and (address := web_address(post.url))
        }


def routes(
    engine: Engine, presser: Presser, pages: Pages, settings: WebSettings, proxies: Proxies, captions: Captions, clock: Callable[[], datetime]
) -> list[BaseRoute]:
    """The employees' pages."""
    share = SharePage(engine, presser, pages, settings, proxies, captions, clock)
    leave = LeavePage(engine, pages, settings, presser.spooled, clock)
    edition = EditionPage(engine, pages, clock)
    rooms = Rooms(engine=engine, pages=pages, settings=settings, proxies=proxies, clock=clock)

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
        *two_way(rooms),
    ]
