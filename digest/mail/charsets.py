"""Octets of a text part as text, whatever they are called: never an error, and nothing that a database or a screen chokes on."""

from __future__ import annotations

import codecs
import unicodedata

_NOT_TEXT = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})  # codecs of Python's own
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn our words around theirs as well
_DROPPED = {"Cc", "Cs", "Cn", "Co"}


def text_of(raw: bytes, charset: str) -> str:
    """`raw` as text. `charset`: what the part says of itself; when that is wrong or none, what fits."""
    for name in (_known(charset), "utf-8", "cp1252"):
        if name and name != "ascii":
            try:
                return raw.decode(name)
            except (UnicodeError, ValueError):
                continue
    return raw.decode(_known(charset) or "utf-8", "replace")


def _known(charset: str) -> str:
    """Python's name of a charset of text, or ""."""
    for name in (charset.strip(), charset.strip().lower().removeprefix("x-")):
        try:
            found = codecs.lookup(name)
        except (LookupError, ValueError):
            continue
        if getattr(found, "_is_text_encoding", False) and found.name.replace("-", "_") not in _NOT_TEXT:
            return found.name
    return ""


def tidy(text: str) -> str:
    """`text` in composed form, its lines ending plainly, without control characters and marks that turn the direction."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n").replace("\u00a0", " ")
    kept = "".join(c for c in plain if c in "\n\t" or (c not in _TURNING and unicodedata.category(c) not in _DROPPED))
    return unicodedata.normalize("NFC", kept.replace("\ufeff", ""))
