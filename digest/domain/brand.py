"""A company's own look: accents that can be read on every ground, font stacks, and how large a logo is drawn. Pure."""

from __future__ import annotations

import colorsys
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

READABLE = 4.5  # WCAG 2.2, 1.4.3: what text of our sizes needs at the least
_COMFORTABLE = 6.0  # what we aim at where the dark accent is ours to choose
_STEP = 0.01  # of lightness
LOGO_HEIGHT = 40  # px
_ALONE, _BESIDE = 280, 120  # px of width: what the narrowest phone has, and what it has beside a name

OURS, OURS_DARK = "#1B5E49", "#84C9A9"
ON, ON_DARK = "#FFFFFF", "#10201A"  # the text of a filled button
INK = {False: "#1E1C19", True: "#ECE8E0"}  # dark? -> colour
_SAND = {False: "#F6EAD0", True: "#2B2519"}
GROUNDS: dict[bool, Mapping[str, str]] = {
    False: {"paper": "#FFFEFC", "quiet panels": "#F4F2ED", "the inside part": _SAND[False], "button text": ON},
    True: {"dark paper": "#161513", "dark panels": "#22201D", "the inside part when dark": _SAND[True], "button text when dark": ON_DARK},
}
_NEAR_SAND, _NEAR_INK = 0.08, 0.06  # distances in OKLab
_GREY, _SAME = 0.04, 2.0  # chroma below which a colour is a grey, and contrast with ink below which a grey is taken for it

SERIF = "Georgia,'Iowan Old Style','Noto Serif',serif"
SANS = "'Segoe UI',-apple-system,Roboto,'Helvetica Neue',Arial,sans-serif"
_GENERIC = ("serif", "sans-serif")
_FONT = re.compile(r"-?[A-Za-z][A-Za-z0-9-]*(?: [A-Za-z0-9-]+)*")


@dataclass(frozen=True, kw_only=True)
class Logo:
    """A logo as a letter draws it."""

    address: str  # https, or under the site's own
    width: int  # px as drawn
    height: int


@dataclass(frozen=True, kw_only=True)
class Brand:
    """What a company changes about the look; frozen with the edition. Every accent in here can be read."""

    name: str = ""  # set in the masthead; "": the logo alone, or else the site's name
    logo: Logo | None = None
    accent: str = OURS
    accent_dark: str = OURS_DARK
    serif: str = SERIF  # for what people say
    sans: str = SANS  # for what we say
    corner: int = 2  # px
    reserved: bool = False  # True: nobody is called by a given name alone

    @property
    def on_accent(self) -> str:
        """The text of a filled button."""
        return ON

    @property
    def on_accent_dark(self) -> str:
        """The same in dark mode."""
        return ON_DARK


@dataclass(frozen=True, kw_only=True)
class Accents:
    """The two accents in use, and a sentence for each that is not what was asked for."""

    light: str
    dark: str
    notes: tuple[str, ...] = ()


def hexadecimal(text: str) -> str | None:
    """`#rgb` or `#rrggbb` as `#RRGGBB`; None for anything else."""
    if re.fullmatch(r"#[0-9A-Fa-f]{3}", text):
        text = "#" + "".join(2 * c for c in text[1:])
    return text.upper() if re.fullmatch(r"#[0-9A-Fa-f]{6}", text) else None


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (WCAG 2.2, contrast ratio). Colours as `#RRGGBB`."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def weakest(colour: str, *, dark: bool = False) -> tuple[float, str]:
    """The lowest contrast that `colour` has on any of our grounds or with its button text, and on which."""
    return min((contrast(colour, ground), name) for name, ground in GROUNDS[dark].items())


def readable(colour: str, *, dark: bool = False, least: float = READABLE) -> str:
    """`colour`, made darker (in dark mode lighter) step by step until it holds everywhere; its hue stays."""
    hue, light, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    while weakest(colour, dark=dark)[0] < least:
        light += _STEP if dark else -_STEP
        colour = _hex(colorsys.hls_to_rgb(hue, min(max(light, 0.0), 1.0), saturation))
    return colour


def refusal(colour: str, *, dark: bool = False) -> str:
    """What is allowed instead of an accent that would be taken for something else; "" when nobody could."""
    if _distance(colour, _SAND[dark]) < _NEAR_SAND:
        return f"a colour that nobody takes for paper or for the ground of the inside part ({_SAND[dark]}), which means inside only"
    _, a, b = _oklab(colour)
    if _distance(colour, INK[dark]) < _NEAR_INK or (math.hypot(a, b) < _GREY and contrast(colour, INK[dark]) < _SAME):
        return f"a colour that nobody takes for text ({INK[dark]}), since links have to be told from it"
    return ""


def accents(accent: str, accent_dark: str = "") -> Accents:
    """The accents in use for those that were asked for; without a dark one it is made from the light one."""
    light = readable(accent)
    notes = [_note("accent", accent, light, dark=False)] if light != accent else []
    if accent_dark:
        dark = readable(accent_dark, dark=True)
        notes += [_note("accent_dark", accent_dark, dark, dark=True)] if dark != accent_dark else []
    else:
        dark = OURS_DARK if accent == OURS else readable(accent, dark=True, least=_COMFORTABLE)
    return Accents(light=light, dark=dark, notes=tuple(notes))


def _note(key: str, asked: str, used: str, *, dark: bool) -> str:
    ratio, ground = weakest(asked, dark=dark)
    where = f"as {ground} or as a link" if ground.startswith("button") else f"on {ground}"
    made = "lightened" if dark else "darkened"
    return (
        f"brand.{key}: {asked} has a contrast of {ratio:.1f}:1 {where}, and text needs {READABLE}:1; "
        f"{made} to {used} ({weakest(used, dark=dark)[0]:.1f}:1), which is used."
    )


def stacks(fonts: str) -> tuple[str, str] | None:
    """Stacks (for what people say, for what we say) of "serif", "sans" or a stack such as "Charter, Georgia, serif"; None for anything else.

    A stack that ends in serif is for what people say; one that ends in sans-serif is for everything.
    """
    if fonts in {"serif", "sans"}:
        return (SERIF if fonts == "serif" else SANS), SANS
    names = [name.strip().strip("'\"") for name in fonts.split(",")]
    if len(names) < len(_GENERIC) or names[-1] not in _GENERIC or not all(_FONT.fullmatch(name) for name in names):
        return None
    stack = ",".join(f"'{name}'" if " " in name else name for name in names)
    return stack, (stack if names[-1] == "sans-serif" else SANS)


def drawn(width: int, height: int, *, beside: bool) -> tuple[int, int]:
    """How large a picture of this size is drawn as a logo, in px: at most 40 high and 280 wide, 120 `beside` a name; never enlarged."""
    scale = min(1.0, LOGO_HEIGHT / height, (_BESIDE if beside else _ALONE) / width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part * 255):02X}" for part in rgb)


def _linear(colour: str) -> tuple[float, float, float]:
    """The parts of a colour without the curve of sRGB (IEC 61966-2-1)."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _rgb(colour))  # noqa: PLR2004 - the standard's
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _oklab(colour: str) -> tuple[float, float, float]:
    """Lightness and two colour axes in which equal distances look equal (B. Ottosson, Oklab, 2020)."""
    red, green, blue = _linear(colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def _distance(one: str, other: str) -> float:
    """How unlike two colours look, 0 to about 1."""
    return math.dist(_oklab(one), _oklab(other))
