"""Wording: plurals, dates, reading time and cutting, for one language at a time. Pure; the words themselves are data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache

import regex
from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

SUBJECT_LENGTH = 42  # what a phone shows of a subject (digest-content, section 2)
# Words a minute of silent reading (Trauzettel-Klosinski and Dietz, IReST, 2012); a Japanese word is about two characters.
_PACE = {"ar": 138, "de": 179, "en": 228, "es": 218, "fr": 195, "ja": 193, "pt": 181}
_USUAL_PACE = 184
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_FORMS = ("zero", "one", "two", "few", "many", "other")  # CLDR's plural forms, in the order of gettext's numbers
_GRAPHEME = regex.compile(r"\X")
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"  # scripts that put no spaces between words
_WORD = regex.compile(rf"[{_UNSPACED}]{{1,2}}|[[\p{{L}}\p{{N}}]--[{_UNSPACED}]]+", regex.VERSION1)
_LEFT_TO_RIGHT = "\u200e"
_RIGHT_TO_LEFT_LETTER = regex.compile(r"\p{Arabic}|\p{Hebrew}")
_PLAIN_NUMBER = regex.compile(r"[-+]?\d+(?:\.(\d+))?(?=$|[\s%‰])")


def _base(language: str) -> str:
    return language.lower().replace("_", "-").split("-", maxsplit=1)[0]


def candidates(language: str) -> tuple[str, ...]:
    """The languages to try for a reader of `language`, best first: itself, without its region, English."""
    return tuple(dict.fromkeys((language.lower().replace("_", "-"), _base(language), "en")))


def nearest(language: str, offered: Iterable[str]) -> str:
    """The offered language that suits a reader of `language` best: itself, as spoken elsewhere, English, else the first one offered."""
    return _nearest(language, tuple(offered))


@lru_cache(maxsize=1024)
def _nearest(language: str, offered: tuple[str, ...]) -> str:
    elsewhere = [found for found in offered if _base(found) == _base(language)]
    wanted = [*candidates(language)[:-1], *elsewhere, "en"]
    return next((found for found in wanted if found in offered), offered[0])


def same_language(one: str, other: str) -> bool:
    """True for two forms of one language: pt and pt-br."""
    return _base(one) == _base(other)


def plural_forms(language: str) -> tuple[str, ...]:
    """The plural forms that CLDR gives a language, in gettext's order: ("one", "other") for English."""
    return tuple(form for form in _FORMS if form in {*_locale(language).plural_form.tags, "other"})


def exact_forms(language: str) -> frozenset[str]:
    """The plural forms that stand for one number each, so that a sentence may go without the digits: Arabic's one and two."""
    rule = _locale(language).plural_form
    met = [rule(n) for n in range(200)]
    return frozenset(form for form in plural_forms(language) if met.count(form) == 1 and form != "other")


def language_name(language: str) -> str:
    """What a language calls itself: Deutsch, 日本語."""
    return str(_locale(language).get_display_name())


def direction(language: str) -> str:
    """`rtl` for languages written from right to left, else `ltr`."""
    return "rtl" if _base(language) in _RIGHT_TO_LEFT else "ltr"


def count_words(text: str) -> int:
    """How many words a reader meets; where none are told apart by spaces, two characters count as one."""
    return len(_WORD.findall(text))


def pace(language: str) -> int:
    """How many words a minute a reader of `language` takes in."""
    return _PACE.get(_base(language), _USUAL_PACE)


def reading_minutes(words: int, a_minute: int) -> int:
    """Whole minutes for that many words at so many words a minute, at least one."""
    return max(1, math.ceil(words / a_minute))


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


def letters_of(text: str) -> int:
    """How many characters a reader sees (UAX 29)."""
    return len(text) if text.isascii() else len(_GRAPHEME.findall(text))


def initial(name: str) -> str:
    """The first letter of a name as a reader sees it; "" for none."""
    letters = _GRAPHEME.findall(name.strip())
    return str(letters[0]).upper() if letters else ""


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language, sep="-")


