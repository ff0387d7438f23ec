"""`digest init` and `digest db check` as a person types them."""

from __future__ import annotations

import json

from tests.door import Door, door

__all__ = ["door"]


def test_the_configuration_is_for_its_owner_alone(door: Door) -> None:
    """It may come to hold a password."""
    assert door("init", "here").code == 0
    modes = {path.name: path.stat().st_mode & 0o777 for path in (door.home / "here").iterdir()}
    assert modes["config.toml"] == 0o600
    assert modes["queue.toml"] == modes["roster.csv"] != 0o600
    before = (door.home / "here" / "config.toml").read_bytes()
    (door.home / "here" / "config.toml").chmod(0o644)
    assert "is there already and stays as it is" in door("init", "here").out
    assert (door.home / "here" / "config.toml").stat().st_mode & 0o777 == 0o644
    assert (door.home / "here" / "config.toml").read_bytes() == before


def test_the_check_of_the_tables_as_data(door: Door) -> None:
    place = f"sqlite:///{door.home}/digest.db"
    door.write("config.toml", "")
    assert door("db", "upgrade").code == 0
    assert json.loads(door("db", "check", "--json").out) == {"database": place, "up_to_date": True, "problem": ""}
    (door.home / "digest.db").unlink()
    (door.home / "digest.db").touch()
    said = door("db", "check", "--json")
    found = json.loads(said.out)
    assert (said.code, found["database"], found["up_to_date"], "digest db upgrade" in found["problem"], said.err) == (1, place, False, True, "")
    assert door("db", "check").out == ""
