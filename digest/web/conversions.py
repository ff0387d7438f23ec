"""`POST /api/v1/conversions`: another system says what came of a visit. Signed, idempotent, and every refusal says what is allowed.

Refusals are problem details (RFC 9457). Without a secret there is no such address.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from digest.domain.conversion import Claim, Fault, quoted, read_claim, unknown_fields, unsigned
from digest.errors import StorageError
from digest.pipeline import conversions
from digest.web.guard import MAX_BODY
from digest.web.links import Receive, Scope
from digest.web.pages import Reply, reply
from digest.web.settings import WebSettings

log = logging.getLogger(__name__)
PATH = "/api/v1/conversions"
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_NEEDED = ("key", "event", "click_id")
_TITLES = {
    "json": "The body is no conversion",
    "signature": "The request is not signed as it must be",
    "disabled": "Conversions are switched off",
    "unknown-click-id": "There is no such click id",
    "method": "Conversions are sent by POST",
    "another-outcome": "The same key stands for another outcome",
    "body": "The body is too large",
    "fields": "Some fields cannot be taken",
    "storage": "Not now",
}


class ConversionDoor:
    """Answers requests for the one address; no page, no cookie, no form."""

    def __init__(self, engine: Engine, settings: WebSettings, clock: Callable[[], datetime], settle: Callable[[], None]) -> None:
        self._engine = engine
        self._settle = settle
        self._secret = settings.conversions_secret
        self._events = settings.conversion_events
        self._place = f"{settings.site_url}{PATH}"
        self._clock = clock

    async def answer(self, scope: Scope, receive: Receive) -> Reply:
        """The reply to a request; whatever is sent, it is one of ours and never a fault of the server."""
        try:
            claim, now = await self._claim(scope, receive)
            taken = await run_in_threadpool(self._receive, claim, now)
            self._check(claim, taken)
        except _RefusedError as refusal:
            return refusal.reply(self._place)
        except StorageError as error:
            log.warning("POST %s: %s", PATH, error.summary)
            detail = "The database does not answer. Nothing was stored: send the same request again."
            return _RefusedError(503, "storage", detail, retry_after="30").reply(self._place)
        return reply(201, {"content-type": "application/json", **_HEADERS}, _json(conversions.as_data(taken.row)))

    def _receive(self, claim: Claim, now: datetime) -> conversions.Taken:
        with suppress(StorageError, OSError):  # its visit may be moments old
            self._settle()
        return conversions.receive(self._engine, claim, now=now)

    async def _claim(self, scope: Scope, receive: Receive) -> tuple[Claim, datetime]:
        """The claim that a request makes, and when it came. Raises _RefusedError."""
        if not self._secret:
            raise _RefusedError(404, "disabled", "Conversions are switched off here: conversions.secret is empty.")
        if scope["method"] != "POST":
            raise _RefusedError(405, "method", f"Found {scope['method'][:20]}, allowed POST.", allow="POST")
        body = await _body(receive)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        now = self._clock()
        key = _bare(headers.get("idempotency-key", ""))
        why = unsigned(self._secret, headers.get("digest-timestamp", ""), headers.get("digest-signature", ""), body, now, key)
        if why:
            detail = f"Found that {why}; allowed Digest-Timestamp: SECONDS and Digest-Signature: v1=HEX, as docs/outcomes.md shows."
            raise _RefusedError(401, "signature", detail, www_authenticate="Digest-Signature")
        return self._read(body, key, now), now

    def _read(self, body: bytes, key: str, now: datetime) -> Claim:
        try:
            fields = json.loads(body, parse_int=str, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError):
            raise _RefusedError(400, "json", "Found a body that is not JSON in UTF-8, allowed one JSON object.") from None
        if not isinstance(fields, dict):
            raise _RefusedError(400, "json", f"Found {quoted(fields)}, allowed one JSON object.")
        twice = key and fields.get("key") not in (None, "", key)
        fields = {**fields, "key": key or fields.get("key")}
        claim, faults = read_claim(fields, needed=_NEEDED, events=self._events, now=now)
        faults += unknown_fields(list(fields))
        if twice:
            faults.append(Fault(field="key", found="another key than in the header Idempotency-Key", allowed="one of both, or the same"))
        if claim is None or faults:
            raise _in_fields(faults)
        return claim

    @staticmethod
    def _check(claim: Claim, taken: conversions.Taken) -> None:
        """Raises _RefusedError for what does not agree with what we know."""
        if taken.unknown:
            fault = Fault(field="click_id", found=quoted(claim.click_id), allowed="an ac_id that we gave, while its visit is kept")
            raise _RefusedError(404, "unknown-click-id", f"Found {fault.found}, allowed {fault.allowed}.", errors=[fault])
        if taken.faults:
            raise _in_fields(taken.faults)
        if taken.differs:
            detail = f"Found another {', '.join(taken.differs)} than at first, allowed the same request again, or a key of its own."
            raise _RefusedError(409, "another-outcome", detail)


async def _body(receive: Receive) -> bytes:
    """The whole body. Raises _RefusedError when it is larger than any conversion."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message["type"] == "http.request" and message.get("more_body", False)
        if size > MAX_BODY:
            raise _RefusedError(413, "body", f"Found more than {MAX_BODY:,} octets, allowed {MAX_BODY:,}; a conversion has some hundred.")
    return b"".join(parts)


def _bare(key: str) -> str:
    """An Idempotency-Key with or without the quotes of a structured field (RFC 9651, 3.3.3)."""
    return key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key


def _in_fields(faults: Sequence[Fault]) -> _RefusedError:
    said = "; ".join(f"{fault.field}: found {fault.found}, allowed {fault.allowed}" for fault in faults)
    return _RefusedError(422, "fields", said[:2000], errors=faults)


class _RefusedError(Exception):
    """Why a conversion is not taken in."""

    def __init__(self, status: int, kind: str, detail: str, *, errors: Sequence[Fault] = (), **headers: str) -> None:
        super().__init__(kind)
        self._status = status
        self._data: dict[str, Any] = {"title": _TITLES[kind], "status": status, "detail": detail}
        if errors:
            self._data["errors"] = [{"field": fault.field, "found": fault.found, "allowed": fault.allowed} for fault in errors]
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self._kind = kind

    def reply(self, place: str) -> Reply:
        """The refusal as problem details (RFC 9457)."""
        data = {"type": f"{place}#{self._kind}", **self._data}
        return reply(self._status, {"content-type": "application/problem+json", **_HEADERS, **self._headers}, _json(data))


def _json(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, ensure_ascii=True) + "\n").encode("ascii")
