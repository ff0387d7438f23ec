"""roster.csv as HR exports it: one line per person, read and checked whole, every problem at its place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from digest.domain.roster import RosterRow
from digest.errors import UnreadableFileError
from digest.files import addresses
from digest.files.addresses import RefusedError, nearest
from digest.files.cells import Cell, Cells, CsvError, squeezed
from digest.files.networks import load_networks
from digest.files.problems import Problem, decode, found

COLUMNS = ("address", "name", "id", "language", "timezone", "country", "team", "topics", "networks", "shared")
_FIELD = {"id": "roster_id", "timezone": "zone"}  # where the column and the noun have different names
_REQUIRED = ("address", "name")
_LONGEST = 200
_LIST = re.compile(r"[;,|]")
_YES, _NO = frozenset({"true", "yes", "y", "1", "x"}), frozenset({"false", "no", "n", "0", ""})

Read = Callable[[str], Any]


def read_roster(path: Path, networks: Iterable[str] | None = None) -> tuple[tuple[RosterRow, ...], list[Problem], list[str]]:
    """Rows, problems sorted by place, and notes on what is not used. Raises UnreadableFileError.

    `networks`: the names that a person may prefer; None: those of the networks file.
    """
    text, problem = decode(str(path), _bytes(path))
    if problem:
        return (), [problem], []
    known = frozenset(networks) if networks is not None else frozenset(network.name for network in load_networks())
    reader = _Reader(str(path), Cells(text), known)
    try:
        reader.read()
    except CsvError as error:
        reader.problem(error.offset, f"found {error}")
    return tuple(reader.rows), sorted(reader.problems), reader.notes


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableFileError(path, "there is no such file", hint="Name the roster's CSV file.") from None
    except OSError as error:
        raise UnreadableFileError(path, error.strerror or str(error), hint="Check the file's permissions.") from error


class _Reader:
    def __init__(self, file: str, cells: Cells, networks: frozenset[str]) -> None:
        self.rows: list[RosterRow] = []
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self._file = file
        self._cells = cells
        self._checks = _checks(networks)
        self._addresses: dict[str, int] = {}  # lower case -> line
        self._ids: dict[str, int] = {}

    def problem(self, offset: int, text: str) -> None:
        self.problems.append(Problem(self._file, *self._cells.line_col(offset), text))

    def read(self) -> None:
        rows = self._cells.rows(self._cells.delimiter(COLUMNS))
        header = next(rows, None)
        if header is None:
            self.problem(0, f"found no header, needed {','.join(_REQUIRED)} and, as you like, {','.join(COLUMNS[2:])}")
            return
        columns = self._columns(header)
        if columns is None:
            return
        for row in rows:
            self._row(columns, row)
        if not self.rows and not self.problems:
            self.problem(header[0].offset, "found a header and nobody under it, needed a line for each person")

    def _columns(self, header: list[Cell]) -> list[str] | None:
        names = [squeezed(cell.text) for cell in header]
        missing = [name for name in _REQUIRED if name not in names]
        for name in missing:
            self.problem(header[0].offset, f"found no column {name}, needed {','.join(_REQUIRED)}")
        for i, name in enumerate(names):
            if name in COLUMNS and name in names[:i]:
                self.problem(header[i].offset, f"found the column {name} twice, allowed once")
        unused = [cell.text + nearest(name, COLUMNS) for name, cell in zip(names, header, strict=True) if name and name not in COLUMNS]
        if unused:
            self.notes.append(f"{self._file}: not used: {', '.join(unused)}. Used are {', '.join(COLUMNS)}.")
        return None if missing or self.problems else names

    def _row(self, columns: list[str], row: list[Cell]) -> None:
        before = len(self.problems)
        for cell in row[len(columns) :]:
            if cell.text:
                self.problem(
                    cell.offset, f"found {found(cell.text)} behind the last column, allowed {len(columns)} cells; quote a cell with a comma in it"
                )
                break
        cells = {name: cell for name, cell in zip(columns, row, strict=False) if name in COLUMNS}
        good = {_FIELD.get(name, name): value for name, cell in cells.items() if (value := self._cell(name, cell)) is not None}
        for name in _REQUIRED:
            if name not in cells or not cells[name].text:
                self.problem(cells.get(name, row[0]).offset, f"found no {name}, needed one in each line")
        self._claim(cells, good)
        if len(self.problems) == before:
            self.rows.append(RosterRow(line=self._cells.line_col(row[0].offset)[0], **good))

    def _cell(self, name: str, cell: Cell) -> Any:  # noqa: ANN401 - a field of RosterRow
        if not cell.text:
            return _EMPTY.get(name, "") if name not in _REQUIRED else None
        try:
            return self._checks[name](cell.text)
        except RefusedError as error:
            self.problem(cell.offset, f"{name}: found {found(cell.text)}, allowed {error}")
            return None

    def _claim(self, cells: dict[str, Cell], good: dict[str, Any]) -> None:
        """See that an address and an id are there once."""
        for name, taken in (("address", self._addresses), ("id", self._ids)):
            value = good.get(_FIELD.get(name, name))
            if not value:
                continue
            key = value.lower() if name == "address" else value
            line = self._cells.line_col(cells[name].offset)[0]
            if key in taken:
                self.problem(cells[name].offset, f"{name}: found {found(value)} in lines {taken[key]} and {line}, allowed once")
            else:
                taken[key] = line


_EMPTY: dict[str, Any] = {"topics": (), "networks": (), "shared": False}


def _checks(networks: frozenset[str]) -> dict[str, Read]:
    def preferred(text: str) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(name.lower() for name in _parts(text)))
        for name in names:
            if name not in networks:
                raise RefusedError(f"{', '.join(sorted(networks))}{nearest(name, networks)}")
        return names

    return {
        "address": addresses.address,
        "name": _line,
        "id": _line,
        "language": lru_cache(addresses.language),
        "timezone": lru_cache(addresses.zone),
        "country": lru_cache(addresses.country),
        "team": lru_cache(_line),
        "topics": lru_cache(lambda text: tuple(sorted({part.lower() for part in _parts(_line(text))}))),
        "networks": lru_cache(preferred),
        "shared": _flag,
    }


def _line(text: str) -> str:
    """Words on one line; line breaks and runs of spaces become one space. Raises RefusedError."""
    plain = " ".join(text.split())
    if any(unicodedata.category(c) == "Cc" for c in plain):
        raise RefusedError("text without control characters")
    if len(plain) > _LONGEST:
        raise RefusedError(f"{_LONGEST} characters at most, not {len(plain)}")
    return plain


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _LIST.split(text) if part.strip()]


def _flag(text: str) -> bool:
    if text.lower() in _YES | _NO:
        return text.lower() in _YES
    raise RefusedError("yes or no")
