"""A letter as one mail program shows it: light, dark or turned round, with links that lead to us."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.shown import Look, as_seen, led_to, pictured, pictures_of
from digest.pipeline.rendering import links_of

PAGE = (
    '<html><head><meta name="color-scheme" content="light dark"><style>:root{color-scheme:light dark;supported-color-schemes:light dark}'
    "@media (prefers-color-scheme: dark) and (max-width:480px){.ink{color:#ECE8E0!important}}"
    "@media (prefers-color-scheme:light){.ink{color:#1E1C19}}</style></head>"
    '<body style="background:#FFFEFC" bgcolor="#FFFEFC"><p class="ink" style="color:#1E1C19">The colour #1E1C19 (prefers-color-scheme:dark)</p>'
    '<picture><source media="(prefers-color-scheme:dark)" src="d.png"><img src="l.png" alt=""></picture></body></html>'
)


@pytest.mark.parametrize("look", Look)
def test_no_style_is_left_to_the_editors_own_system(look: Look) -> None:
    seen = as_seen(PAGE, look)
    tags = "".join(re.findall(r"<[^>]+>", seen)) + re.findall(r"(?s)<style>(:root.*?)</style>", seen)[0]
    assert "prefers-color-scheme" not in tags
    assert "light dark" not in tags
    assert "The colour #1E1C19 (prefers-color-scheme:dark)" in seen  # words stay words


def test_dark_asks_the_letter_and_light_does_not() -> None:
    dark, light = as_seen(PAGE, Look.DARK), as_seen(PAGE, Look.LIGHT)
    assert "@media (min-width:0) and (max-width:480px)" in dark
    assert "@media (min-width:100000px) and (max-width:480px)" in light
    assert 'media="(min-width:0)"' in dark
    assert 'media="(min-width:100000px)"' in light
    assert "color-scheme:dark" in dark
    assert "color-scheme:light" in light


def test_a_program_that_inverts_turns_lightness_and_keeps_hue() -> None:
    seen = as_seen('<p style="color:#1B5E49;background:white" bgcolor="#F6EAD0">x</p><i style="color:rgb(27, 94, 73)">y</i>', Look.INVERTED)
    assert 'style="color:#a1e4cf;background:#000000"' in seen
    assert 'bgcolor="#2f2309"' in seen
    assert "rgb(161,228,207)" in seen


@given(st.integers(0, 0xFFFFFF))
def test_turning_round_twice_gives_the_colour_back(colour: int) -> None:
    def turned(text: str) -> str:
        return str(re.findall(r"<b style=\"color:(#[0-9a-f]{6})", as_seen(f'<b style="color:{text}">', Look.INVERTED))[0])

    back = turned(turned(f"#{colour:06x}"))
    apart = [abs(int(back[i : i + 2], 16) - (colour >> shift & 255)) for i, shift in ((1, 16), (3, 8), (5, 0))]
    assert max(apart) <= 3  # eight bits are few near black and white


ADDRESSES = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), min_size=1, max_size=60)


@given(ADDRESSES)
def test_every_link_leads_to_us_and_keeps_its_address(address: str) -> None:
    quoted = address.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    (led,) = links_of(led_to(f'<p><a class="x" href="{quoted}">Read</a></p>', "/where"))
    assert urlsplit(led).path == "/where"
    assert parse_qs(urlsplit(led).query, keep_blank_values=True)["to"] == [address]


def test_pictures_are_led_as_well() -> None:
    page = '<img width="1" src="https://letters.example/b/logo.png"><img src=\'https://elsewhere.example/a.png?x=1&amp;y=2\'>'
    assert pictures_of(page) == ["https://letters.example/b/logo.png", "https://elsewhere.example/a.png?x=1&y=2"]
    seen = pictured(page, lambda address: "/b/logo.png" if "letters" in address else "/elsewhere")
    assert pictures_of(seen) == ["/b/logo.png", "/elsewhere"]
