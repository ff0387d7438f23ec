"""What the other side said, and what the machine said of it, as people and databases can take it."""

from __future__ import annotations

import socket
import unicodedata

_MARK = "\ufffd"  # stands for what cannot be shown


def shown(text: str) -> str:
    """`text` as people and databases can take it: a mark stands for each control character and whatever else has no glyph."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c == "\t" or unicodedata.category(c) == "Zs" else _MARK for c in text)


def quoted(octets: bytes | bytearray) -> str:
    """The beginning of what was said, in quotes."""
    return f'"{octets[:80].decode("utf-8", "replace")}"'


def in_words(error: Exception) -> str:
    """What went wrong with a socket."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, socket.gaierror):
        return f"no such host ({error.strerror})"
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__
