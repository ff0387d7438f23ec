"""What would give away something internal: its numbers, its names and any five of its words in a row."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex
from babel import Locale, UnknownLocaleError

from digest.domain.prose import plain

RUN = 5  # words in a row that are no accident
RUN_UNSPACED = 12  # characters in a row, in writing that puts no space between words
_TOLD = 3  # digits from which a whole number tells something
_FULL_NAMES = range(2, 5)  # words of a person's name
_YEARS = range(1900, 2100)  # bare, they tell nothing
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}"
_WORD = regex.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[\p{{L}}\p{{N}}])(?:(?![{_UNSPACED}])[\p{{L}}\p{{M}}\p{{N}}'’-])*")  # noqa: RUF001 - both are typed
_NUMBER = regex.compile(r"(?<![\p{L}\p{N}.,])(?:\p{Nd}{1,3}(?: \p{Nd}{3})+|\p{Nd}+)(?:[.,'’\u00a0\u202f٫٬]\p{Nd}+)*(?![\p{L}\p{N}])")  # noqa: RUF001 - Arabic separators
_UNIT = regex.compile(
    r"\s?(?:[%‰٪]|percent\b|per cent\b|prozent\b|pour cent\b|por ciento\b|por cento\b|パーセント|[€$£¥₹]|eur\b|usd\b|gbp\b)", regex.IGNORECASE
)
_MARKED = regex.compile(r"[*_\[\\<&]")
_BEFORE = regex.compile(r"[€$£¥₹]\s?$")
_GROUPED = regex.compile(r"\d{1,3}(?:[.,' ]\d{3})+")
_SENTENCE = regex.compile(r"(?:^|[.!?:;…\n\"“„«»()\[\]•–—])\s*[\"“„«'‘(]*$")  # noqa: RUF001 - dashes begin a thought
_PLAIN_NOUNS = frozenset({"de", "lb"})  # languages that write every noun with a capital


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What stands in one text: each as it is compared -> as it was written."""

    numbers: dict[str, str]
    names: dict[tuple[str, ...], str]
    runs: dict[tuple[str, ...], str]


def telling(text: str, language: str, people: Collection[tuple[str, ...]] = frozenset()) -> Telling:
    """What of an internal text must not stand outside. `people`: full names of people, word by word in small letters."""
    said = bare(text)
    words = words_of(said)
    names = dict(_names(said, language.split("-", maxsplit=1)[0]))
    if people:
        found = (words[start : start + size] for size in _FULL_NAMES for start in range(len(words) - size + 1))
        names |= {name: " ".join(name) for name in found if name in people}
    return Telling(numbers=dict(numbers(said)), names=names, runs=dict(_runs(words)))


def bare(text: str) -> str:
    """A text without its marks; most have none, and need no parsing."""
    return plain(text) if _MARKED.search(text) else text


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, in small letters; in unspaced writing each character is one."""
    return tuple(found.casefold().replace("’", "'") for found in _WORD.findall(text))  # noqa: RUF001 - both are typed


def numbers(text: str) -> Iterator[tuple[str, str]]:
    """Numbers that tell something: with a fraction, a unit or three digits. (As compared, as written.) Small ones and years are everybody's."""
    for found in _NUMBER.finditer(text):
        written = found[0]
        digits = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in written).translate(
            {0x66C: ",", 0x66B: ".", 0xA0: " ", 0x202F: " ", 0x2019: "'"}
        )
        grouped = _GROUPED.fullmatch(digits) is not None
        value = regex.sub(r"\D", "", digits) if grouped else digits.replace(",", ".").replace("'", "").replace(" ", "")
        unit = _UNIT.match(text, found.end()) is not None or _BEFORE.search(text, 0, found.start()) is not None
        if unit or "." in value or grouped or (len(value) >= _TOLD and int(value) not in _YEARS):
            yield value, text[found.start() : found.end()]


def _runs(words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Five words in a row; where words are single characters, twelve."""
    for start in range(len(words) - RUN + 1):
        size = RUN_UNSPACED if regex.match(rf"[{_UNSPACED}]", words[start]) else RUN
        run = words[start : start + size]
        if len(run) == size:
            yield run, (" " if size == RUN else "").join(run)


def capitals(text: str) -> frozenset[str]:
    """The words that stand with a capital somewhere in a text, in small letters."""
    return frozenset(found.casefold() for found in _WORD.findall(text) if found[:1].isupper() or found[:1].istitle())


def _names(text: str, language: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Words with a capital inside a sentence; two and more in a row are one name. Days, months, places and languages are nobody's."""
    run: list[regex.Match[str]] = []
    for word in [*_WORD.finditer(text), None]:
        capital = word is not None and _is_capital(word[0])
        if capital and run and text[run[-1].end() : word.start()] in {" ", "\u00a0"}:
            run.append(word)
            continue
        yield from _name(run, text, language)
        run = [word] if capital else []


def _name(run: list[regex.Match[str]], text: str, language: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """A run of capitals as a name; where it begins a sentence its first word may be any, so what follows that is one too."""
    begins = bool(run) and _SENTENCE.search(text, 0, run[0].start()) is not None
    known = _everybodys(language)
    if begins and all(word[0].casefold() in known for word in run[1:]):
        return
    for words in (run[1:], run) if begins else (run,):
        folded = tuple(word[0].casefold() for word in words)
        alone = len(folded) == 1 and language in _PLAIN_NOUNS
        if folded and not alone and not all(word in known for word in folded):
            yield folded, text[words[0].start() : words[-1].end()]


def _is_capital(word: str) -> bool:
    """A word such as Falcon or McKay: a capital first, small letters behind it. LED and API are no names."""
    return len(word) > 1 and unicodedata.category(word[0]) in {"Lu", "Lt"} and any(c.islower() for c in word[1:])


@lru_cache(maxsize=64)
def _everybodys(language: str) -> frozenset[str]:
    """Words with a capital that give nothing away in a language: days, months, countries, languages."""
    found: set[str] = {"i'm", "i've", "i'll", "i'd"}
    for name in {language, "en"}:
        try:
            locale = Locale.parse(name)
        except (ValueError, UnknownLocaleError):
            continue
        found |= {
            word for width in ("wide", "abbreviated") for word in (*locale.days["format"][width].values(), *locale.months["format"][width].values())
        }
        found |= {*locale.territories.values(), *locale.languages.values()}
    return frozenset(word.casefold() for text in found for word in text.replace("(", " ").replace(")", " ").split())
