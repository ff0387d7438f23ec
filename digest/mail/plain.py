"""Plain text for mail: what may stand in it, lines of 76, paragraphs, addresses in ASCII."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from urllib.parse import quote

WIDTH = 76  # of the text part (RFC 3676 asks for 78 or less)
_ASCII = "".join(chr(c) for c in range(0x21, 0x7F))
_DROPPED = {"Cc", "Cs", "Cn"}  # control characters, lone surrogates, code points that are none


def clean(text: str) -> str:
    """`text` with plain line ends and without what no mail may carry."""
    if text.isprintable():
        return text
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(c for c in plain if c in "\n\t" or unicodedata.category(c) not in _DROPPED)


def ascii_url(url: str) -> str:
    """`url` with anything outside ASCII percent-encoded, so that no mail program reads it otherwise."""
    return quote(clean(url), safe=_ASCII)


def wrap(text: str, indent: str = "", first: str | None = None) -> str:
    """`text` in lines of at most 76 by words; line breaks of its own stay."""
    lines: list[str] = []
    for line in clean(str(text)).split("\n"):
        lines += textwrap.wrap(
            line,
            WIDTH,
            initial_indent=indent if lines or first is None else first,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(lines).strip("\n")


def paragraphs(text: str) -> list[str]:
    """`text` cut at its empty lines."""
    return [part.strip() for part in re.split(r"\n\s*\n", clean(text)) if part.strip()]
