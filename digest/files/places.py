"""Where each key and value of a TOML document stands, which tomllib does not tell.

Only text that tomllib accepted is indexed, so this scanner follows the grammar without checking it. Offsets are kept
and lines counted on demand: indexing is one walk through the text, however many posts it has.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]
Span = tuple[int, int]  # offsets: first character, one past the last

_BLANK = re.compile(r"(?:[ \t\n]+|#[^\n]*)*+")
_SPACE = re.compile(r"[ \t]*+")
_KEY = re.compile(r'"(?:[^"\\]|\\.)*+"|\'[^\']*+\'|[A-Za-z0-9_-]++')
# Three quotes end a multi-line string, and up to two more right behind them still belong to it.
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*+"""(?:"{0,2})'
    r"|'''(?:[^']|'{1,2}(?!'))*+'''(?:'{0,2})"
    r'|"(?:[^"\\]|\\.)*+"'
    r"|'[^']*+'",
    re.DOTALL,
)
_SCALAR = re.compile(r"\d{4}-\d\d-\d\d [^,\]}\s#]+|[^,\]}\s#]+")


class Places:
    """The index of one document. A path is what leads to a value: `("post", 2, "only", "countries", 0)`.

    `keys` holds the spans of keys (of a table in an array: its `[[header]]`), `values` those of values.
    """

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.keys: dict[Path, Span] = {}
        self.values: dict[Path, Span] = {}
        self._counts: dict[Path, int] = {}
        self._lines = [0, *(m.end() for m in re.finditer("\n", self.text))]
        self._document()

    def line_col(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, from 1."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def of_value(self, path: Path) -> tuple[int, int]:
        """Where the value at `path` starts, or the nearest thing around it that has a place."""
        return self._near(path, (self.values, self.keys))

    def of_key(self, path: Path) -> tuple[int, int]:
        """Where the key that ends `path` starts, or the nearest thing around it."""
        return self._near(path, (self.keys, self.values))

    def _near(self, path: Path, order: tuple[dict[Path, Span], ...]) -> tuple[int, int]:
        for length in range(len(path), 0, -1):
            for spans in order:
                span = spans.get(path[:length])
                if span is not None:
                    return self.line_col(span[0])
        return 1, 1

    def _document(self) -> None:
        table: Path = ()
        at = self._skip(_BLANK, 0)
        while at < len(self.text):
            table, at = self._header(at) if self.text[at] == "[" else (table, self._pair(table, at))
            at = self._skip(_BLANK, at)

    def _skip(self, pattern: re.Pattern[str], at: int) -> int:
        match = pattern.match(self.text, at)
        return match.end() if match else at

    def _header(self, at: int) -> tuple[Path, int]:
        many = self.text.startswith("[[", at)
        parts, end = self._dotted(at + (2 if many else 1))
        end = self._skip(_SPACE, end) + (2 if many else 1)
        path: Path = ()
        for name, span in parts[:-1]:
            path = self._into((*path, name), span)
        name, span = parts[-1]
        path = (*path, name)
        if not many:
            return self._into(path, span), end
        self.keys.setdefault(path, span)
        count = self._counts.get(path, 0)
        self._counts[path] = count + 1
        self.keys[*path, count] = (at, end)
        return (*path, count), end

    def _into(self, path: Path, span: Span) -> Path:
        """Step into a table by a header: of an array of tables that is its last one."""
        self.keys.setdefault(path, span)
        count = self._counts.get(path)
        return path if count is None else (*path, count - 1)

    def _dotted(self, at: int) -> tuple[list[tuple[str, Span]], int]:
        parts = []
        while True:
            start = self._skip(_SPACE, at)
            end = self._skip(_KEY, start)
            parts.append((_name(self.text[start:end]), (start, end)))
            at = self._skip(_SPACE, end)
            if not self.text.startswith(".", at):
                return parts, end
            at += 1

    def _pair(self, table: Path, at: int) -> int:
        parts, at = self._dotted(at)
        path = table
        for name, span in parts:
            path = (*path, name)
            self.keys.setdefault(path, span)
        at = self._skip(_SPACE, self._skip(_SPACE, at) + 1)  # the equals sign
        return self._value(path, at)

    def _value(self, path: Path, at: int) -> int:
        match self.text[at]:
            case "[":
                end = self._array(path, at + 1)
            case "{":
                end = self._inline(path, at + 1)
            case '"' | "'":
                end = self._skip(_STRING, at)
            case _:
                end = self._skip(_SCALAR, at)
        self.values[path] = (at, end)
        return end

    def _array(self, path: Path, at: int) -> int:
        count = 0
        at = self._skip(_BLANK, at)
        while self.text[at] != "]":
            at = self._skip(_BLANK, self._value((*path, count), at))
            count += 1
            if self.text[at] == ",":
                at = self._skip(_BLANK, at + 1)
        return at + 1

    def _inline(self, path: Path, at: int) -> int:
        at = self._skip(_BLANK, at)
        while self.text[at] != "}":
            at = self._skip(_BLANK, self._pair(path, at))
            if self.text[at] == ",":
                at = self._skip(_BLANK, at + 1)
        return at + 1


def _name(raw: str) -> str:
    """A key without its quotes."""
    if raw[0] == "'":
        return raw[1:-1]
    if raw[0] != '"':
        return raw
    return raw[1:-1] if "\\" not in raw else next(iter(tomllib.loads(f"{raw} = 0")))
