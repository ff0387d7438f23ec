"""`digest outcome` at a terminal: taking a file in, looking first, listing, and every problem with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from digest.cli.main import main


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Path:
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "{database_url}"\n', encoding="utf-8")
    return tmp_path


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(home / "config.toml"), "outcome", *words])


def write(home: Path, text: str) -> str:
    (home / "crm.csv").write_text(text, encoding="utf-8")
    return str(home / "crm.csv")


def test_a_file_is_looked_at_taken_in_once_and_listed(home: Path) -> None:
    file = write(home, "lead_id,stage,value,color\nL-[red]1,lead,1200.50,x\n=1+1,sale,,y\n")
    look = run(home, "import", file, "--currency", "EUR", "--dry-run")
    assert look.output.splitlines()[1] == "Nothing was stored. It would be: 2 new (A 0, B 0, C 2), 0 corrected, 0 as before."
    assert "not used: color" in look.output
    assert run(home, "list").output.startswith("Nothing came of any visit yet")
    assert "2 new" in run(home, "import", file, "--currency", "EUR").output
    assert run(home, "import", file, "--currency", "EUR").output.splitlines()[-1] == "0 new (A 0, B 0, C 0), 0 corrected, 2 as before."
    listed = run(home, "list").output
    assert "L-[red]1" in listed
    assert "1,200.50 EUR" in listed
    found = json.loads(run(home, "list", "--json").output)["outcomes"]
    assert [(one["event"], one["grade"], one["value"], one["visit"]) for one in found] == [("lead", "C", "1200.50", None), ("sale", "C", None, None)]


def test_problems_come_all_at_once_and_exit_with_one(home: Path) -> None:
    done = run(home, "import", write(home, "lead_id,stage,value\nL-1,leed,1\n,lead,\n"))
    assert done.exit_code == 1
    assert [line.rpartition("crm.csv:")[2] for line in str(done.exception).splitlines()] == [
        '2:5: stage: found "leed", allowed reply, meeting, candidate, lead, sale (conversions.events)',
        "2:10: currency: found nothing, allowed a code such as EUR beside a value, or --currency EUR for the whole file",
        "3:1: lead_id: found nothing, allowed the lead's id in your own system",
        "Nothing was stored. Mend them, then try again.",
    ]


def test_a_week_that_is_not_there_is_named(home: Path) -> None:
    done = run(home, "list", "--edition", "2026-W48")
    assert "2026-W48" in str(done.exception)
