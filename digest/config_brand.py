"""The kinds of value that `[brand]` knows, and how each is checked."""

from __future__ import annotations

import re
from typing import Annotated

import ada_url
from pydantic import AfterValidator

from digest.config_values import CONTROL, refuse
from digest.domain.brand import LOGO_HEIGHT, hexadecimal, refusal, stacks

_LOGO = "a PNG, JPEG or GIF file, or an https address"
_FONTS = '"serif", "sans", or names with commas that end in serif or sans-serif, such as "Charter, Georgia, serif"'


def _accent(value: str, *, dark: bool = False) -> str:
    colour = hexadecimal(value)
    if colour is None:
        raise refuse(value, "a colour such as #1B5E49")
    reason = refusal(colour, dark=dark)
    if reason:
        raise refuse(value, reason)
    return colour


def _dark_accent(value: str) -> str:
    return value and _accent(value, dark=True)


def _fonts(value: str) -> str:
    if stacks(value) is None:
        raise refuse(value, _FONTS)
    return value


def _logo(value: str) -> str:
    if CONTROL.search(value):
        raise refuse(value, _LOGO)
    if "://" not in value:
        return value
    try:
        url = ada_url.URL(value)
    except ValueError:
        raise refuse(value, _LOGO) from None
    if url.protocol != "https:":
        raise refuse(value, _LOGO)
    return str(url.href)


def _size(value: str) -> str:
    found = re.fullmatch(r"([1-9][0-9]{0,2})x([1-9][0-9]?)", value)
    if value and (not found or int(found[2]) > LOGO_HEIGHT):
        raise refuse(value, f'WIDTHxHEIGHT in px, at most {LOGO_HEIGHT} high, such as "160x40"')
    return value


Accent = Annotated[str, AfterValidator(_accent)]
DarkAccent = Annotated[str, AfterValidator(_dark_accent)]
Fonts = Annotated[str, AfterValidator(_fonts)]
LogoPlace = Annotated[str, AfterValidator(_logo)]
LogoSize = Annotated[str, AfterValidator(_size)]
