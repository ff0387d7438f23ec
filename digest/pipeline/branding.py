"""`[brand]` as an edition carries it: colours that can be read, a logo with its size, and what the operator should know."""

from __future__ import annotations

from digest.config import Config
from digest.domain.brand import SANS, SERIF, Accents, Brand, Logo, accents, drawn, stacks
from digest.files.logo import LogoFile, read_logo

PATH = "/b/"  # where a logo's file is served
_WORDMARK = 2  # times as wide as high: a logo that says a name by itself


def brand(config: Config) -> tuple[Brand, tuple[str, ...]]:
    """The brand in use, and a sentence for everything that is not as it was asked for. A logo that cannot be used costs no edition."""
    said = config.brand
    used = colours(config)
    logo, problem = _logo(config)
    serif, sans = stacks(said.fonts) or (SERIF, SANS)
    made = Brand(
        name=said.name or (config.site.name if logo and logo.width < _WORDMARK * logo.height else ""),
        logo=logo,
        accent=used.light,
        accent_dark=used.dark,
        serif=serif,
        sans=sans,
        corner=said.corner,
        reserved=said.tone == "reserved",
    )
    return made, (*used.notes, *([f"brand.logo: {problem}. The letter goes without it."] if problem else []))


def colours(config: Config) -> Accents:
    """The accents in use."""
    return accents(config.brand.accent, config.brand.accent_dark)


def logo_file(config: Config) -> tuple[LogoFile | None, str]:
    """The logo that we serve, or None and what is wrong with it, "" when there is none of ours."""
    place = config.brand.logo
    if not place or "://" in place:
        return None, ""
    return read_logo(config.home / place)


def _logo(config: Config) -> tuple[Logo | None, str]:
    said = config.brand
    width, _, height = said.logo_size.partition("x")
    if "://" in said.logo:
        return Logo(address=said.logo, width=int(width), height=int(height)), ""
    file, problem = logo_file(config)
    if file is None:
        return None, problem
    beside = bool(said.name) or file.width < _WORDMARK * file.height
    size = (int(width), int(height)) if height else drawn(file.width, file.height, beside=beside)
    return Logo(address=f"{config.site.url}{PATH}{file.name}", width=size[0], height=size[1]), ""
