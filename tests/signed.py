"""A website that hands conversions back, signing them as docs/outcomes.md shows, with nothing of ours."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from starlette.testclient import TestClient

from tests.conftest import NOW
from tests.linked import ANA, PERSON, Linked, share_link

SECRET = "an-invented-secret-of-at-least-32-characters"
PATH = "/api/v1/conversions"
OPEN: dict[str, Any] = {"click_hosts": frozenset({"example.com"}), "conversions_secret": SECRET, "conversion_events": ("reply", "lead", "sale")}
HOUR = int(NOW.timestamp()) + 3600  # when `linked` begins


def stamped(body: bytes, *, at: int = HOUR, secret: str = SECRET, key: str = "") -> dict[str, str]:
    """The headers of a signed request."""
    signed = f"{at}.{key}.".encode() + body if key else f"{at}.".encode() + body
    headers = {"Digest-Timestamp": str(at), "Digest-Signature": "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}
    return {**headers, "Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}


def post(web: TestClient, fields: Any, *, at: int = HOUR, key: str = "") -> Any:
    """The answer to a conversion. `fields`: an object, or the octets of a body."""
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return web.post(PATH, content=body, headers=stamped(body, at=at, key=key))


def visit(linked: Linked, web: TestClient, **headers: str) -> str:
    """Somebody follows Ana's post on LinkedIn; the click id that came along."""
    if not linked.short_links():
        web.get(share_link(ANA, 1, "1"))
    answer = web.get(f"/l/{linked.short_links()[0]['slug']}", headers={**PERSON, "x-forwarded-for": "203.0.113.9", **headers})
    return str(answer.headers["location"]).partition("ac_id=")[2][:16]


def lead(click_id: str, /, **more: Any) -> dict[str, Any]:
    """A lead that came of a visit."""
    return {"key": "lead-1", "event": "lead", "click_id": click_id, "external_id": "L-1", "value": "1200.50", "currency": "EUR", **more}
