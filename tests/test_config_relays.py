"""The keys of config.toml about relays, canaries, quiet hours, bounces and signing."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from digest.config import Config, load_config
from digest.errors import ConfigError
from tests.test_house import EXAMPLE


def load(folder: Path, text: str, **env: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, env)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return [line.removeprefix(f"{folder}/config.toml: ") for line in caught.value.problems]


def test_another_relay_has_the_keys_of_smtp_and_its_domains(tmp_path: Path) -> None:
    found = load(tmp_path, '[transports.exchange]\nhost = "mail.example"\nper_minute = 30\ndomains = ["example.com"]')
    relay = found.transports["exchange"]
    assert (relay.host, relay.per_minute, relay.per_day, relay.domains, relay.weight) == ("mail.example", 30, 0, ("example.com",), 1)


def test_the_example_of_another_relay_is_one(tmp_path: Path) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    start = lines.index("# [transports.exchange]")
    commented = [line.removeprefix("# ") for line in lines[start : lines.index("", start)]]
    assert set(tomllib.loads("\n".join(commented))["transports"]["exchange"]) > {"host", "domains", "per_minute"}
    assert load(tmp_path, "\n".join(commented)).transports["exchange"].connections == 3


def test_the_password_of_another_relay_may_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n", encoding="utf-8")
    text = '[transports.head-office]\nhost = "a.example"\n[transports.b]\nhost = "b.example"'
    found = load(tmp_path, text, DIGEST_TRANSPORT_HEAD_OFFICE_PASSWORD="spoken", DIGEST_TRANSPORT_B_PASSWORD_FILE=str(tmp_path / "secret"))
    assert (found.transports["head-office"].password, found.transports["b"].password) == ("spoken", "from a file")
    assert "spoken" not in repr(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[transports.smtp]\nhost = 'x'", "transports.smtp: found 'smtp', allowed a name of small letters, digits and -, other than smtp"),
        ("[transports.Big]\nhost = 'x'", "transports.Big: found 'Big', allowed a name of small letters, digits and -, other than smtp"),
        ("[transports.one]\nprot = 3", "transports.one.prot: no such key"),
        ("transports = 3", "transports: found 3, allowed a table"),
        ("[transports]\none = 3", "transports.one: found 3, allowed a table"),
        ("[delivery]\ncanary = -1", 'delivery.canary: found -1, allowed a number of messages such as 50, a share such as "1%", or 0 for none'),
        ("[delivery]\ncanary = 'some'", "delivery.canary: found 'some', allowed a number"),
        ("[delivery]\ncanary = '0%'", "delivery.canary: found '0%', allowed a number"),
        ("[delivery]\ncanary = true", "delivery.canary: found "),
        ("[schedule]\nquiet = '21-6'", "schedule.quiet: found '21-6', allowed HH:MM-HH:MM, such as 21:00-06:00, or \"\""),
        ("[schedule]\nquiet = '21:00-21:00'", "schedule.quiet: found '21:00-21:00', allowed two different times"),
        ("[schedule]\ntime = '05:59'", "schedule.time: found '05:59', which lies in the hours of schedule.quiet (21:00-06:00)"),
        ("[schedule]\ntime = '12:00'\nquiet = '12:00-13:00'", "schedule.time: found '12:00', which lies in the hours of schedule.quiet"),
        ("[schedule]\nclosed = ['24 December']", "schedule.closed.0: found '24 December', allowed a day such as 2026-12-24, or 12-24"),
        ("[sender]\nbounces = 'nowhere'", "sender.bounces: found 'nowhere', allowed \"*@bounces.example.com\""),
        ("[sender]\nbounces = 'a-local-part-that-is-far-too-long@example.com'", "sender.bounces: found "),
        ("[inbound]\nmailbox = 'imaps://user:secret@host/INBOX'", "inbound.mailbox: found "),
        ("[inbound]\nmailbox = 'imaps://host/INBOX'", "inbound.mailbox: found 'imaps://host/INBOX', allowed imaps://USER@HOST/FOLDER"),
        ("[dkim]\nselectors = { 'a b' = 'x.pem' }", "dkim.selectors.a b: found 'a b', allowed letters, digits, - and ."),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path: Path, text: str, problem: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(problem)


@pytest.mark.parametrize("canary", ["0", "50", '"1%"', '"0.5%"'])
@pytest.mark.parametrize("bounces", ["", "*@bounces.example.com", "bounces@example.com"])
def test_right_values_are_taken(tmp_path: Path, canary: str, bounces: str) -> None:
    found = load(
        tmp_path, f"[delivery]\ncanary = {canary}\n[sender]\nbounces = '{bounces}'\n[schedule]\ntime = '06:00'\nclosed = ['12-24', '2027-01-02']"
    )
    assert found.sender.bounces == bounces
    assert load(tmp_path, "[schedule]\nquiet = ''\ntime = '03:00'").schedule.quiet == ""
