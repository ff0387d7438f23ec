"""The letter's words per language, read once from the files beside this package."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from digest.domain.words import Words, nearest

_FOLDER = Path(__file__).with_name("words")


def languages() -> tuple[str, ...]:
    """The languages that the letter speaks."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def spoken(language: str) -> str:
    """The letter's language for a reader of `language`: theirs, theirs without its region, else English."""
    return nearest(language, ("en", *languages()))


@cache
def words(language: str) -> Words:
    """The words for a reader of `language`."""
    found = spoken(language)
    return Words(language=found, phrases=tomllib.loads((_FOLDER / f"{found}.toml").read_text(encoding="utf-8")))
