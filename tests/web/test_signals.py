"""Addresses behind proxies, and what is read of a request."""

from __future__ import annotations

import pytest

from digest.web.signals import Proxies, on_phone, referrer_host

PROXIES = Proxies(("10.0.0.0/8", "2001:db8:1::/48", "unix"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),  # nobody we know says so
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "203.0.113.7, 198.51.100.9, 10.0.0.2", "198.51.100.9"),  # the right-most that is no proxy; further left is hearsay
        ("10.0.0.1", "198.51.100.9:1234", "198.51.100.9"),
        ("10.0.0.1", '"[2001:db8::7]:99"', "2001:db8::7"),
        ("10.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("2001:db8:1::1", "198.51.100.9", "198.51.100.9"),
        ("::ffff:10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.9, junk, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("", "198.51.100.9", "198.51.100.9"),
    ],
)
def test_the_client_is_the_right_most_hop_that_is_no_proxy_of_ours(peer: str, forwarded: str, client: str) -> None:
    assert PROXIES.client(peer, forwarded) == client


@pytest.mark.parametrize(
    ("headers", "phone"),
    [
        ({b"sec-ch-ua-mobile": b"?1"}, True),
        ({b"sec-ch-ua-mobile": b"?0", b"user-agent": b"iPhone"}, False),
        ({b"user-agent": b"Mozilla/5.0 (iPhone; CPU iPhone OS 26_0)"}, True),
        ({b"user-agent": b"Mozilla/5.0 (Linux; Android 14) Mobile Safari"}, True),
        ({b"user-agent": b"Mozilla/5.0 (Linux; Android 14; Tablet) Safari"}, False),
        ({}, False),
    ],
)
def test_a_phone_is_known_by_its_hint_or_its_name(headers: dict[bytes, bytes], *, phone: bool) -> None:
    assert on_phone(headers) is phone


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        (b"https://www.linkedin.com/feed/?x=1", "www.linkedin.com"),
        (b"https://t.co/x", "t.co"),
        (b'"><script>alert(1)</script>', ""),
        (b"javascript:alert(1)", ""),
        (b"https://" + b"a" * 100_000, ""),
        (b"https://[broken", ""),
        (b"android-app://com.linkedin.android/", "com.linkedin.android"),
        (b"", ""),
    ],
)
def test_of_a_referrer_only_a_plain_host_is_kept(referrer: bytes, host: str) -> None:
    assert referrer_host({b"referer": referrer}) == host
