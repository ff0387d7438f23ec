"""A conversion as another system tells it: the signature on it, its fields, and everything that is wrong with them at once."""

from __future__ import annotations

import difflib
import hmac
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import TypeVar

from digest.domain.link import read_click_id
from digest.domain.money import AmountError, check_currency, minor_units
from digest.domain.outcome import out_of_window

FRESH = timedelta(minutes=5)  # how old, or how far ahead, a signature's time may be
FIELDS = ("key", "click_id", "event", "external_id", "value", "currency", "occurred_at")
UTM = ("utm_campaign", "utm_content", "utm_source")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_STAMP = re.compile(r"[0-9]{1,12}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_LONGEST = 200
_WIDTH = 60
_SHOWN = 20  # names of unknown fields that are said back
_EMPTY = (None, "")
T = TypeVar("T")


def sign(secret: str, timestamp: str, body: bytes, key: str = "") -> str:
    """HMAC-SHA256 over the time, a dot and the body, as hex; an Idempotency-Key header stands between them with a dot of its own.

    No two requests share a signed text: the time has digits only, and no JSON object begins with a key.
    """
    head = f"{timestamp}.{key}." if key else f"{timestamp}."
    return hmac.digest(secret.encode(), head.encode("utf-8", "replace") + body, "sha256").hex()


def unsigned(secret: str, timestamp: str, signature: str, body: bytes, now: datetime, key: str = "") -> str:
    """Why a request is not believed, or "" when it is: its signature, then its time."""
    made = sign(secret, timestamp, body, key)
    if not hmac.compare_digest(f"v1={made}".encode(), signature.encode("utf-8", "replace")):
        return "the signature is not that of this time and body"
    if not _STAMP.fullmatch(timestamp) or abs(now.timestamp() - int(timestamp)) > FRESH.total_seconds():
        return f"the time {timestamp[:20]!r} is more than {FRESH.seconds // 60} minutes away from ours, {int(now.timestamp())}"
    return ""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One field that cannot be taken: what was found and what is allowed."""

    field: str
    found: str
    allowed: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What somebody says came of a visit, checked by itself but not yet against what we know."""

    event: str
    key: str = ""
    click_id: str = ""
    external_id: str = ""
    value_minor: int | None = None
    currency: str = ""
    occurred_at: datetime | None = None  # None: when it was received
    campaign: str = ""
    content: str = ""
    network: str = ""


class _RefusedError(ValueError):
    """The message says what is allowed."""


def read_claim(
    fields: Mapping[str, object], *, needed: Collection[str], events: Collection[str], now: datetime, zone: tzinfo | None = None
) -> tuple[Claim | None, list[Fault]]:
    """The claim, or every fault. A field that is absent, None or "" is empty; `zone`: for times that name none (None: refused)."""
    reader = _Reader(fields, needed)
    currency = reader.take("currency", check_currency) or ""
    value = reader.take("value", lambda text: minor_units(text, currency))
    if value is not None and fields.get("currency") in _EMPTY:
        reader.faults.append(Fault(field="currency", found="nothing", allowed="a code such as EUR beside a value"))
    claim = Claim(
        key=reader.take("key", _own_key) or "",
        click_id=reader.take("click_id", _click_id) or "",
        event=reader.take("event", lambda text: _event(text, events)) or "",
        external_id=reader.take("external_id", _line) or "",
        value_minor=value,
        currency=currency if value is not None else "",
        occurred_at=reader.take("occurred_at", lambda text: _moment(text, now, zone)),
        campaign=(reader.take("utm_campaign", _line) or "").lower(),
        content=(reader.take("utm_content", _line) or "").lower(),
        network=(reader.take("utm_source", _line) or "").lower(),
    )
    return (None if reader.faults else claim), reader.faults


class _Reader:
    """Takes fields one by one and keeps what is wrong with them."""

    def __init__(self, fields: Mapping[str, object], needed: Collection[str]) -> None:
        self.faults: list[Fault] = []
        self._fields = fields
        self._needed = needed

    def take(self, name: str, check: Callable[[str], T]) -> T | None:
        value = self._fields.get(name)
        if value in _EMPTY:
            if name in self._needed:
                self.faults.append(Fault(field=name, found="nothing", allowed=_NEEDED[name]))
            return None
        try:
            return check(_text(value))
        except (_RefusedError, AmountError) as error:
            self.faults.append(Fault(field=name, found=quoted(value), allowed=str(error)))
            return None


def unknown_fields(names: Collection[str], known: Collection[str] = FIELDS) -> list[Fault]:
    """A fault for every name that is none of ours."""
    found = []
    for name in sorted(set(names) - set(known))[:_SHOWN]:
        near = difflib.get_close_matches(name[:_WIDTH], known, n=1)
        found.append(
            Fault(field=name[:_WIDTH], found="a field that nothing reads", allowed=", ".join(known) + (f"; did you mean {near[0]}?" if near else ""))
        )
    return found


def quoted(value: object) -> str:
    """A value as it may be said back: one short line."""
    text = json.dumps(value, default=str)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _RefusedError("text or a number")
    return value


def _own_key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise _RefusedError("1 to 100 letters, digits, dots, colons, - and _, the same whenever the same request is sent again")
    return text


def _click_id(text: str) -> str:
    found = read_click_id(text)
    if found is None:
        raise _RefusedError("the 16 characters of ac_id in the address the visitor arrived at")
    return found


def _event(text: str, events: Collection[str]) -> str:
    if text.strip().lower() not in events:
        raise _RefusedError(f"{', '.join(events) or 'nothing'} (conversions.events)")
    return text.strip().lower()


def _line(text: str) -> str:
    if len(text) > _LONGEST or not text.isprintable():
        raise _RefusedError(f"at most {_LONGEST} characters on one line")
    return text.strip()


def _moment(text: str, now: datetime, zone: tzinfo | None) -> datetime:
    """A moment in UTC. A day without an hour means its end, or now while it lasts. Raises _RefusedError."""
    allowed = "a time such as 2026-11-24T09:30:00Z" + (", or a day such as 2026-11-24" if zone else ", with its zone")
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is None and zone is None:
            raise _RefusedError(allowed)
        if _DAY.fullmatch(text):
            begun = parsed.replace(tzinfo=zone).astimezone(UTC)
            ended = datetime.combine(parsed.date(), time(23, 59, 59), zone).astimezone(UTC)
            moment = now if begun <= now < ended else ended
        else:
            moment = (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _RefusedError(allowed) from None
    wrong = out_of_window(moment, now) or ("2000-01-01 or later" if moment < _FIRST else "")
    if wrong:
        raise _RefusedError(wrong)
    return moment


_NEEDED = {
    "key": "a key of your own for this outcome, here or in the header Idempotency-Key",
    "click_id": "the 16 characters of ac_id in the address the visitor arrived at",
    "event": "what came of the visit, one of conversions.events",
    "external_id": "the lead's id in your own system",
}
