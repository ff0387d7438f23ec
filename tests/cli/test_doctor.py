"""`digest doctor` as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.door import Door, door
from tests.nameserver import Nameserver, free_port, text
from tests.signing import pem

__all__ = ["door"]


@pytest.fixture
def home(door: Door) -> Door:
    """A folder as `digest init` leaves it, with a sender of its own."""
    assert door("init").code == 0
    config = door.home / "config.toml"
    changed = config.read_text(encoding="utf-8").replace("digest@example.com", "letter@osterglen.example").replace(":8080", f":{free_port()}")
    config.write_text(changed, encoding="utf-8")
    return door


def test_on_this_machine_alone_everything_is_right_after_init(home: Door) -> None:
    said = home("doctor", "--skip-network")
    assert said.code == 0, said.out
    assert "  ok      tables: sqlite:///" in said.out
    assert said.out.splitlines()[-1].endswith("unknown.")


def test_what_is_bad_stands_with_what_to_do_below_it_and_exits_with_1(home: Door) -> None:
    config = home.home / "config.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("port = 25\n", f"port = {free_port()}\n"), encoding="utf-8")
    with Nameserver({("osterglen.example", "TXT"): [text("v=spf1 +all")]}) as server:
        said = home("doctor", "--nameserver", server.place)
    assert said.code == 1
    lines = said.out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("  BAD     SPF of osterglen.example: it ends in +all"))
    assert lines[place + 1].startswith("          End it in -all")
    assert "BAD     pages" in said.out
    assert '_dmarc.osterglen.example. TXT "v=DMARC1; p=none;' in said.out
    assert "no connection: refused the connection" in said.out
    assert said.err == ""


def test_with_json_it_is_one_object(home: Door) -> None:
    found = json.loads(home("doctor", "--skip-network", "--json").out)
    assert found["sound"] is True
    assert [section["name"] for section in found["sections"]] == ["database", "sender", "clock", "letter"]
    assert set(found["sections"][0]["findings"][0]) == {"level", "subject", "said", "do"}


def test_without_the_signing_library_it_says_what_to_install(home: Door) -> None:
    (home.home / "s.pem").write_bytes(pem("ED25519"))
    config = home.home / "config.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("selectors = {}", 'selectors = { s2026 = "s.pem" }'), encoding="utf-8")
    words = ["digest", "doctor", "--skip-network"]
    program = f"import sys; sys.modules['cryptography'] = None; sys.argv = {words}; from digest.cli.main import run; run()"
    done = subprocess.run([sys.executable, "-c", program], cwd=home.home, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "BAD     DKIM: dkim.selectors.s2026" in done.stdout
    assert "pip install 'weekly-digest[dkim]'" in done.stdout


@pytest.mark.parametrize("server", ["nonsense", "1.2.3.4:99999", "1.2.3.4:0", "dns.google", "", "1.2.3", "2001:db8::g", "https://9.9.9.9/dns-query"])
def test_a_dns_server_that_is_none_is_refused(home: Door, server: str) -> None:
    said = home("doctor", "--nameserver", server)
    assert (said.code, f"found {server!r}, allowed the address of a DNS server" in said.err) == (2, True)
