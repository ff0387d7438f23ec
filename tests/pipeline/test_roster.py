"""Importing the roster: what the file says is so afterwards, once and for all."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from digest.db import people
from digest.db.schema import employee
from digest.db.session import read, write
from digest.domain.roster import Difference
from digest.errors import FileProblemsError, NotFoundError
from digest.pipeline import roster
from tests.conftest import NOW

HEADER = "address,name,id,language,timezone,country,team,topics,networks,shared\n"
LINES = [f"p{n}@example.org,Person {n},{n},en,Europe/Berlin,DE,Lab,water;air,x;linkedin," for n in range(8)]


def bring(engine: Engine, tmp_path: Path, lines: list[str], *, header: str = HEADER, allow_leavers: bool = False) -> Difference:
    path = tmp_path / "roster.csv"
    path.write_text(header + "\n".join(lines), encoding="utf-8")
    return roster.bring_in(engine, roster.check(path), zone="Asia/Kolkata", now=NOW, allow_leavers=allow_leavers)


def test_an_import_makes_the_roster_and_the_second_one_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    first = bring(engine, tmp_path, LINES)
    second = bring(engine, tmp_path, list(reversed(LINES)))
    assert (len(first.joined), second.is_empty, second.unchanged) == (8, True, 8)
    stored = roster.listed(engine)
    assert [person.address for person in stored] == [f"p{n}@example.org" for n in range(8)]
    assert (stored[0].topics, stored[0].networks, stored[0].zone) == (("air", "water"), ("x", "linkedin"), "Europe/Berlin")
    assert (stored[0].named, stored[0].measured) == (False, None)


def test_the_site_s_zone_stands_where_the_file_says_none(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, ["a@example.org,Ann"], header="address,name\n")
    assert roster.listed(engine)[0].zone == "Asia/Kolkata"


def test_a_preview_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(HEADER + LINES[0], encoding="utf-8")
    assert len(roster.preview(engine, roster.check(path), zone="UTC").joined) == 1
    assert roster.listed(engine) == []


def test_people_leave_and_return_with_the_same_number(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, LINES)
    gone = bring(engine, tmp_path, LINES[1:])
    assert [person.address for person in gone.left] == ["p0@example.org"]
    assert len(roster.listed(engine)) == 7
    back = bring(engine, tmp_path, ["p0.new@example.org,Person Zero,0,de,UTC,,,,,", *LINES[1:]])
    assert [change.employee.id for change in back.returned] == [1]
    found = roster.listed(engine)[0]
    assert (found.id, found.address, found.name, found.left_at) == (1, "p0.new@example.org", "Person Zero", None)
    assert bring(engine, tmp_path, ["p0.new@example.org,Person Zero,0,de,UTC,,,,,", *LINES[1:]]).is_empty


def test_half_a_file_is_refused_unless_it_is_meant(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, LINES)
    with pytest.raises(roster.TooManyLeaversError, match="4 of 8 people would leave"):
        bring(engine, tmp_path, LINES[4:])
    assert len(roster.listed(engine)) == 8
    assert len(bring(engine, tmp_path, LINES[4:], allow_leavers=True).left) == 4


def test_exchanged_addresses_and_an_address_given_to_a_newcomer_pass_the_unique_key(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, LINES)
    swapped = [LINES[0].replace("p0@", "p1@"), LINES[1].replace("p1@", "p0@"), *LINES[2:7], "p7@example.org,Somebody Else,70,,,,,,,"]
    found = bring(engine, tmp_path, swapped)
    assert (len(found.changed), len(found.joined), len(found.left), len(found.released)) == (2, 1, 1, 1)
    with read(engine) as connection:
        newcomer = people.by_address(connection, "p7@example.org")
        assert newcomer is not None
        assert (newcomer.id, newcomer.name) == (9, "Somebody Else")
        assert connection.execute(select(employee.c.mailbox).where(employee.c.id == 8)).scalar_one() == "8@released.invalid"
    assert bring(engine, tmp_path, swapped).is_empty


def test_what_a_person_chose_outlives_the_import(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, LINES)
    with write(engine) as connection:
        mine = {"language": "de", "topics": ["kites"], "chosen": ["language", "topics"], "named": True, "measured": False}
        connection.execute(update(employee).where(employee.c.id == 1).values(mine))
    bring(engine, tmp_path, [LINES[0].replace("Lab", "Sales"), *LINES[1:]])
    found = roster.listed(engine)[0]
    assert (found.language, found.topics, found.team, found.named, found.measured) == ("de", ("kites",), "Sales", True, False)


def test_an_erased_person_is_not_brought_back(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, LINES)
    roster.erase(engine, "P3@example.org", now=NOW, random=lambda: "x")
    found = bring(engine, tmp_path, LINES)
    assert (found.erased, found.is_empty, len(roster.listed(engine))) == (1, True, 7)


def test_nobody_can_be_erased_twice(engine: Engine) -> None:
    with pytest.raises(NotFoundError, match="nobody on the roster has this address"):
        roster.erase(engine, "ghost@example.org", now=NOW, random=lambda: "x")


def test_a_file_with_problems_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("address,name\nbad,\n", encoding="utf-8")
    with pytest.raises(FileProblemsError, match="2:1: address: found") as caught:
        roster.check(path)
    assert len(caught.value.problems) == 2
