"""A CRM's export of outcomes: one line each, read and checked whole, every problem at its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

from digest.domain.conversion import Claim, Fault, read_claim
from digest.errors import UnreadableFileError
from digest.files.addresses import nearest
from digest.files.cells import Cell, Cells, CsvError, squeezed
from digest.files.problems import Problem, decode, found

COLUMNS = ("click_id", "lead_id", "stage", "value", "currency", "occurred_at", "utm_campaign", "utm_content", "utm_source")
_NEEDED = ("lead_id", "stage")
_FIELD = {"lead_id": "external_id", "stage": "event"}  # where the column and the field have different names
_COLUMN = {field: column for column, field in _FIELD.items()}


@dataclass(frozen=True, kw_only=True)
class OutcomeRow:
    """One line of the file, and where its cells stand."""

    claim: Claim
    file: str
    line: int
    columns: dict[str, int]  # column -> where its cell begins

    def problem(self, field: str, text: str) -> Problem:
        """What is wrong with one field, at its place."""
        return Problem(self.file, self.line, self.columns.get(_COLUMN.get(field, field), 1), f"{_COLUMN.get(field, field)}: {text}")


def read_outcomes(
    path: Path, *, events: Collection[str], now: datetime, zone: tzinfo, currency: str = ""
) -> tuple[list[OutcomeRow], list[Problem], list[str]]:
    """Rows, problems sorted by place, and notes on what is not used. `currency`: of values that name none. Raises UnreadableFileError."""
    text, problem = decode(str(path), _bytes(path))
    if problem:
        return [], [problem], []
    reader = _Reader(str(path), Cells(text))
    try:
        reader.read(events, now, zone, currency)
    except CsvError as error:
        reader.problem(error.offset, f"found {error}")
    return reader.rows, sorted(reader.problems), reader.notes


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableFileError(path, "there is no such file", hint="Name the CSV file that your CRM wrote.") from None
    except OSError as error:
        raise UnreadableFileError(path, error.strerror or str(error), hint="Check the file's permissions.") from error


class _Reader:
    def __init__(self, file: str, cells: Cells) -> None:
        self.rows: list[OutcomeRow] = []
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self._file = file
        self._cells = cells
        self._lines: dict[tuple[str, ...], int] = {}  # what makes an outcome one -> its line

    def problem(self, offset: int, text: str) -> None:
        self.problems.append(Problem(self._file, *self._cells.line_col(offset), text))

    def read(self, events: Collection[str], now: datetime, zone: tzinfo, currency: str) -> None:
        rows = self._cells.rows(self._cells.delimiter(COLUMNS))
        header = next(rows, None)
        columns = self._columns(header) if header else None
        if header is None:
            self.problem(0, f"found no header, needed {','.join(_NEEDED)} and, as you like, {','.join(c for c in COLUMNS if c not in _NEEDED)}")
        if columns is None:
            return
        for row in rows:
            for cell in row[len(columns) :]:
                if cell.text:
                    self.problem(cell.offset, f"found {found(cell.text)} behind the last column, allowed {len(columns)} cells")
            cells = {name: cell for name, cell in zip(columns, row, strict=False) if name in COLUMNS}
            fields: dict[str, object] = {_FIELD.get(name, name): cell.text for name, cell in cells.items()}
            if fields.get("value") and not fields.get("currency"):
                fields["currency"] = currency
            claim, faults = read_claim(fields, needed=("external_id", "event"), events=events, now=now, zone=zone)
            self._faults(faults, cells, row[0])
            if claim is not None:
                self._take(claim, row[0], cells)

    def _faults(self, faults: Sequence[Fault], cells: Mapping[str, Cell], first: Cell) -> None:
        for fault in faults:
            column = _COLUMN.get(fault.field, fault.field)
            where = cells.get(column) or cells.get("value" if column == "currency" else column) or first
            more = ", or --currency EUR for the whole file" if column == "currency" and fault.found == "nothing" else ""
            self.problem(where.offset, f"{column}: found {fault.found}, allowed {fault.allowed}{more}")

    def _take(self, claim: Claim, first: Cell, cells: dict[str, Cell]) -> None:
        line, _ = self._cells.line_col(first.offset)
        before = self._lines.setdefault(identity(claim), line)
        if before != line:
            self.problem(first.offset, f"found the same lead, stage and origin in lines {before} and {line}, allowed once")
            return
        columns = {name: self._cells.line_col(cell.offset)[1] for name, cell in cells.items()}
        self.rows.append(OutcomeRow(claim=claim, file=self._file, line=line, columns=columns))

    def _columns(self, header: list[Cell]) -> list[str] | None:
        names = [squeezed(cell.text) for cell in header]
        for name in _NEEDED:
            if name not in names:
                self.problem(header[0].offset, f"found no column {name}, needed {','.join(_NEEDED)}")
        for i, name in enumerate(names):
            if name in COLUMNS and name in names[:i]:
                self.problem(header[i].offset, f"found the column {name} twice, allowed once")
        unused = [cell.text + nearest(name, COLUMNS) for name, cell in zip(names, header, strict=True) if name and name not in COLUMNS]
        if unused:
            self.notes.append(f"{self._file}: not used: {', '.join(unused)}. Used are {', '.join(COLUMNS)}.")
        return None if self.problems else names


def identity(claim: Claim) -> tuple[str, ...]:
    """What makes an outcome of a file one: a later export with the same words speaks of the same outcome."""
    return claim.event, claim.external_id, claim.click_id, claim.campaign, claim.content, claim.network
