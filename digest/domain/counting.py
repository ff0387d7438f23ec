"""Counting: how much text a network takes, each by its own way of counting."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

import regex

MAX_INTENT = 8000  # octets of an intent; servers and proxies refuse a longer `Location`
_URL_ON_X = 23
URL = regex.compile(r"https?://[^\s<>\"]+", regex.IGNORECASE)
_BARE = regex.compile(r"(?<![\w@./-])(?:[\w-]+\.)+[a-z]{2,}(?:/[^\s<>\"]*)?", regex.IGNORECASE)
_GRAPHEME = regex.compile(r"\X")
_EMOJI = regex.compile(r"[\p{Extended_Pictographic}\p{Regional_Indicator}]")
# X's configuration version 3: these code points weigh 1, all others 2.
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


class Rule(StrEnum):
    """How a network counts the characters of a text."""

    X = "x"  # weighted code points after NFC; any URL counts 23
    GRAPHEMES = "graphemes"  # what a person sees as one character
    THREADS = "threads"  # code points, an emoji as many as its octets
    CHARS = "chars"  # Unicode code points


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How much text a network takes, link included."""

    most: int
    rule: Rule = Rule.CHARS
    url_counts: int | None = None  # what any URL counts; None: its own length
    octets: int | None = None  # a second limit, in UTF-8
    encoded: int = MAX_INTENT  # octets of the whole intent


def graphemes(text: str) -> list[str]:
    """`text` cut where a reader sees one character end (UAX 29)."""
    found: list[str] = _GRAPHEME.findall(text)
    return found


def weigh_x(text: str) -> int:
    """How X counts `text`; joined emoji weigh more here than there, so a text that fits here fits there."""
    plain = unicodedata.normalize("NFC", text)
    bare = 0
    parts: list[str] = URL.split(plain)
    rest, urls = " ".join(parts), len(parts) - 1
    for found in _BARE.finditer(rest):  # X makes a link of `example.com` too
        bare += max(0, _URL_ON_X - _weigh_points(found.group()))
    return urls * _URL_ON_X + bare + _weigh_points(rest) - urls


def _weigh_points(text: str) -> int:
    return sum(1 if any(low <= ord(c) <= high for low, high in _LIGHT) else 2 for c in text)


def _weigh_threads(text: str) -> int:
    """Threads counts an emoji as the octets of its UTF-8 (its page "Posts", April 2026)."""
    return len(text) + sum(len(g.encode("utf-8", "replace")) - len(g) for g in graphemes(text) if _EMOJI.search(g))


def count(limit: Limit, text: str) -> int:
    """How `limit`'s network counts `text`."""
    if limit.rule is Rule.X:
        return weigh_x(text)
    if limit.url_counts is not None:
        text = URL.sub("u" * limit.url_counts, text)
    if limit.rule is Rule.THREADS:
        return _weigh_threads(text)
    return len(graphemes(text)) if limit.rule is Rule.GRAPHEMES else len(text)


def fits(limit: Limit, text: str) -> bool:
    """True when `text`, link included, is within the network's limits."""
    return count(limit, text) <= limit.most and (limit.octets is None or len(text.encode("utf-8", "replace")) <= limit.octets)
