"""The networks of an installation: what commands and doctor say of a file of one's own, and of a country database."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from digest.config import Config
from digest.domain.doctor import Level
from digest.errors import FileProblemsError
from digest.files.networks import load_networks
from digest.pipeline import doctor_settings, networks
from tests.conftest import NOW
from tests.door import Door, door
from tests.mmdb import write_mmdb

__all__ = ["door"]

SQUARE = (
    '[[network]]\nname = "square"\nlabel = "The Square"\nletter = "z"\nhost = "square.example.com"\ndesktop = "https://square.example.com/{text}"\n'
)
BROKEN = '[[network]]\nname = "x"\ndesktop = "https://evil.example/{link}"\n'
QUEUE = '[[post]]\ntitle = "T"\nwhy = "W"\nurl = "https://example.com/t"\n[post.captions]\nsquare = ["One for the square."]\n'


def config(home: Path, *, rows: str | None = None, **tables: dict[str, object]) -> Config:
    if rows is not None:
        (home / "own.toml").write_text(rows, encoding="utf-8")
        tables["sharing"] = {"networks_file": "own.toml", **tables.get("sharing", {})}
    return Config.model_validate(tables).model_copy(update={"home": home})


def told(found: Config) -> list[tuple[str, Level]]:
    return [(finding.subject, finding.level) for finding in doctor_settings.sharing(found, NOW)]


def test_nothing_is_said_of_files_that_nobody_named(tmp_path: Path) -> None:
    assert told(config(tmp_path)) == []
    assert networks.known(config(tmp_path)) == networks.usable(config(tmp_path)) == load_networks()


def test_doctor_names_a_broken_row_and_a_network_that_is_not_there(tmp_path: Path) -> None:
    assert told(config(tmp_path, rows=BROKEN)) == [("sharing.networks_file", Level.BAD)]
    assert told(config(tmp_path, rows=SQUARE, sharing={"networks": ["square", "x"]})) == []
    assert told(config(tmp_path, sharing={"networks": ["square", "x"]})) == [("sharing.networks", Level.BAD)]
    with pytest.raises(FileProblemsError, match="found 'square', allowed linkedin"):
        networks.offered(config(tmp_path, sharing={"networks": ["square"]}))


def test_doctor_looks_at_the_country_database(tmp_path: Path) -> None:
    found = config(tmp_path, tracking={"country_database": "c.mmdb"})
    assert told(found) == [("tracking.country_database", Level.WARN)]
    write_mmdb(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country": {"iso_code": "DE"}}}, NOW)
    assert told(found) == [("tracking.country_database", Level.OK)]
    write_mmdb(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country": {"iso_code": "DE"}}}, NOW - timedelta(days=800))
    assert told(found) == [("tracking.country_database", Level.WARN)]


def test_networks_are_listed_with_what_nobody_has_seen(door: Door) -> None:
    said = door("queue", "networks", "--json")
    rows = {row["name"]: row for row in json.loads(said.out)["networks"]}
    assert set(rows) == {network.name for network in load_networks()}
    assert rows["x"]["checked_on"] == "2026-11-22"
    assert {row["verified_on"] for row in rows.values()} == {None}
    assert [name for name, row in rows.items() if row["offered"]] == list(Config().sharing.networks)
    text = door("queue", "networks").out
    assert text.count("by nobody") == len(rows)
    assert "Opened: seen to work by somebody who was signed in." in text


def test_a_network_of_ones_own_may_have_captions_and_friends(door: Door) -> None:
    door.write("config.toml", '[sharing]\nnetworks_file = "own.toml"\n')
    door.write("queue.toml", QUEUE)
    door.write("roster.csv", "address,name,networks\nana@example.com,Ana,square\n")
    door.write("own.toml", SQUARE)
    assert "The Square" in door("queue", "networks").out
    assert door("queue", "check").code == 0
    assert door("roster", "check", "roster.csv").code == 0
    door.write("own.toml", "")
    assert "found square, no such network" in door("queue", "check").err
    assert "found 'square'" in door("roster", "check", "roster.csv").err.replace('"', "'")
    door.write("own.toml", BROKEN)
    assert "own.toml: [[network]] 1 (x): desktop: found 'https://evil.example/{link}'" in door("queue", "networks").err
