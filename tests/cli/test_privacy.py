"""`digest privacy`: a copy for one person, their own switch, and what is kept no longer."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select

from digest.db.schema import audit, click, employee, notice
from digest.db.session import open_database, read, write
from tests.door import Door, door
from tests.tracked import a_click

__all__ = ["door"]

ROSTER = "address,name\nAna@example.com,Ana Reis\nben@example.com,Ben Roth\n"


@pytest.fixture
def at_home(door: Door, database_url: str) -> Door:
    """A door into a folder whose database, of either kind, knows Ana and Ben."""
    door.write("config.toml", f'[database]\nurl = "{database_url}"\n')
    door.write("roster.csv", ROSTER)
    assert door("roster", "import", "roster.csv").code == 0
    return door


@pytest.fixture
def engine(database_url: str) -> Engine:
    """The same database, to look into."""
    return open_database(database_url)


def test_a_copy_is_printed_or_written_for_one_reader_and_never_over_a_file(at_home: Door, engine: Engine) -> None:
    said = json.loads(at_home("privacy", "export", "ANA@example.com").out)
    assert said["person"]["name"] == "Ana Reis"
    assert "Ben" not in json.dumps(said)
    wrote = at_home("privacy", "export", "ana@example.com", "--output", "ana.json")
    assert (wrote.code, wrote.out.split(" ")[0]) == (0, "ana.json")
    file = at_home.home / "ana.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text(encoding="utf-8"))["person"]["mailbox"] == "Ana@example.com"
    again = at_home("privacy", "export", "ana@example.com", "--output", "ana.json")
    assert (again.code, again.err.splitlines()[0]) == (1, "ana.json: nothing was written: there is a file of this name")
    with read(engine) as connection:
        assert connection.execute(select(audit.c.what)).scalars().all() == ["privacy.export"] * 3
        assert connection.execute(select(notice.c.kind)).scalars().all() == ["exported"]
    engine.dispose()


def test_of_somebody_unknown_there_is_nothing(at_home: Door, engine: Engine) -> None:
    said = json.loads(at_home("privacy", "export", "ghost@example.com").out)
    assert said.pop("person") is None
    assert {name for name, value in said.items() if value != []} == {"address", "at", "tracking"}
    with read(engine) as connection:
        assert connection.execute(select(audit)).all() == []
    engine.dispose()


def test_a_choice_is_noted_as_told_by_the_person(at_home: Door, engine: Engine) -> None:
    assert at_home("privacy", "measure", "ana@example.com", "--no").out.startswith("Noted: what ana@example.com presses is not counted any more")
    assert at_home("privacy", "measure", "ana@example.com", "--yes").code == 0
    with read(engine) as connection:
        assert connection.execute(select(employee.c.measured).order_by(employee.c.id)).scalars().all() == [True, None]
    said = json.loads(at_home("privacy", "export", "ana@example.com").out)["consents"]
    assert [(one["switch"], one["value"], one["wording"]) for one in said] == [
        ("measure", False, "at their word"),
        ("measure", True, "at their word"),
    ]
    assert at_home("privacy", "measure", "ghost@example.com", "--no").code == 1
    assert at_home("privacy", "measure", "ana@example.com").code == 2
    engine.dispose()


def test_purging_says_what_went_and_a_clock_that_is_far_ahead_is_not_believed(at_home: Door, engine: Engine) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=400)
    with write(engine) as connection:
        connection.execute(insert(click).values(a_click(long_ago)))
    doubted = at_home("privacy", "purge", "--json")
    assert doubted.code == 1
    assert json.loads(doubted.out)["unbelieved"].startswith("The clock stands 400 days ahead")
    done = at_home("privacy", "purge", "--trust-clock")
    assert (done.code, "; 1 became sums of their day" in done.out) == (0, True)
    assert json.loads(at_home("privacy", "purge", "--json").out)["events"] == 0
    with read(engine) as connection:
        noted = connection.execute(select(audit.c.what, audit.c.detail)).all()
    assert [row.what for row in noted] == ["privacy.purge"] * 2
    assert noted[0].detail.startswith("1 events from before")
    engine.dispose()
