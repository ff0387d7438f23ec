"""The parts of a message, found in one pass whose time and memory are bounded whatever the message is.

The standard library's parser recurses once per nested part and looks at every open boundary for every line, so a thousand
nested parts end it. Here depth, parts, fields and their lengths have limits; what lies beyond them is not read, and the
message is kept whole elsewhere.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

DEPTH = 20  # multiparts inside each other
PARTS = 100
FIELDS = 1000  # in one head
FIELD = 8192  # octets of one field
_DECODED = 262_144  # octets of one part that are decoded
_LONGEST = 200  # octets of a boundary; RFC 2046, 5.1.1 allows 70
_LF = 10

_NAME = re.compile(rb"([!-9;-~]{1,200}):[ \t]*")
_TYPE = re.compile(r"\s*([a-z0-9.+-]+/[a-z0-9.+-]+)", re.IGNORECASE)

Fields = Mapping[str, list[str]]  # name in lower case -> values in their order


@dataclass(kw_only=True)
class Part:
    """One part that holds no others."""

    fields: Fields
    kind: str  # "text/plain": Content-Type in lower case
    body: bytes = field(repr=False)  # as it stands there, encoded


def parts(data: bytes) -> tuple[Fields, str, list[Part]]:
    """The head of the whole, its type, and every part that holds no others. A message within a message is one part."""
    walk = _Walk(data)
    walk.run()
    return walk.head, _kind(walk.head), walk.found


def decoded(part: Part) -> bytes:
    """A part's body without its transfer encoding; broken encodings give what can be had."""
    raw = part.body[:_DECODED]
    encoding = first(part.fields, "content-transfer-encoding").strip().lower()
    if encoding == "quoted-printable":
        return quopri.decodestring(raw)
    if encoding == "base64":
        return _base64(raw)
    return raw


def first(fields: Fields, name: str) -> str:
    """The first value of a field, or ""."""
    return fields[name][0] if name in fields else ""


def parameter(value: str, name: str) -> str:
    """A parameter of a structured field ("boundary" of Content-Type), or ""."""
    found = re.search(rf';\s*{name}\s*=\s*(?:"([^"]*)"|([^\s;"]+))', value, re.IGNORECASE)
    return (found[1] if found[1] is not None else found[2]) if found else ""


def read_fields(lines: Iterator[bytes]) -> dict[str, list[str]]:
    """Fields up to the first line that is none. A name that comes twice has two values."""
    found: dict[str, list[str]] = {}
    value: list[bytes] = []
    name, count, length = "", 0, 0
    for raw in lines:
        line = raw[: FIELD + 1].rstrip(b"\r\n")
        start = _NAME.match(line)
        if line[:1] in {b" ", b"\t"} and line.strip():
            if name and length < FIELD:
                value.append(line.strip())
                length += len(line)
        elif start:
            _add(found, name, value)
            count += 1
            name = start[1].decode("ascii").lower() if count <= FIELDS else ""
            value, length = [line[start.end() :].strip()[:FIELD]], len(line)
        else:
            break
    _add(found, name, value)
    return found


def _add(found: dict[str, list[str]], name: str, value: list[bytes]) -> None:
    if name:
        found.setdefault(name, []).append(b" ".join(value)[:FIELD].decode("utf-8", "replace"))


def _base64(raw: bytes) -> bytes:
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    whole = clean[: len(clean) - (len(clean) % 4 == 1)]  # a single letter more holds no octet
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _kind(fields: Fields) -> str:
    found = _TYPE.match(first(fields, "content-type"))
    return found[1].lower() if found else "text/plain"


class _Walk:
    """One pass over the lines, with the boundaries that are open."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._open: list[bytes] = []
        self._marks: dict[bytes, tuple[int, bool]] = {}  # what stands behind the dashes -> (depth, closes)
        self.head: Fields = {}
        self.found: list[Part] = []

    def run(self) -> None:
        """Find everything."""
        if self._data.startswith((b"From ", b">From ")):  # as an mbox begins
            next(self._lines(), None)
        self.head = fields = self._head()
        for _ in range(2 * PARTS):
            self._part(fields)
            if not self._open or len(self.found) >= PARTS:
                return
            fields = self._head()

    def _lines(self) -> Iterator[bytes]:
        while self._at < len(self._data):
            end = self._end_of_line(self._at)
            line = self._data[self._at : min(end, self._at + FIELD + 1)]
            if self._boundary(line) is not None:
                return  # a head without its empty line; the boundary is read again
            self._at = end
            yield line

    def _head(self) -> Fields:
        lines = _Remembering(self._lines())
        fields = read_fields(lines)
        if lines.last.strip() and not _is_field(lines.last):  # the body begins without an empty line before it
            self._at = self._data.rfind(b"\n", 0, self._at - 1) + 1
        return fields

    def _part(self, fields: Fields) -> None:
        """The rest of a part whose head was read: go into a multipart, or take the body up to the next open boundary."""
        kind = _kind(fields)
        boundary = parameter(first(fields, "content-type"), "boundary").encode("utf-8", "replace")[:_LONGEST].rstrip()
        if kind.startswith("multipart/") and boundary and len(self._open) < DEPTH:
            self._now_open([*self._open, boundary])
            self._skip()
            return
        start = self._at
        end = self._skip()
        self.found.append(Part(fields=fields, kind=kind, body=self._data[start:end]))

    def _skip(self) -> int:
        """Go behind the next boundary that begins a part; returns where the body before the first boundary ended."""
        ended: int | None = None
        while self._open:
            begin = self._next_dashes()
            if begin is None:
                self._at = len(self._data)
                self._now_open([])
                break
            self._at = self._end_of_line(begin)
            which = self._boundary(self._data[begin : min(self._at, begin + _LONGEST + 8)])
            if which is None:
                continue
            ended = begin if ended is None else ended
            depth, closes = which
            self._now_open(self._open[: depth + (0 if closes else 1)])
            if not closes:
                break
        return len(self._data) if ended is None else ended

    def _now_open(self, boundaries: list[bytes]) -> None:
        self._open = boundaries
        self._marks = {}
        for depth, boundary in enumerate(boundaries):  # of equal ones the innermost counts
            self._marks[boundary] = (depth, False)
            self._marks[boundary + b"--"] = (depth, True)

    def _end_of_line(self, start: int) -> int:
        return self._data.find(b"\n", start) + 1 or len(self._data)

    def _next_dashes(self) -> int | None:
        if self._data.startswith(b"--", self._at) and (self._at == 0 or self._data[self._at - 1] == _LF):
            return self._at
        found = self._data.find(b"\n--", self._at)
        return None if found < 0 else found + 1

    def _boundary(self, line: bytes) -> tuple[int, bool] | None:
        """(depth, closes) of the open boundary that `line` is."""
        return self._marks.get(line[2:].rstrip()) if self._marks and line.startswith(b"--") else None


class _Remembering:
    """An iterator that knows what it gave last."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self.last = b""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.last = next(self._lines)
        return self.last


def _is_field(line: bytes) -> bool:
    return line[:1] in {b" ", b"\t"} or _NAME.match(line) is not None
