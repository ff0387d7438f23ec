"""Which names nobody outside can open, told without asking the network."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.reachable import Reach, stays_inside


@pytest.mark.parametrize(
    "host", ["example.com", "local.example.com", "EXAMPLE.com.", "xn--mnchen-3ya.de", "8.8.8.8", "[2606:4700::1111]", "homes.org"]
)
def test_names_of_the_open_web_are_open(host: str) -> None:
    assert stays_inside(host) == ""


@pytest.mark.parametrize(
    "host", ["localhost", "a.localhost", "LOCALHOST.", "wiki", "pages.intranet", "a.b.internal", "x.home.arpa", "printer.local.", ""]
)
def test_names_of_one_network_are_not(host: str) -> None:
    assert stays_inside(host)


@given(st.ip_addresses())
def test_numbers_are_judged_as_when_they_are_fetched(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)
    assert stays_inside(host) == Reach().refuses([str(address)])
