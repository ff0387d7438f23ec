"""The sheet for works councils is true to the database: every field of what a press leaves behind stands in it, and none else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from digest.db.schema import metadata

ROOT = Path(__file__).resolve().parent.parent
SHEET = (ROOT / "docs" / "works-agreement.md").read_text(encoding="utf-8")
TABLES = ("click", "visit", "day_count", "short_link", "token", "outcome", "consent_event")


def rows(table: str) -> dict[str, list[str]]:
    """Field -> what its row says."""
    found = re.findall(rf"^\| `{table}\.(\w+)`(?: ✱)? \|(.+)\|$", SHEET, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in found}


@pytest.mark.parametrize("table", TABLES)
def test_every_field_stands_in_the_sheet_with_what_it_is_for_and_how_long(table: str) -> None:
    said = rows(table)
    assert sorted(said) == sorted(column.name for column in metadata.tables[table].c)
    assert [name for name, cells in said.items() if len(cells) != 3 or not all(cells)] == []


def test_fields_that_name_a_person_are_marked_as_cleared() -> None:
    marked = set(re.findall(r"^\| `(\w+\.\w+)` ✱ \|", SHEET, re.MULTILINE))
    people = {f"{table}.{column.name}" for table in TABLES for column in metadata.tables[table].c if column.name in {"employee_id", "owner"}}
    assert people <= marked


@pytest.mark.parametrize("key", ["mode", "consent", "minimum_group", "keep_days"])
def test_what_is_to_be_agreed_is_a_setting(key: str) -> None:
    assert f"{key}" in SHEET
    assert re.search(rf"^{key} = ", (ROOT / "config.example.toml").read_text(encoding="utf-8"), re.MULTILINE)
