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


class How(StrEnum):
    """How a word about a switch reached us."""

    FORM = "form"  # a form of ours that a person seems to have read
    MACHINE = "machine"  # a form of ours that no person seems to have read
    MAIL_LINK = "mail_link"  # a link that was mailed to their address
    MAIL_PROGRAM = "mail_program"  # the unsubscribe button of their mail program
    TOLD = "told"  # they told the people who run it


# The version of the words on the page, for each switch: it goes up when a change of the English sentence changes its meaning.
WORDING: Mapping[Switch, str] = {**dict.fromkeys(Switch, "1"), Switch.NAME: "2", Switch.NOMINATE: "2"}

NUMBER: Mapping[Switch, int] = {Switch.MEASURE: 1, Switch.NAME: 2, Switch.NOMINATE: 3, Switch.QUOTE: 4}  # in links that work once: never changed


@dataclass(frozen=True, kw_only=True)
class Said:
    """One word of a person about one switch."""

    switch: Switch
    value: bool
    wording: str  # version of the words they saw, or how else they said it
    at: datetime


def believed(switch: Switch, *, value: bool, machine: bool) -> bool:
    """Whether a form turns a switch by itself: a no always does, but nothing more is allowed on a machine's word."""
    return not (value and machine and switch in NUMBER)


def how_of(told: str) -> How:
    """How a word came, of what the audit keeps of it: "one-click", or "form; " and who seems to have sent it."""
    if told == "one-click":
        return How.MAIL_PROGRAM
    return How.MACHINE if told.startswith(("form; machine", "form; preview")) else How.FORM if told.startswith("form") else How.TOLD


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
