"""Where a visitor of a short link arrives: UTM values and click ids are text in the address, and only where they fit."""

from __future__ import annotations

import logging

import pytest

from digest.db.short_links import ShortLink
from digest.domain.link import MAX_ADDRESS, with_click_id
from digest.domain.press import LinkedPost
from digest.pipeline.landing import landing, new_click_id

HOSTS = frozenset({"example.com"})


def link(url: str | None, post: str = "cold-room") -> ShortLink:
    found = LinkedPost(edition=1, n=0, id=post, title="", internal=False, url=url, recalled=None)
    return ShortLink(slug="k7q2m9x4c8v3", owner="brand", network="linkedin", period="2026-W48", post=found, disabled=False)


def drawn(size: int) -> bytes:
    return b"\x01" * size


@pytest.mark.parametrize(
    "url",
    ["https://www.example.com/", "https://example.com.evil.test/", "https://other.test/?to=example.com", "https://other.test/example.com", None],
)
def test_only_a_listed_host_gets_a_click_id(url: str | None) -> None:
    assert new_click_id(link(url), HOSTS, drawn) == ""
    assert len(new_click_id(link("https://example.com/a"), HOSTS, drawn)) == 16


@pytest.mark.parametrize("url", ["https://EXAMPLE.com:8443/a", "https://example.com/a?b=1#c", "http://example.com"])
def test_case_port_and_query_do_not_hide_a_listed_host(url: str) -> None:
    assert new_click_id(link(url), HOSTS, drawn)


def test_an_address_with_a_click_id_of_its_own_gets_no_second_one() -> None:
    assert new_click_id(link("https://example.com/?ac_id=theirs"), HOSTS, drawn) == ""


def test_an_address_without_room_keeps_what_it_has_and_the_log_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    for spare in (0, 10):
        url = "https://example.com/" + "a" * (MAX_ADDRESS - len("https://example.com/") - spare)
        with caplog.at_level(logging.WARNING):
            assert landing(link(url, f"long-{spare}")) == url
            assert landing(link(url, f"long-{spare}")) == url
        assert new_click_id(link(url, f"long-{spare}"), HOSTS, drawn) == ""
        assert with_click_id(url, "0" * 16) == url
    assert len(caplog.records) == 2
