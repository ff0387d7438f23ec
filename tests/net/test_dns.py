"""Questions to a real DNS server on loopback."""

from __future__ import annotations

import time

import pytest

from digest.net.dns import Answer, Dns
from digest.net.dns import server as server_at
from tests.nameserver import Nameserver, free_port, text

LONG = "v=DKIM1; k=rsa; p=" + "A" * 700
ZONE = {
    ("osterglen.example", "TXT"): [text("v=spf1 -all"), text("another")],
    ("long.osterglen.example", "TXT"): [text(LONG)],
    ("osterglen.example", "MX"): ["20 second.example.", "10 First.example."],
    ("null.example", "MX"): ["0 ."],
    ("relay.example", "A"): ["192.0.2.7"],
    ("relay.example", "AAAA"): ["2001:db8::7"],
    ("7.2.0.192.in-addr.arpa", "PTR"): ["relay.example."],
}


def test_each_kind_of_question_has_its_answer() -> None:
    with Nameserver(ZONE) as server:
        dns = Dns(server.place)
        assert set(dns.txt("osterglen.example").values) == {"v=spf1 -all", "another"}
        assert dns.mx("osterglen.example").values == ("first.example", "second.example")
        assert dns.mx("null.example").values == (".",)
        assert dns.addresses("relay.example").values == ("192.0.2.7", "2001:db8::7")
        assert dns.names("192.0.2.7").values == ("relay.example",)


def test_a_long_record_is_asked_again_over_tcp_and_its_strings_are_joined() -> None:
    with Nameserver(ZONE) as server:
        assert Dns(server.place).txt("long.osterglen.example") == Answer(values=(LONG,))
        assert [way for way, _, _ in server.asked] == ["udp", "tcp"]


@pytest.mark.parametrize("name", ["gone.example", "relay.example"], ids=["no such name", "nothing of this kind"])
def test_what_is_not_there_is_no_problem(name: str) -> None:
    with Nameserver(ZONE) as server:
        assert Dns(server.place).txt(name) == Answer()


def test_silence_ends_in_time_and_is_named() -> None:
    with Nameserver(ZONE, silent=["osterglen.example"]) as server:
        started = time.monotonic()
        assert Dns(server.place, patience=0.6).txt("osterglen.example").problem == "no DNS server answered in time"
        assert time.monotonic() - started < 3


def test_after_two_silences_nobody_is_asked_any_more() -> None:
    with Nameserver(ZONE, silent=["*"]) as server:
        dns = Dns(server.place, patience=0.3)
        answers = [dns.txt(f"{n}.example") for n in range(9)]
        assert {answer.problem for answer in answers} == {"no DNS server answered in time"}
        assert dns.silent
        assert {name for _, name, _ in server.asked} == {"0.example", "1.example"}


def test_a_failing_server_is_named() -> None:
    with Nameserver(ZONE, failing=["osterglen.example"]) as server:
        assert Dns(server.place, patience=1).txt("osterglen.example").problem == "the DNS server failed"


def test_nobody_at_the_address_of_the_server() -> None:
    assert Dns(f"127.0.0.1:{free_port()}", patience=0.6).txt("osterglen.example").problem


def test_a_name_that_cannot_be_asked_is_a_problem_and_no_crash() -> None:
    with Nameserver(ZONE) as server:
        assert Dns(server.place).txt("a" * 70 + ".example").problem


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("9.9.9.9", ("9.9.9.9", 53)),
        ("9.9.9.9:5353", ("9.9.9.9", 5353)),
        ("2620:fe::fe", ("2620:fe::fe", 53)),
        ("[2620:fe::fe]", ("2620:fe::fe", 53)),
        ("[::1]:5353", ("::1", 5353)),
    ],
)
def test_a_server_is_named_by_its_address(text: str, place: tuple[str, int]) -> None:
    assert server_at(text) == place
