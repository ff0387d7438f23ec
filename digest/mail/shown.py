"""A letter as one mail program would show it, on a page of our own: its look made sure of, its links and pictures led to us.

A browser takes light or dark from the editor's own system, so the copy that it gets has the question already answered.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Callable
from enum import StrEnum
from html import escape, unescape
from urllib.parse import quote

_STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style>)", re.DOTALL | re.IGNORECASE)
_MEDIA = re.compile(r"(?<=\smedia=)(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_INLINE = re.compile(r"(?<=\s)((?:style|bgcolor|color|bordercolor)=)(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_TAG = re.compile(r"<[a-z][^>]*>", re.IGNORECASE)
_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_OWN_SCHEME = re.compile(r"(?<![\w-])((?:supported-)?color-schemes?\s*:\s*)[a-z ]+", re.IGNORECASE)
_META = re.compile(r"""(<meta\s[^>]*name=["'](?:supported-)?color-schemes?["'][^>]*content=)(["']).*?\2""", re.IGNORECASE)
_HREF = re.compile(r"""(<(?:a|area)\b[^>]*?\shref=)("[^"]*"|'[^']*')""", re.IGNORECASE)
_SRC = re.compile(r"""(<(?:img|input|source)\b[^>]*?\ssrc=)("[^"]*"|'[^']*')""", re.IGNORECASE)
_COLOUR = re.compile(r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b|\brgba?\(\s*\d+\s*,\s*\d+\s*,\s*\d+|(?<![\w-])(?:white|black)(?![\w-])", re.IGNORECASE)
_NOTHING = ""  # stays as it is in a query
_ALWAYS, _NEVER = "(min-width:0)", "(min-width:100000px)"
_NAMED = {"white": "#ffffff", "black": "#000000"}


class Look(StrEnum):
    """How a mail program shows a letter."""

    LIGHT = "light"
    DARK = "dark"  # it asks the letter for its dark colours
    INVERTED = "inverted"  # it takes the light ones and turns them round by itself


def as_seen(page: str, look: Look) -> str:
    """The page in `look`, whatever the browser's own system prefers."""
    page = _META.sub(rf"\1\2{_scheme(look)}\2", page)
    page = _STYLE.sub(lambda found: found[1] + _answered(found[2], look) + found[3], page)
    page = _TAG.sub(lambda tag: _MEDIA.sub(lambda found: _answered(found[0], look), tag[0]), page)
    return _inverted(page) if look is Look.INVERTED else _ground(page, f"color-scheme:{_scheme(look)}")


def _scheme(look: Look) -> str:
    return "dark" if look is Look.DARK else "light"


def _answered(css: str, look: Look) -> str:
    css = _SCHEME.sub(lambda found: _ALWAYS if found[1].lower() == _scheme(look) else _NEVER, css)
    return _OWN_SCHEME.sub(rf"\g<1>{_scheme(look)}", css)


def _inverted(page: str) -> str:
    """Every colour with its lightness turned round and its hue kept; pictures as they are."""
    page = _STYLE.sub(lambda found: found[1] + _COLOUR.sub(_turned, found[2]) + found[3], page)
    page = _TAG.sub(lambda tag: _INLINE.sub(lambda found: found[1] + _COLOUR.sub(_turned, found[2]), tag[0]), page)
    return _ground(page, "color-scheme:light;background:#000;color:#fff")


def _ground(page: str, css: str) -> str:
    """What stands behind a letter that says nothing itself."""
    style = f"<style>html{{{css}}}</style>"
    head = re.search(r"<head\b[^>]*>", page, re.IGNORECASE)
    return page[: head.end()] + style + page[head.end() :] if head else style + page


def _turned(found: re.Match[str]) -> str:
    text = _NAMED.get(found[0].lower(), found[0])
    if text.startswith("#"):
        digits = text[1:] if len(text) > len("#abc") else "".join(c * 2 for c in text[1:])
        red, green, blue = (int(digits[i : i + 2], 16) for i in (0, 2, 4))
    else:
        red, green, blue = (min(int(number), 255) for number in re.findall(r"\d+", text))
    hue, light, strength = colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)
    turned = [round(part * 255) for part in colorsys.hls_to_rgb(hue, 1 - light, strength)]
    return f"#{turned[0]:02x}{turned[1]:02x}{turned[2]:02x}" if text.startswith("#") else f"{text[: text.index('(')]}({','.join(map(str, turned))}"


def led_to(page: str, path: str) -> str:
    """The page whose links all lead to `path?to=ADDRESS`: a click opens nothing."""
    return _HREF.sub(lambda found: f'{found[1]}"{path}?to={quote(_value(found[2]), safe=_NOTHING)}"', page)


def pictured(page: str, ours: Callable[[str], str]) -> str:
    """The page with each picture's address as `ours` gives it."""
    return _SRC.sub(lambda found: f'{found[1]}"{escape(ours(_value(found[2])))}"', page)


def pictures_of(page: str) -> list[str]:
    """The addresses of a page's pictures, once each, in order."""
    return list(dict.fromkeys(_value(found[2]) for found in _SRC.finditer(page)))


def _value(quoted: str) -> str:
    return unescape(quoted[1:-1])
