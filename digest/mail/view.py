"""How a template asks about its reader, and how a page is marked where readers differ.

A template never sees an employee. It asks `view.pick(name, options)` which options to print and frames each with
`view.open` and `view.close`. The pool view answers "all of them" and leaves marks, so that one page holds every block,
is inlined once, and is cut at the marks. A view of one reader answers with that reader's choice and leaves no marks:
the slow way, which tests and the bench compare with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from markupsafe import Markup

from digest.mail import receipt

# slot -> length on the wire; 0: any
SLOTS = {"share": 17, "control": 17, "unsubscribe": 36, "name": 0, "name_html": 0, "subject": 0, **dict.fromkeys(receipt.SLOTS, 0)}

GROUPS = (
    "colleagues",
    "sharing",
    "inside",
    "part",
    "asks",
    "alone",
    "network",
    "minutes",
    "greeting",
    "preheader",
)  # what readers choose from, because ~ n and clock ~ n


class View(Protocol):
    """What a template may ask."""

    def pick(self, name: str, options: Sequence[str]) -> Sequence[str]:
        """Those of `options` that are to be printed, in order."""

    def open(self, name: str, key: str) -> str:
        """The mark before the option `key` of the group `name`; "" as key: what stands between two options."""

    def close(self) -> str:
        """The mark behind an option."""

    def gap(self, index: int) -> bool:
        """True when what stands between options is to be printed before the option at `index`."""


class PoolView:
    """Everything, marked: by comments, which HTML keeps, or in plain text by a free word."""

    def __init__(self, salt: str, *, html: bool) -> None:
        self._start, self._end = _frame(salt, html=html)
        self._turns: dict[str, int] = {}

    def pick(self, name: str, options: Sequence[str]) -> Sequence[str]:
        """All of them. Raises ValueError for a group that nobody would ever choose from."""
        if name not in {*GROUPS, *receipt.GROUPS} and not re.fullmatch(r"(?:because|clock)[0-9]+", name):
            raise ValueError(f"found view.pick({name!r}), allowed {', '.join((*GROUPS, *receipt.GROUPS))} , because ~ n and clock ~ n")
        self._turns[name] = self._turns.get(name, 0) + 1
        return options

    def open(self, name: str, key: str) -> str:
        """The key goes in hexadecimal, since a comment must not hold two hyphens.

        The turn tells two picks of one group that stand side by side: each keeps its place, as it would for one reader.
        """
        written = key.encode("utf-8", "surrogatepass").hex()
        return Markup(f"{self._start}o {name}.{self._turns.get(name, 0)} {written}{self._end}")  # noqa: S704 - word characters and digits only

    def close(self) -> str:
        """The same for every option."""
        return Markup(f"{self._start}c{self._end}")  # noqa: S704 - a constant

    def gap(self, index: int) -> bool:
        """Once, before the first."""
        return index == 0


class ReaderView:
    """One reader's choice, without marks: the slow way. `chosen`: group -> keys, in order."""

    def __init__(self, chosen: Mapping[str, Sequence[str]]) -> None:
        self._chosen = chosen

    def pick(self, name: str, options: Sequence[str]) -> Sequence[str]:
        """The reader's own."""
        return [key for key in self._chosen.get(name, ()) if key in options]

    def open(self, name: str, key: str) -> str:
        """Nothing."""
        del name, key
        return ""

    def close(self) -> str:
        """Nothing."""
        return ""

    def gap(self, index: int) -> bool:
        """Before every option but the first."""
        return index > 0


def slot_word(salt: str, slot: str) -> str:
    """The word that stands for a slot: letters and digits, so that it survives inlining in text and in attributes."""
    return f"{salt}{slot}{salt}"


def free_salt(text: str) -> str:
    """A short word that does not occur in `text`; the same for the same text."""
    folded = text.casefold()
    number = 0
    while f"zq{number}z" in folded:
        number += 1
    return f"zq{number}z"


def _frame(salt: str, *, html: bool) -> tuple[str, str]:
    """The salt is in both: libxml2 writes `<!--` inside an attribute as it is."""
    return (f"<!--{salt}", "-->") if html else (f"{salt}<", ">")


def split_marks(page: str, salt: str, *, html: bool) -> list[tuple[str, str, str]]:
    """A marked page as ("text", what, ""), ("open", name.turn, key) and ("close", "", "")."""
    found: list[tuple[str, str, str]] = []
    position = 0
    start, end = _frame(salt, html=html)
    for mark in re.finditer(rf"{start}(?:o (\w+\.\d+) (\w*)|(c)){end}", page):
        found.append(("text", page[position : mark.start()], ""))
        found.append(("close", "", "") if mark[3] else ("open", mark[1], bytes.fromhex(mark[2]).decode("utf-8", "surrogatepass")))
        position = mark.end()
    found.append(("text", page[position:], ""))
    return [token for token in found if token[0] != "text" or token[1]]
