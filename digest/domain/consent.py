"""The five switches of a person, and what stands: the last word counts, and before any word the installation's own rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Switch(StrEnum):
    """What a person may allow, each by itself."""

    RECEIVE = "receive"  # the letter comes
    MEASURE = "measure"  # what they press may be counted
    NAME = "name"  # their name may stand beside what they write
    NOMINATE = "nominate"  # colleagues may nominate them
    QUOTE = "quote"  # what they write to us may be quoted


# The version of the words on the page, for each switch: it goes up when a change of the English sentence changes its meaning.
WORDING: Mapping[Switch, str] = dict.fromkeys(Switch, "1")


@dataclass(frozen=True, kw_only=True)
class Said:
    """One word of a person about one switch."""

    switch: Switch
    value: bool
    wording: str  # version of the words they saw, or how else they said it
    at: datetime


def before_any_word(*, opt_in: bool) -> dict[Switch, bool]:
    """How the switches stand before a person touches them."""
    return {
        Switch.RECEIVE: True,
        Switch.MEASURE: not opt_in,
        Switch.NAME: False,
        Switch.NOMINATE: False,
        Switch.QUOTE: False,
    }


def standing(said: Iterable[Said], *, opt_in: bool) -> dict[Switch, bool]:
    """How the switches stand after everything that was said, the oldest first."""
    return before_any_word(opt_in=opt_in) | {word.switch: word.value for word in said}
