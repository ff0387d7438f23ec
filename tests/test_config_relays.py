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
        ("[transports.one]\nhost = 'x'\nprot = 3", "transports.one.prot: no such key"),
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
        ("[inbound]\nmailbox = 'pop3://user@host'", "inbound.mailbox: found 'pop3://user@host', allowed imaps://USER@HOST/FOLDER with the password"),
        ("[inbound]\nmailbox = 'pop3://user:hidden@host'", "inbound.mailbox: found 'pop3://user:...@host', allowed imaps://"),
        ("[inbound]\nmailbox = 'imap:/user@host'", "inbound.mailbox: found 'imap:/user@host', allowed imaps://"),
        ("[transports.one]\nport = 587", "transports.one.host: found nothing, and it must be set"),
        ("[transports.one]\nhost = ''", "transports.one.host: found '', allowed a name or address without port, such as smtp.example.com"),
        ("[smtp]\nhost = 'smtp.example.com:587'", "smtp.host: found 'smtp.example.com:587', allowed a name or address without port"),
        ("[smtp]\nhost = 'smtp://mail'", "smtp.host: found 'smtp://mail', allowed a name or address without port"),
        (
            "[transports.one]\nhost = 'x'\ndomains = ['bad domain']",
            "transports.one.domains.0: found 'bad domain', allowed a domain such as example.com",
        ),
        ("[transports.one]\nhost = 'x'\ndomains = ['a.example', '']", "transports.one.domains.1: found '', allowed a domain such as example.com"),
        ("[transports.one]\nhost = 'x'\ndomains = ['@a.example']", "transports.one.domains.0: found '@a.example', allowed a domain"),
        (
            "[delivery]\nonly = ['not an address@']",
            "delivery.only.0: found 'not an address@', allowed an address such as ana@example.com, or a domain",
        ),
        ("[delivery]\nonly = ['a@b.example', 'nobody']", "delivery.only.1: found 'nobody', allowed an address such as ana@example.com, or a domain"),
        ("[delivery]\nonly = ['@b.example']", "delivery.only.0: found '@b.example', allowed an address"),
        ("[delivery]\nonly = ['Ana <a@b.example>']", "delivery.only.0: found 'Ana <a@b.example>', allowed an address"),
        ("[delivery]\nonly = ['a@b..example']", "delivery.only.0: found 'a@b..example', allowed an address"),
        ("[delivery]\nonly = ['']", "delivery.only.0: found '', allowed an address"),
        ("[dkim]\nselectors = { 'a b' = 'x.pem' }", "dkim.selectors.a b: found 'a b', allowed letters, digits, - and ."),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path: Path, text: str, problem: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(problem)
    assert "secret" not in found[0].partition("allowed")[0]
    assert "hidden" not in found[0]


@pytest.mark.parametrize("canary", ["0", "50", '"1%"', '"0.5%"'])
@pytest.mark.parametrize("bounces", ["", "*@bounces.example.com", "bounces@example.com"])
def test_right_values_are_taken(tmp_path: Path, canary: str, bounces: str) -> None:
    found = load(
        tmp_path, f"[delivery]\ncanary = {canary}\n[sender]\nbounces = '{bounces}'\n[schedule]\ntime = '06:00'\nclosed = ['12-24', '2027-01-02']"
    )
    assert found.sender.bounces == bounces
    assert load(tmp_path, "[schedule]\nquiet = ''\ntime = '03:00'").schedule.quiet == ""


def test_domains_take_the_form_that_the_roster_has(tmp_path: Path) -> None:
    text = "[delivery]\nonly = ['Ana@xn--mnchen-3ya.example', 'B.Example', 'localhost', \"o'neil+x@a-b.example\", 'ü@münchen.example']\n"
    found = load(
        tmp_path, f"{text}[transports.one]\nhost = '::1'\ndomains = ['MÜNCHEN.example']\n[transports.two]\nhost = 'x'\ndomains = ['münchen.example']"
    )
    assert found.delivery.only == ("Ana@münchen.example", "b.example", "localhost", "o'neil+x@a-b.example", "ü@münchen.example")
    assert found.transports["one"].domains == found.transports["two"].domains == ("münchen.example",), "they share it"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "mail", "smtp.example.com", "smtp_out", "mail.münchen.example"])
def test_a_host_is_a_name_or_an_address(tmp_path: Path, host: str) -> None:
    assert load(tmp_path, f"[smtp]\nhost = '{host}'").smtp.host == host


@pytest.mark.parametrize("mailbox", ["", "mail/bounces", "imaps://u%40x@h:99/F", "imap://u@h"])
def test_where_mail_waits(tmp_path: Path, mailbox: str) -> None:
    assert load(tmp_path, f"[inbound]\nmailbox = '{mailbox}'").inbound.mailbox == mailbox
