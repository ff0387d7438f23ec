"""`digest roster`: what is printed, where, and the exit code."""

from __future__ import annotations

import io
import json

import pytest

from tests.door import Door, door

__all__ = ["door"]

ROSTER = "address,name,team,desk\n" + "".join(f"p{n}@example.com,Person {n},Lab,{n}\n" for n in range(6))


@pytest.fixture
def at_home(door: Door) -> Door:
    """A door into a folder with a configuration, a database and six people to import."""
    door.write("config.toml", '[site]\ntimezone = "Asia/Kolkata"\n')
    door.write("roster.csv", ROSTER)
    assert door("db", "upgrade").code == 0
    return door


def test_a_file_is_checked_without_anything_else(door: Door) -> None:
    door.write("roster.csv", ROSTER)
    said = door("roster", "check", "roster.csv")
    assert (said.code, said.out) == (0, "roster.csv: no problems. 6 people.\n")
    assert said.err.startswith("roster.csv: not used: desk. Used are address, name,")
    assert json.loads(door("roster", "check", "roster.csv", "--json").out)["people"] == 6


def test_every_problem_is_printed_and_nothing_is_imported(at_home: Door) -> None:
    at_home.write("bad.csv", "address,name\nx,Ann\ny,\n")
    for command in ("check", "import"):
        said = at_home("roster", command, "bad.csv")
        assert (said.code, said.out, said.err.count("bad.csv:")) == (1, "", 3)
    assert "Nobody is on the roster yet. Run `digest roster import FILE.csv`." in at_home("roster", "list").out


def test_a_dry_run_shows_the_difference_and_an_import_makes_it(at_home: Door) -> None:
    said = at_home("roster", "import", "roster.csv", "--dry-run")
    assert said.out.splitlines()[0] == "+ p0@example.com  Person 0"
    assert said.out.splitlines()[-1] == "This would be the change, nothing was done: 6 joined, 0 changed, 0 returned, 0 left, 0 unchanged."
    assert at_home("roster", "import", "roster.csv").out.splitlines()[-1] == "6 joined, 0 changed, 0 returned, 0 left, 0 unchanged."
    assert at_home("roster", "import", "roster.csv").out == "Nothing was changed: 6 people as before.\n"
    at_home.write("roster.csv", ROSTER.replace("Person 1,Lab", "Person One,"))
    said = at_home("roster", "import", "roster.csv")
    assert said.out.splitlines()[0] == "~ p1@example.com  name: Person 1 -> Person One; team: Lab -> nothing"


def test_people_leave_and_return_in_words_and_as_json(at_home: Door) -> None:
    at_home("roster", "import", "roster.csv")
    at_home.write("less.csv", ROSTER.replace("p5@example.com,Person 5,Lab,5\n", ""))
    assert at_home("roster", "import", "less.csv").out.splitlines()[0] == "- p5@example.com  Person 5"
    assert at_home("roster", "import", "roster.csv", "--dry-run").out.splitlines()[0] == "^ p5@example.com  back, as before"
    found = json.loads(at_home("roster", "import", "roster.csv", "--json").out)
    assert (found["returned"], found["unchanged"], found["dry_run"]) == ([{"address": "p5@example.com", "changes": []}], 5, False)


def test_half_a_file_needs_a_word(at_home: Door) -> None:
    at_home("roster", "import", "roster.csv")
    at_home.write("half.csv", "address,name\np0@example.com,Person 0\n")
    said = at_home("roster", "import", "half.csv")
    assert (said.code, "5 of 6 people would leave" in said.err, "--allow-leavers" in said.err) == (1, True, True)
    assert "a real import needs --allow-leavers" in at_home("roster", "import", "half.csv", "--dry-run").out
    assert at_home("roster", "import", "half.csv", "--allow-leavers").code == 0


def test_everybody_is_listed_for_people_and_machines(at_home: Door) -> None:
    at_home("roster", "import", "roster.csv")
    said = at_home("roster", "list")
    assert (said.out.splitlines()[1].split()[0], said.out.splitlines()[-1]) == ("p0@example.com", "6 people.")
    people = json.loads(at_home("roster", "list", "--json").out)["people"]
    assert (len(people), people[0]["timezone"], people[0]["team"]) == (6, "Asia/Kolkata", "Lab")


def test_a_long_import_shows_some_and_counts_the_rest(at_home: Door) -> None:
    at_home.write("many.csv", "address,name\n" + "".join(f"q{n}@example.com,Q\n" for n in range(60)))
    assert at_home("roster", "import", "many.csv").out.splitlines()[50:] == [
        "+ and 10 more",
        "60 joined, 0 changed, 0 returned, 0 left, 0 unchanged.",
    ]


def test_erasing_asks_first_and_an_import_does_not_undo_it(at_home: Door) -> None:
    at_home("roster", "import", "roster.csv")
    at_home.monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert at_home("roster", "erase", "p1@example.com").code == 130
    assert len(json.loads(at_home("roster", "list", "--json").out)["people"]) == 6
    said = at_home("roster", "erase", "P1@example.com", "--yes")
    assert (said.code, said.out.splitlines()[0][:10]) == (0, "Forgotten.")
    assert at_home("roster", "import", "roster.csv").out.splitlines() == [
        "Nothing was changed: 5 people as before.",
        "1 person who asked to be forgotten was left out.",
    ]
    said = at_home("roster", "erase", "p1@example.com", "--yes")
    assert (said.code, "nobody on the roster has this address" in said.err) == (1, True)
