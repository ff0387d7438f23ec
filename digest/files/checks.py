"""What a value of the content queue may be. Each check gives the value in its normal form, or says what is allowed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import ada_url
import regex

from digest.domain.target import is_own_link, is_shortener, looks_like_another
from digest.files.addresses import RefusedError, address

Check = Callable[[Any], Any]

LONGEST_ID = 120
SUBJECT = 42  # graphemes; what a phone shows of a subject
_LONGEST_URL = 2000
_LINE, _TEXT = 300, 5000  # graphemes of a title or name; of a text
_GRAPHEME = regex.compile(r"\X")
_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")
_WEEK = re.compile(r"(\d{4})-W(\d\d)")
_WEB = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
# These turn the letters around them and can make a text read other than it is (UAX 9).
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2028\u2029")


_MARKS = 10  # on one letter; no writing needs more, and a pile of them runs through the lines around it
_PILED = regex.compile(rf"\p{{M}}{{{_MARKS + 1}}}")
_VISIBLE = regex.compile(r"[\p{L}\p{N}\p{P}\p{S}--[\u115f\u1160\u3164\uffa0\u2800]]", regex.VERSION1)  # without letters that are blank


def length(text: str) -> int:
    """How many characters a reader sees (UAX 29)."""
    return len(text) if text.isascii() else len(_GRAPHEME.findall(text))


def _control(text: str, allowed: str) -> str | None:
    return next((c for c in text if c not in allowed and (unicodedata.category(c) == "Cc" or c in _TURNING)), None)


def _words(value: Any, *, most: int, lines: bool, empty: bool = False) -> str:  # noqa: ANN401 - any TOML value
    if not isinstance(value, str):
        raise RefusedError("text in quotes")
    text = value.replace("\r\n", "\n").strip()
    bad = None if text.isascii() and text.isprintable() else _control(text, "\n\t" if lines else "")
    if bad is not None:
        what = "a line break" if bad in "\n\r" else f"the control character U+{ord(bad):04X}"
        raise RefusedError(f"{'text' if lines else 'one line'} without {what}")
    if not text and not empty:
        raise RefusedError("some words")
    if text and not _VISIBLE.search(text):
        raise RefusedError("some words that can be seen")
    if _PILED.search(text):
        raise RefusedError(f"at most {_MARKS} marks on one letter")
    if length(text) > most:
        raise RefusedError(f"{most:,} characters at most, not {length(text):,}")
    return text


def line(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """One line of words."""
    return _words(value, most=_LINE, lines=False)


def maybe_line(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """One line of words, or nothing."""
    return _words(value, most=_LINE, lines=False, empty=True)


def text(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """Words, line breaks allowed."""
    return _words(value, most=_TEXT, lines=True)


def maybe_text(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """Words, line breaks allowed, or nothing."""
    return _words(value, most=_TEXT, lines=True, empty=True)


def subject(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """A subject line that a phone shows whole."""
    return _words(value, most=SUBJECT, lines=False)


def number_or_line(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """A figure's value: words, or a bare number."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else line(value)


def flag(value: Any) -> bool:  # noqa: ANN401 - any TOML value
    """True or false."""
    if not isinstance(value, bool):
        raise RefusedError("true or false, without quotes")
    return value


