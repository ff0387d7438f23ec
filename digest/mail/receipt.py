"""What a letter tells its reader of their own week: which of the compiled variants, and the numbers in them.

Numbers are slots and their plural forms are variants, so that people with the same forms share one joined letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from digest.domain.tally import Tally
from digest.domain.words import Words, plural_forms
from digest.mail.qp import encode_value

RECEIPTS: Final = ("nothing", "presses", "shares", "both")
SLOTS: Final = ("presses", "shares", "week_read", "week_shared", "week_visits", "week_outcomes")
GROUPS: Final = ("receipt", "presses", "shares", "own_week", "week_read", "week_shared", "week_visits", "week_outcomes")


@dataclass(frozen=True, kw_only=True)
class Told:
    """One tally in one language."""

    choices: Mapping[str, tuple[str, ...]]  # group -> the variant
    texts: Mapping[str, str]  # slot -> its number as readers write it
    octets: Mapping[str, bytes]  # the same on the wire
    key: tuple[tuple[str, ...], ...]  # the variants alone


@lru_cache(maxsize=4096)
def told(language: str, tally: Tally | None) -> Told:
    """The variants and numbers for a reader of `language`; None tells nothing."""
    if tally is None:
        return Told(choices={}, texts={}, octets={}, key=())
    say = Words(language=language, phrases={})
    kind = RECEIPTS[(1 if tally.presses else 0) + (2 if tally.shares else 0)]
    counts = {"presses": tally.presses, "shares": tally.shares, "week_read": tally.read, "week_shared": tally.shared}
    counts |= {"week_visits": tally.perhaps, "week_outcomes": tally.outcomes}
    choices = {name: (say.form(count),) if count else () for name, count in counts.items()}
    texts = {name: say.whole(count) for name, count in counts.items()}
    if tally.visits != tally.perhaps:
        texts["week_visits"] = say.figure(f"{say.whole(tally.visits)}\N{EN DASH}{say.whole(tally.perhaps)}")
        choices["week_visits"] = (plural_forms(language)[-1],)  # the form that says its number in every language
    choices |= {"receipt": (kind,), "own_week": ("on",) if tally.says_something else ()}
    octets = {name: encode_value(text) for name, text in texts.items()}
    return Told(choices=choices, texts=texts, octets=octets, key=tuple(choices[name] for name in GROUPS))
