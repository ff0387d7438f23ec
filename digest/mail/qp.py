"""Quoted-printable in pieces that can be joined in any order (RFC 2045, 6.7).

Every piece begins at the start of a line and ends at one, with a soft break if it must; so no joint makes a line longer
than 76. A line never begins with a dot (nothing is left to stuff, RFC 5321, 4.5.2) nor with "From ".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

LINE = 76  # octets, a soft break's "=" included
_PLAIN = [f"={byte:02X}" for byte in range(256)]
for _byte in [*range(0x21, 0x7F), 0x20, 0x09]:
    _PLAIN[_byte] = chr(_byte)
_PLAIN[0x3D] = "=3D"


@dataclass(frozen=True)
class Slot:
    """A place for a value. `length` on the wire; 0: any, the value brings its own soft break."""

    name: str
    length: int


def encode_run(run: Sequence[str | Slot]) -> list[bytes | Slot]:
    """Encode text with slots in it; the slots stay, the text between them becomes octets."""
    writer = _Writer()
    for part in run:
        if isinstance(part, Slot):
            writer.slot(part)
        else:
            writer.text(part)
    return writer.done()


@lru_cache(maxsize=4096)
def encode_value(text: str) -> bytes:
    """A value for a slot of any length: whole lines, ended by a soft break."""
    if text.isascii() and text.isalnum() and len(text) < LINE:
        return text.encode("ascii") + b"=\r\n"
    found = encode_run([text])
    return b"".join(part for part in found if isinstance(part, bytes))


class _Writer:
    def __init__(self) -> None:
        self._pieces: list[bytes | Slot] = []
        self._now: list[str] = []
        self._column = 0

    def text(self, text: str) -> None:
        lines = text.encode().split(b"\n")
        for index, line in enumerate(lines):
            if index:
                self._now.append("\r\n")
                self._column = 0
            self._line(line, ends=index < len(lines) - 1)

    def _line(self, line: bytes, *, ends: bool) -> None:
        last = len(line) - 1
        for index, byte in enumerate(line):
            word = _PLAIN[byte]
            if ends and index == last and byte in b" \t":  # white space at a line's end is lost on the way
                word = f"={byte:02X}"
            self._room(len(word), last_of_line=ends and index == last)
            if self._column == 0 and (byte == ord(".") or line[index : index + 5] == b"From "):
                word = f"={byte:02X}"
            self._now.append(word)
            self._column += len(word)

    def _room(self, length: int, *, last_of_line: bool = False) -> None:
        if self._column + length > (LINE if last_of_line else LINE - 1):
            self._soft_break()

    def _soft_break(self) -> None:
        self._now.append("=\r\n")
        self._column = 0

    def slot(self, slot: Slot) -> None:
        if slot.length:
            self._room(slot.length)
        elif self._column:
            self._soft_break()
        self._flush()
        self._pieces.append(slot)
        self._column += slot.length

    def _flush(self) -> None:
        if self._now:
            self._pieces.append("".join(self._now).encode("ascii"))
            self._now = []

    def done(self) -> list[bytes | Slot]:
        if self._column:
            self._soft_break()
        self._flush()
        return self._pieces
