"""What every room of the two-way half needs: whose letter a link is from, forms that are ours, and who seems to have sent them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from digest.db import control, keys
from digest.db.control import Holder
from digest.db.session import read
from digest.domain.press import Standing
from digest.domain.visitor import Verdict, VisitorClass, classify
from digest.web.forms import field, read_form
from digest.web.pages import Pages, Reply
from digest.web.seal import AT_ONCE, seal, since
from digest.web.settings import WebSettings
from digest.web.signals import Proxies, preferred_language, signals, wanted


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A form of ours as it came back."""

    fields: FormData
    seconds: float  # from showing to sending
    verdict: Verdict  # who seems to have sent it; it never decides whether it acts

    def text(self, name: str) -> str:
        """A field, "" when it is absent."""
        return field(self.fields, name)

    @property
    def machine(self) -> bool:
        """Whether no person seems to have read it first: it acts, with an undo and a receipt, and is marked."""
        return self.verdict.visitor in {VisitorClass.MACHINE, VisitorClass.PREVIEW}

    def told(self) -> str:
        """What the audit keeps of how it came."""
        reasons = f" ({', '.join(self.verdict.reasons)})" if self.verdict.reasons else ""
        return f"form; {self.verdict.visitor}{reasons}"


@dataclass(frozen=True, kw_only=True)
class Rooms:
    """Shared by the pages behind a control link."""

    engine: Engine
    pages: Pages
    settings: WebSettings
    proxies: Proxies
    clock: Callable[[], datetime]

    async def holder(self, request: Request) -> Holder | None:
        """Whose letter the path's `control` is from; None for a link that no letter carries, or of somebody who is not here any more."""
        return await run_in_threadpool(self._holder, request.path_params["control"])

    def _holder(self, text: str) -> Holder | None:
        with read(self.engine) as connection:
            found = control.holder(connection, text)
        return None if found is None or found.left_at is not None else found

    def language(self, request: Request, holder: Holder | None = None) -> str:
        """The person's own language, else the browser's."""
        return (holder.language if holder else "") or preferred_language(request.scope["headers"])

    def unknown(self, request: Request) -> Response:
        """The page for a link that leads nowhere."""
        return self.pages.standing(Standing.UNKNOWN, preferred_language(request.scope["headers"])).response()

    async def page(self, name: str, language: str, link: str, *actions: str, status: int = 200, **values: Any) -> Reply:  # noqa: ANN401 - whatever the template needs
        """The page `name`, with `seals`: action -> the hidden `check` of its form. `link`: the text of the path that names whom it is about."""
        secret, now = await run_in_threadpool(self._secret), self._now()
        seals = {action: seal(secret, link, action, now) for action in actions}
        return self.pages.page(name, language, status=status, seals=seals, **values)

    async def sent(self, request: Request, link: str) -> Sent | None:
        """The form that was sent, when it is one of ours for this link and its own `action`; else None, and nothing may change."""
        form = await read_form(request)
        if form is None:
            return None
        secret = await run_in_threadpool(self._secret)
        seconds = since(secret, link, field(form, "action"), field(form, "check"), self._now())
        if seconds is None:
            return None
        verdict = classify(signals(request.scope, wanted(request.scope)), self.clock())
        if 0 <= seconds < AT_ONCE and verdict.visitor is not VisitorClass.PREVIEW:
            verdict = Verdict(visitor=VisitorClass.MACHINE, reasons=(*verdict.reasons, "at_once"))
        return Sent(fields=form, seconds=seconds, verdict=verdict)

    def _secret(self) -> bytes:
        with read(self.engine) as connection:
            return next(iter(keys.signing_keys(connection, "control").values()))

    def _now(self) -> int:
        return int(self.clock().timestamp() * 1000)
