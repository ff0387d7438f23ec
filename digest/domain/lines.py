"""Lines of plain text: folded by what they take up on a screen, between words, never inside an address."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import regex

WIDTH = 76  # of the text part (RFC 3676 asks for 78 or less)
_GRAPHEME = regex.compile(r"\X")
_ADDRESS = regex.compile(r"(?:https?://|mailto:)\S+|[^\s@]+@[^\s@]+\.[^\s@]+")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\u3000-\u303f\uff00-\uffef]")
# What no line of Japanese begins with, and what none ends with (JIS X 4051).
_NO_START = frozenset("、。，．・：；？！ー々ゝゞヽヾ）〕］｝〉》」』】’”»ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ…‥)]}!?,.:;%")  # noqa: RUF001 - these very signs
_NO_END = frozenset("（〔［｛〈《「『【‘“«([{")  # noqa: RUF001 - these very signs


def one_line(text: str) -> str:
    """`text` on one line, of characters that have a glyph: neither a terminal nor a file of ours may choke on what strangers sent."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def width(text: str) -> int:
    """How many columns `text` takes: two for wide letters and emoji, none for marks on other letters."""
    return len(text) if text.isascii() else sum(map(_columns, _GRAPHEME.findall(text)))


def _columns(letter: str) -> int:
    if unicodedata.east_asian_width(letter[0]) in "WF" or "\ufe0f" in letter:
        return 2
    return 0 if unicodedata.category(letter[0]) in {"Mn", "Me", "Cf", "Cc"} else 1


def fold(text: str, indent: str = "", first: str | None = None) -> str:
    """`text` in lines of at most 76 columns; its own line breaks stay. `first`: what the first line begins with instead of `indent`."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines += _folded(line, indent, indent if lines or first is None else first)
    return "\n".join(lines).strip("\n")


def _folded(line: str, indent: str, first: str) -> list[str]:
    lines, now, room, begun = [], first, WIDTH - width(first), False
    for gap, piece in _pieces(line.strip(" \t"), WIDTH - width(indent)):
        need = width(piece)
        if begun and need + len(gap) > room:
            lines.append(now)
            now, room, begun = indent, WIDTH - width(indent), False
        before = gap if begun else ""
        now, room, begun = f"{now}{before}{piece}", room - need - len(before), True
    return [*lines, now] if begun else [""]


def _pieces(line: str, longest: int) -> Iterator[tuple[str, str]]:
    """What may stand alone on a line, each with the space before it."""
    for word in regex.split(r"[ \t]+", line):
        gap = " "
        for piece in [word] if _ADDRESS.search(word) else _cut(word, longest):
            if piece:
                yield gap, piece
            gap = ""


def _cut(word: str, longest: int) -> Iterator[str]:
    """A word in pieces: between the letters of scripts without spaces, and wherever it is longer than a line."""
    if not _UNSPACED.search(word) and width(word) <= longest:
        yield word
        return
    now, taken, before = "", 0, ""
    for letter in _GRAPHEME.findall(word):
        joint = (_UNSPACED.match(letter) or _UNSPACED.match(before)) and letter[0] not in _NO_START and before[-1:] not in _NO_END
        if now and (joint or taken + _columns(letter) > longest):
            yield now
            now, taken = "", 0
        now, taken, before = now + letter, taken + _columns(letter), letter
    yield now
