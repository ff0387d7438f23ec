"""What is wrong in a file that people edit, and where."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from datetime import date, datetime, time

_LONGEST = 60  # characters of a found value that a message repeats
_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True, order=True)
class Problem:
    """One problem at its place; lines and columns count from 1. Sorted as an editor walks through the files."""

    file: str
    line: int
    col: int
    text: str
    stops: bool = True  # False: a warning; what it is about is left out, and all else goes on

    def __str__(self) -> str:
        """The form that editors and terminals turn into a link."""
        return f"{self.file}:{self.line}:{self.col}: {self.text}"


def found(value: object) -> str:
    """A value as it may be repeated in a message: one line, short, as it is written in the file."""
    match value:
        case bool():
            text = "true" if value else "false"
        case datetime() | date() | time():
            text = value.isoformat()
        case dict():
            return "a table"
        case list():
            return "a list"
        case str():
            text = json.dumps(value, ensure_ascii=not value.isprintable())
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def decode(file: str, raw: bytes) -> tuple[str, Problem | None]:
    """The text of a file saved as UTF-8, with or without a byte order mark, or the place of the first byte that is not."""
    if raw[:2] in _BOMS:
        return "", Problem(file, 1, 1, f"found {_BOMS[raw[:2]]}, allowed UTF-8; save the file as UTF-8")
    raw = raw.removeprefix(codecs.BOM_UTF8)  # before decoding, or the codec counts from behind it
    try:
        return raw.decode(), None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        col = len(raw[raw.rfind(b"\n", 0, error.start) + 1 : error.start].decode()) + 1
        said = f"found byte 0x{raw[error.start]:02X}, allowed UTF-8 text; the file was saved in another encoding, save it as UTF-8"
        return "", Problem(file, line, col, said)
