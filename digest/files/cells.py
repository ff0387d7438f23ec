"""CSV with places: RFC 4180 as spreadsheets write it, any line end, each cell with its offset."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass

DELIMITERS = ",;\t"
_SEP = re.compile(r'"?sep=([,;\t])"?\n', re.IGNORECASE)  # what Excel writes and reads as first line
_QUOTED = re.compile(r'[ ]*"((?:[^"]|"")*+)"[ ]*')
_PLAIN = {delimiter: re.compile(rf"[^\n{delimiter}]*+") for delimiter in DELIMITERS}


class CsvError(ValueError):
    """The text is no CSV from `offset` on; the message says what stands there."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset


def squeezed(name: str) -> str:
    """A column's name without its case and spaces."""
    return "".join(name.lower().split())


@dataclass(frozen=True)
class Cell:
    """One cell: its text without spaces around it, and where it starts."""

    text: str
    offset: int


class Cells:
    """A CSV text, row by row."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n").replace("\r", "\n")
        told = _SEP.match(self._text)
        self._start = told.end() if told else 0
        self.told = told[1] if told else None
        self._lines = [0, *(m.end() for m in re.finditer("\n", self._text))]

    def line_col(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, from 1."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def delimiter(self, known: Collection[str]) -> str:
        """The one that the file names, else the one that makes most `known` columns of the first row; a comma when none does."""
        return self.told or max(DELIMITERS, key=lambda one: self._columns(one, known))

    def _columns(self, delimiter: str, known: Collection[str]) -> int:
        try:
            return sum(squeezed(cell.text) in known for cell in next(self.rows(delimiter), []))
        except CsvError:
            return 0

    def rows(self, delimiter: str) -> Iterator[list[Cell]]:
        """Every row that says something. Raises CsvError."""
        at, plain = self._start, _PLAIN[delimiter]
        while at < len(self._text):
            row, at = self._row(at, plain)
            if any(cell.text for cell in row):
                yield row

    def _row(self, at: int, plain: re.Pattern[str]) -> tuple[list[Cell], int]:
        text, row = self._text, []
        while True:
            quoted = _QUOTED.match(text, at)
            if quoted:
                row.append(Cell(quoted[1].replace('""', '"').strip(), at))
                end = quoted.end()
                rest = plain.match(text, end)
                if rest and rest.end() > end:
                    raise CsvError(end, "something behind a closing quote; a quote inside a cell is written twice")
            else:
                end = _end(plain, text, at)
                cell = text[at:end].strip()
                if cell.startswith('"'):
                    raise CsvError(at, "a quote that is never closed")
                row.append(Cell(cell, at))
            if end >= len(text):
                return row, end
            at = end + 1
            if text[end] == "\n":
                return row, at


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
