"""Wording: plurals, dates, reading time and cutting, for one language at a time. Pure; the words themselves are data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

import regex
from babel import Locale
from babel.dates import format_date, format_datetime

WORDS_PER_MINUTE = 220
SUBJECT_LENGTH = 42  # what a phone shows of a subject (digest-content, section 2)
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_GRAPHEME = regex.compile(r"\X")
_WORD = regex.compile(r"[\p{L}\p{N}]+")


def candidates(language: str) -> tuple[str, ...]:
    """The languages to try for a reader of `language`, best first: itself, without its region, English."""
    plain = language.lower().replace("_", "-")
    return tuple(dict.fromkeys((plain, plain.split("-", maxsplit=1)[0], "en")))


def nearest(language: str, offered: Iterable[str]) -> str:
    """The offered language that suits a reader of `language` best: a candidate, else the first one offered."""
    known = list(offered)
    return next((found for found in candidates(language) if found in known), known[0])


def direction(language: str) -> str:
    """`rtl` for languages written from right to left, else `ltr`."""
    return "rtl" if language.lower().split("-")[0] in _RIGHT_TO_LEFT else "ltr"


def count_words(text: str) -> int:
    """How many words a reader meets."""
    return len(_WORD.findall(text))


def reading_minutes(words: int) -> int:
    """Whole minutes for that many words, at least one."""
    return max(1, math.ceil(words / WORDS_PER_MINUTE))


def shorten(text: str, length: int = SUBJECT_LENGTH) -> str:
    """`text` on one line and at most `length` graphemes, cut between words where it can be, with one ellipsis."""
    line = " ".join(text.split())
    letters = _GRAPHEME.findall(line)
    if len(letters) <= length:
        return line
    head = "".join(letters[: length - 1])
    words, _, rest = head.rpartition(" ")
    kept = words if words and letters[length - 1] != " " and len(rest) < length // 2 else head
    return kept.rstrip(" ,;:.-\u2013\u2014") + "…"


def initial(name: str) -> str:
    """The first letter of a name as a reader sees it; "" for none."""
    letters = _GRAPHEME.findall(name.strip())
    return str(letters[0]).upper() if letters else ""


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language.replace("-", "_"))


@dataclass(frozen=True, kw_only=True)
class Words:
    """One language's words. A phrase is text with `{slots}`, or a plural's forms."""

    language: str
    phrases: Mapping[str, str | Mapping[str, str]]

    def __call__(self, phrase: str, n: int | None = None, **values: object) -> str:
        """The phrase with its values. `n` chooses the plural form. Raises KeyError for a phrase that is not there."""
        found = self.phrases[phrase]
        if not isinstance(found, str):
            found = found[self._form(n or 0)] if self._form(n or 0) in found else found["other"]
        return found.format(n=n, **values)

    def _form(self, n: int) -> str:
        return str(_locale(self.language).plural_form(n))

    def day(self, day: date, pattern: str = "date_short") -> str:
        """A date by one of the patterns `date_short` and `date_long`."""
        return format_date(day, str(self.phrases[pattern]), locale=_locale(self.language))

    def moment(self, iso: str) -> str:
        """An event's own wall time out of ISO 8601; a date alone stays a date; anything else is printed as it is."""
        try:
            if len(iso) == len("2026-11-24"):
                return self.day(date.fromisoformat(iso), "date_long")
            wall = datetime.fromisoformat(iso).replace(tzinfo=None)
        except ValueError:
            return iso
        return format_datetime(wall, str(self.phrases["moment"]), locale=_locale(self.language))

    def territory(self, code: str) -> str:
        """A country's name for its two-letter code; any other text is a place and stays."""
        return str(_locale(self.language).territories.get(code, code))
