"""Which addresses are asked: those of the public internet."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.reachable import Reach

_INSIDE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254 169.254.170.2
172.16.0.1 172.31.255.255 192.0.0.8 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808
64:ff9b:1::a00:1 100::1 2001::1 2001:0:7f00:1:: 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a00:1::1 2002:808:808::1
3fff::1 5f00::1 fc00::1 fd00:ec2::254 fd12:3456:789a::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1
"""
_PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 169.255.0.0 172.15.255.255
172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
2001:200::1 2001:4860:4860::8888 2606:4700::1111 2a00:1450:4001::200e 2620:fe::fe
"""
INSIDE, PUBLIC = _INSIDE.split(), _PUBLIC.split()


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert Reach().refuses([address])


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_asked_up_to_the_borders(address: str) -> None:
    assert Reach().refuses([address]) == ""


@pytest.mark.parametrize("address", INSIDE)
def test_one_closed_address_closes_the_name(address: str) -> None:
    assert Reach().refuses(["8.8.8.8", address, "1.1.1.1"])


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "8.8.8.8.8", "::g"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert Reach().refuses([text])


@given(st.ip_addresses())
def test_nothing_passes_that_the_standard_library_calls_closed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    closed = not address.is_global or address.is_multicast or address.is_reserved
    assert not closed or Reach().refuses([str(address)])


@given(st.ip_addresses(v=4))
def test_every_address_of_version_4_in_disguise_is_refused(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    mapped = ipaddress.IPv6Address(0xFFFF << 32 | number)
    translated = ipaddress.IPv6Address(0x64FF9B << 96 | number)
    six_to_four = ipaddress.IPv6Address(0x2002 << 112 | number << 80)
    teredo = ipaddress.IPv6Address(0x20010000 << 96 | number ^ 0xFFFFFFFF)
    assert all(Reach().refuses([str(found)]) for found in (mapped, translated, six_to_four, teredo))


def test_only_the_ports_of_the_web_are_asked() -> None:
    assert [port for port in (22, 25, 80, 443, 3306, 5432, 6379, 8080, 8443, 9200) if not Reach().refuses_port(port)] == [80, 443, 8080, 8443]


def test_a_reach_of_a_test_opens_what_it_names_and_nothing_else() -> None:
    reach = Reach(ports=frozenset(), also=("127.0.0.0/8",))
    assert reach.refuses(["127.0.0.1"]) == ""
    assert reach.refuses_port(1) == ""
    assert reach.refuses(["127.0.0.1", "10.0.0.1"])
    assert reach.refuses(["::1"])
