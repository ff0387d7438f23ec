"""CSV as spreadsheets write it; where it is valid, the standard library reads the same."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.files.cells import DELIMITERS, Cells, CsvError

TEXT = st.text(st.sampled_from('ab ;,\t"\n|ü'), max_size=6)


@given(st.lists(st.lists(TEXT, min_size=1, max_size=4), max_size=5), st.sampled_from(DELIMITERS), st.sampled_from(["\n", "\r\n", "\r"]))
def test_what_the_standard_library_writes_is_read_back(rows: list[list[str]], delimiter: str, end: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    read = [[cell.text for cell in row] for row in Cells(file.getvalue()).rows(delimiter)]
    assert read == [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]


def test_each_cell_knows_its_line_and_column_behind_quoted_line_breaks() -> None:
    cells = Cells('a,b\r\n"x\r\ny", z\r\n\r\n,\r\nlast,one')
    places = [(cell.text, cells.line_col(cell.offset)) for row in cells.rows(",") for cell in row]
    assert places == [("a", (1, 1)), ("b", (1, 3)), ("x\ny", (2, 1)), ("z", (3, 4)), ("last", (6, 1)), ("one", (6, 6))]


def test_the_line_that_tells_excel_the_delimiter_is_believed() -> None:
    cells = Cells("sep=;\r\na;b\r\n")
    assert (cells.told, [[c.text for c in row] for row in cells.rows(";")]) == (";", [["a", "b"]])


def test_a_cell_that_ends_the_text_behind_a_delimiter_is_there() -> None:
    assert [[c.text for c in row] for row in Cells("a,b\nc,").rows(",")] == [["a", "b"], ["c", ""]]


@pytest.mark.parametrize(("text", "place"), [('a\n"b,c\nd', (2, 1)), ('a\n"b"c,d', (2, 4)), ('a,"b ""c"" d" e', (1, 15))])
def test_broken_quotes_have_a_place(text: str, place: tuple[int, int]) -> None:
    cells = Cells(text)
    with pytest.raises(CsvError, match="quote") as caught:
        list(cells.rows(","))
    assert cells.line_col(caught.value.offset) == place
