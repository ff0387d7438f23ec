"""Moderation: who may do what to contributions, what always needs review, and how much is too much."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

import regex

from digest.domain.contribution import without_links

_NAME_WORDS = (2, 3, 4)
_AROUND = ".,;:!?()[]{}<>*_\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d\u3001\u3002\u060c\u061b"
_POSSESSIVE = regex.compile(r"['\u2019]s$")
_PATIENCE = 0.2  # seconds for one pattern of the operator's; one that takes longer counts as found
_AMOUNT = (  # what makes a figure of any number beside it
    r"[$€£¥₹₩₽₺%‰٪]|\b(?:EUR|USD|GBP|CHF|JPY|BRL|AED|SAR|INR|CNY|euros?|dollars?|dólar(?:es)?|pounds?|Pfund|francs?|Franken|yen|reais"
    r"|percent|per cent|Prozent|pour cent|por ciento|por cento|thousands?|Tausend|Tsd|mille|mil|Mio|Mrd|Mill|(?:m|b)illions?|milliards?"
    r"|Millionen|Milliarden|mill[oó]n(?:es)?|milh(?:ão|ões|ares)|bilh(?:ão|ões)|bn|mn)\b|[千万億兆円元]|ユーロ|ドル|パーセント"
    r"|يورو|دولار|ريال|ألف|آلاف|مليون|ملايين|مليار|بالمئة|في المئة"
)
_APART = r"[.,'\u2019\u066b\u066c\uff0c_ \u00a0\u2007\u2009\u202f]"  # between groups of digits, in one notation or another
_SPACED = rf"(?:\d|{_APART}){{0,20}}"
_FIGURE = regex.compile(
    rf"(?:{_AMOUNT})\s?\d{_SPACED}|\d{_SPACED}\s?(?:{_AMOUNT})|(?<!\d)\d{{1,3}}(?:{_APART}\d{{3}})+(?!\d)|\d(?:k|(?-i:M))\b", regex.IGNORECASE
)
_BARE = regex.compile(r"(?<![\p{Lu}\p{Ll}\d]|\d[.,])\d{4,}")
_CALLED = regex.compile(r"\p{Lu}[\p{L}\p{M}]*\.?\s$")  # "ISO 9001", "Room 1204": what something is called, and no count
_NAME_BEFORE = 30  # characters in which such a name stands
_YEARS = range(1900, 2101)
_YEAR = 4  # digits


class Trigger(StrEnum):
    """What sends even a trusted author's post to review."""

    CUSTOMER = "customer"  # it names one of moderation.customers
    FIGURE = "figure"  # it names an amount, a share or another large number
    PERSON = "person"  # it names somebody on the roster
    WORD = "word"  # it has one of moderation.words, or fits one of moderation.patterns


class Deed(StrEnum):
    """What a moderator may be allowed to do."""

    EDIT = "edit"  # change words, for a reason
    DECIDE = "decide"  # accept or decline
    TRUST = "trust"  # give an author the right to go without review, or take it back


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Addresses in lower case. All three empty: whoever may run the command may do everything."""

    editors: frozenset[str] = frozenset()
    approvers: frozenset[str] = frozenset()
    admins: frozenset[str] = frozenset()

    @property
    def given(self) -> bool:
        """Whether any role was given to anybody."""
        return bool(self.editors or self.approvers or self.admins)

    def may(self, deed: Deed) -> frozenset[str]:
        """Who may do it; meaningless while no role is given."""
        if deed is Deed.TRUST:
            return self.admins or self.approvers
        return self.approvers | self.admins | (self.editors if deed is Deed.EDIT else frozenset())


@dataclass(frozen=True, kw_only=True)
class Rules:
    """`[moderation]` as plain values."""

    deciders: tuple[str, ...] = ()  # addresses of those who are told that a post waits for them
    decide_days: int = 3
    per_day: int = 5
    longest: int = 4000  # characters of one contribution
    links: int = 3
    customers: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    figures: bool = True
    people: bool = True
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    closed: tuple[str, ...] = ()  # days on which the company is closed
    country: str = ""  # whose holidays those who decide keep


def allowed(roles: Roles, deed: Deed, who: str) -> bool:
    """Whether `who` may do it."""
    return not roles.given or who.strip().lower() in roles.may(deed)


def triggers(text: str, rules: Rules) -> list[tuple[Trigger, str]]:
    """What in `text` asks for review: each trigger with the words that set it off. People are looked up in the roster."""
    found = [(Trigger.CUSTOMER, name) for name in rules.customers if _stands_in(name, text)]
    found += [(Trigger.WORD, word) for word in rules.words if _stands_in(word, text)]
    found += [(Trigger.WORD, pattern) for pattern in rules.patterns if _fits(pattern, text)]
    figure = _figure(without_links(text)) if rules.figures else ""
    return [*found, *([(Trigger.FIGURE, figure)] if figure else [])]


def _figure(text: str) -> str:
    """The first amount, share or large number, however it is written; "" for none. Years, names with a number and small counts are none."""
    found = _FIGURE.search(text)
    if found:
        return str(found[0].strip())
    return next((str(bare[0]) for bare in _BARE.finditer(text) if len(bare[0]) > _YEAR or _counts(text, bare)), "")


def _counts(text: str, bare: regex.Match[str]) -> bool:
    """Whether four digits are a count: neither a year nor behind a word with a capital."""
    before = text[max(0, bare.start() - _NAME_BEFORE) : bare.start()]
    return int(bare[0]) not in _YEARS and _CALLED.search(before) is None


def names_in(text: str) -> frozenset[str]:
    """Every run of two to four words in `text` that may be somebody's full name: its first and last word have no small first letter."""
    words = [_POSSESSIVE.sub("", word.strip(_AROUND)) for word in text.split()]
    runs = (words[start : start + size] for start in range(len(words)) for size in _NAME_WORDS)
    return frozenset(" ".join(run) for run in runs if len(run) > 1 and all(run) and not (run[0][0].islower() or run[-1][0].islower()))


def _stands_in(phrase: str, text: str) -> bool:
    """As words of their own, whatever their case; a phrase of a script without spaces anywhere."""
    plain = r"\s+".join(map(regex.escape, phrase.split()))
    edges = (r"(?<![\w])", r"(?![\w])") if regex.fullmatch(r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{Arabic}\p{N}\p{P}\p{S}\s]+", phrase) else ("", "")
    return bool(plain) and regex.search(f"{edges[0]}{plain}{edges[1]}", text, regex.IGNORECASE) is not None


def _fits(pattern: str, text: str) -> bool:
    try:
        return regex.search(pattern, text, regex.IGNORECASE, timeout=_PATIENCE) is not None
    except TimeoutError:
        return True


def too_much(parts: Iterable[str], links: int, rules: Rules) -> str:
    """Why this is more than one contribution may be: "long", "links", or "" when it is not."""
    if sum(map(len, parts)) > rules.longest:
        return "long"
    return "links" if links > rules.links else ""
