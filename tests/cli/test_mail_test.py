"""`digest mail test` as a person types it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from digest.demo.mailbox import Mailbox
from tests.door import Door, door

__all__ = ["door"]


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    yield mailbox
    mailbox.stop()


@pytest.fixture
def week(door: Door, mailbox: Mailbox) -> Door:
    """A folder as `digest init` leaves it, with people, whose relay is the mailbox."""
    assert door("init").code == 0
    config = door.home / "config.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("port = 25\n", f"port = {mailbox.port}\n"), encoding="utf-8")
    assert door("roster", "import", "roster.csv").code == 0
    return door


def address_of(door: Door) -> str:
    return (door.home / "roster.csv").read_text(encoding="utf-8-sig").splitlines()[1].split(",")[0]


def test_before_anything_is_planned_it_says_what_to_type(week: Door) -> None:
    said = week("mail", "test", address_of(week))
    assert said.code == 1
    assert "Run `digest edition plan`." in said.err


def test_a_test_arrives_and_every_step_is_told(week: Door, mailbox: Mailbox) -> None:
    assert week("edition", "plan").code == 0
    said = week("mail", "test", address_of(week))
    assert said.code == 0, said.err
    assert f"ok   connected to 127.0.0.1:{mailbox.port}" in said.out
    assert "ok   accepted the message: 250" in said.out
    (letter,) = mailbox.letters()
    parsed = message_from_bytes(letter.raw, policy=policy.default)
    assert letter.recipient == address_of(week)
    assert parsed["Subject"].startswith("[Test] ")
    assert json.loads(week("edition", "status", "--json").out)["sent"] == 0


def test_with_json_the_steps_are_data_and_a_failure_exits_with_1(week: Door, mailbox: Mailbox) -> None:
    assert week("edition", "plan").code == 0
    mailbox.stop()
    said = week("mail", "test", address_of(week), "--json")
    found = json.loads(said.out)
    assert (said.code, found["accepted"]) == (1, False)
    assert found["steps"] == [
        {
            "phase": "connect",
            "ok": False,
            "said": "no connection: refused the connection",
            "do": "Check smtp.host and smtp.port, and that a firewall lets this machine through to them.",
        }
    ]


def test_a_stranger_gets_none(week: Door) -> None:
    assert week("edition", "plan").code == 0
    said = week("mail", "test", "somebody@press.example")
    assert said.code == 1
    assert "gets no test message" in said.err