def day(value: Any) -> date:  # noqa: ANN401 - any TOML value
    """A local date, with or without quotes."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return datetime.strptime(value, "%Y-%m-%d").date() if isinstance(value, str) else _no_day()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return _no_day()


def _no_day() -> date:
    raise RefusedError("a date such as 2026-11-24")


def moment(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """A moment with its zone, as ISO 8601."""
    allowed = "a date and time with its zone, such as 2026-12-03T17:00:00+01:00"
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise RefusedError(allowed) from None
    if not isinstance(parsed, datetime) or parsed.tzinfo is None:
        raise RefusedError(allowed)
    return parsed.isoformat()


def opening(value: Any) -> date:  # noqa: ANN401 - any TOML value
    """A day, or a moment with its zone."""
    allowed = "a date such as 2026-12-01, or a date and time with its zone, such as 2026-12-01T09:00:00+01:00"
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and len(value) > len("2026-12-01") else value
    except ValueError:
        raise RefusedError(allowed) from None
    if not isinstance(found, datetime):
        return day(found)
    if found.tzinfo is None:
        raise RefusedError(allowed)
    return found


def week(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """An ISO week."""
    match = _WEEK.fullmatch(value) if isinstance(value, str) else None
    try:
        date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else _no_day()
    except ValueError:
        raise RefusedError("a week such as 2026-W48") from None
    return str(value)


def minutes(value: Any) -> int:  # noqa: ANN401 - any TOML value
    """A reading time."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 600:  # noqa: PLR2004 - ten hours
        raise RefusedError("whole minutes, 1 to 600, without quotes")
    return value


def identifier(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """An id that stays the same from week to week."""
    if not isinstance(value, str) or not _ID.fullmatch(value) or len(value) > LONGEST_ID:
        raise RefusedError(f"small letters, digits, '-', '_' and '.', {LONGEST_ID} at most")
    return value


def person(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """An author's address, in lower case."""
    if not isinstance(value, str):
        raise RefusedError("an address in quotes, such as name@example.com")
    return address(value).lower()


def url(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """A web address as browsers read it (WHATWG), in its ASCII form."""
    if not isinstance(value, str):
        raise RefusedError("an address in quotes, such as https://example.com/story")
    plain = value.strip(" ")
    match = _WEB.match(plain)
    if match is None:
        raise RefusedError("an address that starts with https:// or http://")
    if "@" in match[1]:
        raise RefusedError("a web address without a user name")
    if "\\" in plain or _control(plain, "") is not None:
        raise RefusedError("a web address without backslashes and control characters")
    return _href(plain)


def _href(plain: str) -> str:
    try:
        parsed = ada_url.URL(plain)
    except ValueError:
        raise RefusedError("a web address that a browser accepts") from None
    href = str(parsed.href)
    if parsed.protocol not in {"https:", "http:"} or parsed.username or parsed.password or parsed.port == "0" or not href.isascii():
        raise RefusedError("a web address that a browser accepts")
    if looks_like_another(parsed.hostname):
        raise RefusedError(f"a web address whose name uses one alphabet; this one is {parsed.hostname} and can be taken for another")
    if len(href) > _LONGEST_URL:
        raise RefusedError(f"a web address of {_LONGEST_URL:,} characters at most")
    return href


def article(site_url: str) -> Check:
    """Where a post leads: a web address that is no shortener's and, where `site_url` is known, no link of our own."""

    def check(value: Any) -> str:  # noqa: ANN401 - any TOML value
        found = url(value)
        if is_shortener(ada_url.URL(found).hostname):
            raise RefusedError("the article's own address, not a shortened one: open it and copy what the browser shows")
        if is_own_link(found, site_url):
            raise RefusedError("the article's own address, not a link of a letter: open it and copy what the browser shows")
        return found

    return check


def image(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """A picture: a file beside the queue, or an https address."""
    name = line(value)
    if "://" in name:
        found = url(name)
        if not found.startswith("https:"):
            raise RefusedError("a file beside the queue, or an https address")
        return found
    if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
        raise RefusedError("a file beside the queue, or an https address")
    return name


def referral(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """Where a referral goes: an address, a web address, or words."""
    where = line(value)
    if "://" in where:
        return url(where)
    return address(where) if "@" in where and " " not in where else where


def one_of(*allowed: str) -> Check:
    """One of a few words."""

    def check(value: Any) -> str:  # noqa: ANN401 - any TOML value
        if value not in allowed or not isinstance(value, str):
            raise RefusedError(", ".join(f'"{word}"' for word in allowed))
        return value

    return check
