"""Addresses that are not what they look like."""

from __future__ import annotations

import ada_url
import pytest

from digest.domain.target import is_own_link, is_shortener, looks_like_another


@pytest.mark.parametrize(
    ("host", "deceives"),
    [
        ("example.com", False),
        ("bücher.example", False),
        ("straße-日本.de", False),
        ("日本語カタカナ.jp", False),
        ("한국.kr", False),
        ("привет.ru", False),
        ("пример.com", False),
        ("a.παράδειγμα.gr", False),
        ("例え.テスト", False),
        ("сорт.ru", False),  # a Russian word of borrowed letters, at home
        ("\u0430pple.com", True),  # one Cyrillic letter
        ("\u0430\u0440\u0440\u04cf\u0435.com", True),  # all of them
        ("www.\u0440\u0430\u0443\u0440\u0430l.com", True),
        ("g\u03bf\u03bfgle.com", True),  # two Greek ones
        ("τωο.com", True),
    ],
)
def test_a_name_that_mixes_or_borrows_letters_looks_like_another(host: str, *, deceives: bool) -> None:
    """B2: homographs."""
    assert looks_like_another(str(ada_url.URL(f"https://{host}/").hostname)) is deceives


def test_a_name_that_cannot_be_read_counts_as_one_that_deceives() -> None:
    assert looks_like_another("xn--\N{EURO SIGN}.com")
    assert not looks_like_another("[::1]")


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://letter.example.com/l/k7q2m9x4c8v3", True),
        ("https://LETTER.example.com/S/abc/010", True),
        ("https://letter.example.com/%6c/k7q2m9x4c8v3", True),
        ("https://letter.example.com/a/../r/abc/01", True),
        ("https://letter.example.com/me/abc", True),
        ("https://letter.example.com/w/abc", False),
        ("https://letter.example.com/legal", False),
        ("https://example.com/l/k7q2m9x4c8v3", False),
        ("nonsense", False),
    ],
)
def test_our_own_links_are_known_however_they_are_written(url: str, *, ours: bool) -> None:
    assert is_own_link(url, "https://letter.example.com") is ours


def test_a_base_with_a_path_is_part_of_a_link() -> None:
    assert is_own_link("https://example.com/letter/l/x", "https://example.com/letter")
    assert not is_own_link("https://example.com/l/x", "https://example.com/letter")
    assert not is_own_link("https://example.com/l/x", "")


@pytest.mark.parametrize(("host", "short"), [("bit.ly", True), ("www.LNKD.in", True), ("t.co.", True), ("t.com", False), ("notbit.ly", False)])
def test_public_shorteners_are_known(host: str, *, short: bool) -> None:
    assert is_shortener(host) is short