Phrase = str | Mapping[str, str]  # text with `{slots}`, or CLDR plural form -> such text


@dataclass(frozen=True, kw_only=True)
class Words:
    """One language's words; what it cannot say is said by `fallback`."""

    language: str
    phrases: Mapping[str, Phrase]
    fallback: Words | None = None

    def __call__(self, phrase: str, n: int | str | None = None, **values: object) -> str:
        """The phrase with its values. A whole `n` chooses the plural form. Raises KeyError for a phrase that nobody has."""
        found = self.phrases.get(phrase)
        if found is None:
            if self.fallback is None:
                raise KeyError(phrase)
            return self.fallback(phrase, n, **values)
        if not isinstance(found, str):
            form = self.form(n if isinstance(n, int) else 0)
            found = found[form] if form in found else found["other"]
        return found.format(n=self.whole(n) if isinstance(n, int) else n, **values)

    def form(self, n: int) -> str:
        """The plural form of a number."""
        return str(_locale(self.language).plural_form(n))

    def in_form(self, phrase: str, form: str, n: str) -> str:
        """The phrase in a plural form that is named, with `n` as it is. Raises KeyError for a phrase that nobody has."""
        found = self.phrases.get(phrase)
        if found is None and self.fallback is not None:
            return self.fallback.in_form(phrase, form, n)
        if found is None or isinstance(found, str):
            raise KeyError(phrase)
        return (found[form] if form in found else found["other"]).format(n=n)

    def pattern(self, name: str) -> str:
        """A date's pattern (CLDR). Raises KeyError."""
        return str(self.phrases[name] if name in self.phrases or self.fallback is None else self.fallback.phrases[name])

    def whole(self, number: int) -> str:
        """A whole number as readers write it."""
        return str(format_decimal(number, locale=_locale(self.language)))

    def figure(self, text: str) -> str:
        """A figure such as `12345.5 %` as readers write its number; anything but a plain number stays as it was typed.

        Right-to-left words around it do not turn "9 days": a mark on each side keeps it together (UAX 9, 2.6).
        """
        written = self._written(text)
        return (
            f"{_LEFT_TO_RIGHT}{written}{_LEFT_TO_RIGHT}" if direction(self.language) == "rtl" and not _RIGHT_TO_LEFT_LETTER.search(text) else written
        )

    def _written(self, text: str) -> str:
        found = _PLAIN_NUMBER.match(text)
        if not found or len(found[0]) > 15:  # noqa: PLR2004 - beyond this a float is not exact
            return text
        pattern = "#,##0" + (f".{'0' * len(found[1])}" if found[1] else "")
        return f"{format_decimal(float(found[0]), pattern, locale=_locale(self.language))}{text[found.end() :]}"

    def day(self, day: date, pattern: str = "date_short", *, seen: date | None = None) -> str:
        """A date by one of the patterns `date_short` and `date_long`; with its year unless that is the year of `seen`, the reader's day."""
        elsewhen = seen is not None and day.year != seen.year and pattern == "date_short"
        return format_date(day, self.pattern("date_year" if elsewhen else pattern), locale=_locale(self.language))

    def moment(self, iso: str, *, seen: date | None = None) -> str:
        """An event's own wall time out of ISO 8601; a date alone stays a date; anything else is printed as it is. `seen`: as above."""
        try:
            if len(iso) == len("2026-11-24"):
                return self.day(date.fromisoformat(iso), "date_long")
            wall = datetime.fromisoformat(iso).replace(tzinfo=None)
        except ValueError:
            return iso
        elsewhen = seen is not None and wall.year != seen.year
        return format_datetime(wall, self.pattern("moment_year" if elsewhen else "moment"), locale=_locale(self.language))

    def territory(self, code: str) -> str:
        """A country's name for its two-letter code; any other text is a place and stays."""
        return str(_locale(self.language).territories.get(code, code))
