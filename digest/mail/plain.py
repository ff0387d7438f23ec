"""Plain text for mail: what may stand in it, lines of 76, paragraphs, addresses in ASCII."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup

from digest.domain import prose as markdown
from digest.domain.lines import fold, width

_ASCII = "".join(chr(c) for c in range(0x21, 0x7F))
_DROPPED = {"Cc", "Cs", "Cn"}  # control characters, lone surrogates, code points that are none
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # these would turn our words around theirs as well


def clean(text: str) -> str:
    """`text` with plain line ends and without what no mail may carry."""
    if text.isprintable():
        return text
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(c for c in plain if c in "\n\t" or (c not in _TURNING and unicodedata.category(c) not in _DROPPED))


def ascii_url(url: str) -> str:
    """`url` with anything outside ASCII percent-encoded, so that no mail program reads it otherwise."""
    return quote(clean(url), safe=_ASCII)


def wrap(text: str, indent: str = "", first: str | None = None) -> str:
    """`text` in lines of at most 76 columns by words; line breaks of its own stay, and so does every address."""
    return fold(clean(str(text)), indent, first)


def columns(text: str) -> int:
    """How wide `text` is on a screen."""
    return width(clean(str(text)))


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One paragraph or entry of a list, as a page and as text. `start`: the number of an ordered entry, else 0."""

    kind: str  # p | ul | ol
    html: Markup
    text: str
    mark: str
    start: int


def prose(text: str) -> list[Shown]:
    """Safe Markdown cut into paragraphs and entries."""
    return [
        Shown(
            kind=block.kind,
            html=Markup(block.html),  # noqa: S704 - escaped word by word; its only tags are ours
            text=block.text,
            mark=block.mark,
            start=int(block.mark[:-1]) if block.kind == "ol" else 0,
        )
        for block in markdown.blocks(clean(text))
    ]


def unmarked(text: str) -> str:
    """Markdown without its marks, on one line."""
    return " ".join(markdown.plain(clean(text)).split())


def paragraphs(text: str) -> list[str]:
    """`text` cut at its empty lines."""
    return [part.strip() for part in re.split(r"\n\s*\n", clean(text)) if part.strip()]
