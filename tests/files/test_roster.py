"""The roster as HR exports it: what is read, and every problem at its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from digest.domain.roster import RosterRow
from digest.errors import UnreadableFileError
from digest.files.networks import load_networks
from digest.files.roster import read_roster

Read = Callable[[str | bytes], tuple[list[RosterRow], list[str], list[str]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def put(text: str | bytes) -> tuple[list[RosterRow], list[str], list[str]]:
        path = tmp_path / "roster.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        rows, problems, notes = read_roster(path)
        return list(rows), [str(p).removeprefix(f"{tmp_path}/") for p in problems], [note.removeprefix(f"{tmp_path}/") for note in notes]

    return put


def test_every_column_is_read(read: Read) -> None:
    header = "address,name,id,language,timezone,country,team,topics,networks,shared\n"
    rows, problems, notes = read(header + 'Mara@Example.com,Mara Lind,7,pt_BR,europe/lisbon,pt,Quality,"Water, air;Water",LinkedIn|x,yes\n')
    assert (problems, notes) == ([], [])
    assert rows == [
        RosterRow(
            line=2,
            address="Mara@example.com",
            name="Mara Lind",
            roster_id="7",
            language="pt-br",
            zone="Europe/Lisbon",
            country="PT",
            team="Quality",
            topics=("air", "water"),
            networks=("linkedin", "x"),
            shared=True,
        ),
    ]


def test_a_column_that_is_not_there_says_nothing_and_an_empty_cell_says_empty(read: Read) -> None:
    rows, _, _ = read("address,name,team,topics\nmara@example.com,Mara,,\n")
    assert (rows[0].team, rows[0].topics, rows[0].language, rows[0].shared) == ("", (), None, None)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_delimiter_line_end_and_byte_order_mark_are_found_out(read: Read, delimiter: str, end: str, mark: bytes) -> None:
    text = end.join(delimiter.join(row) for row in [[" Address ", "NAME", "Time Zone"], ["a@example.com", '"Ann\nLee"', "UTC"], ["", "", ""]])
    rows, problems, _ = read(mark + text.encode())
    assert ([(row.address, row.name, row.zone) for row in rows], problems) == ([("a@example.com", "Ann Lee", "UTC")], [])


def test_columns_that_are_not_used_are_named(read: Read) -> None:
    _, problems, notes = read("address,name,department,Timezones\na@example.com,Ann,x,y\n")
    assert (problems, len(notes)) == ([], 1)
    assert notes[0].startswith("roster.csv: not used: department, Timezones; did you mean timezone?. Used are address, name, id")


@pytest.mark.parametrize(
    "address",
    ["ü.müller@exämple.de", "ops@server.local", "a@x.test", "me@localhost", "me@intranet", "o'brien+x@example.com", "x@fernwood.example"],
)
def test_addresses_of_companies_are_accepted(read: Read, address: str) -> None:
    rows, problems, _ = read(f"address,name\n{address},Ann\n")
    assert ([row.address for row in rows], problems) == ([address], [])


def test_every_problem_comes_at_once_at_its_place(read: Read) -> None:
    rows, problems, _ = read(
        "address,name,id,language,timezone,country,networks,shared\n"
        "ann@example.com,Ann,1,en,UTC,DE,,\n"
        "ANN@example.com,Other,1,,,,,\n"
        ",Nobody\n"
        "bad@,Bad,3,english,Europe/Berlinn,Germany,linkdin,maybe\n"
        "new@example.com,New,4,,,,,,surplus\n"
        "x@example.invalid,\n",
    )
    assert [row.address for row in rows] == ["ann@example.com"]
    networks = ", ".join(sorted(network.name for network in load_networks()))
    assert [problem[:100] for problem in problems] == [
        full[:100]
        for full in (
            'roster.csv:3:1: address: found "ANN@example.com" in lines 2 and 3, allowed once',
            'roster.csv:3:23: id: found "1" in lines 2 and 3, allowed once',
            "roster.csv:4:1: found no address, needed one in each line",
            'roster.csv:5:1: address: found "bad@", allowed an address such as name@example.com: there must be something after the @-sign',
            'roster.csv:5:12: language: found "english", allowed a language tag such as en, de or pt-br',
            'roster.csv:5:20: timezone: found "Europe/Berlinn", allowed an IANA zone such as Europe/Berlin; did you mean Europe/Berlin?',
            'roster.csv:5:35: country: found "Germany", allowed a country\'s two letters, such as DE',
            f'roster.csv:5:43: networks: found "linkdin", allowed {networks}',
            'roster.csv:5:51: shared: found "maybe", allowed yes or no',
            'roster.csv:6:28: found "surplus" behind the last column, allowed 8 cells; quote a cell with a comma in it',
            'roster.csv:7:1: address: found "x@example.invalid", allowed an address such as name@example.com: the part after',
            "roster.csv:7:19: found no name, needed one in each line",
        )
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: found no header, needed address,name and"),
        ("\n\n", "1:1: found no header"),
        ("address,name\n", "1:1: found a header and nobody under it"),
        ("mail,name\na@example.com,Ann\n", "1:1: found no column address, needed address,name"),
        ("address,name,Name\na@example.com,Ann,Ann\n", "1:14: found the column name twice, allowed once"),
        ('address,name\na@example.com,"Ann\n', "2:15: found a quote that is never closed"),
        ('address,name\na@example.com,"Ann" Lee\n', "2:21: found something behind a closing quote"),
        ("address,name\na@example.com,A\x07nn\n", '2:15: name: found "A\\u0007nn", allowed text without control characters'),
        ("address,name\na@example.com," + "x" * 201, "2:15: name: found"),
        (b"address,name\na@example.com,J\xf6rg\n", "2:16: found byte 0xF6, allowed UTF-8 text"),
        ("address,name\n".encode("utf-16"), "1:1: found UTF-16, allowed UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(read: Read, text: str | bytes, problem: str) -> None:
    rows, problems, _ = read(text)
    assert (rows, [found[: len(problem) + 11] for found in problems]) == ([], [f"roster.csv:{problem}"])


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="there is no such file"):
        read_roster(tmp_path / "roster.csv")
