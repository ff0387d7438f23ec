"""What one person's last week left behind and what came of it: the figures of the letter that only they see."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Final

WEEK: Final = timedelta(days=7)  # before the letter is planned


@dataclass(frozen=True)
class Tally:
    """Counts of one week, in this order in the database."""

    presses: int = 0  # stored presses of links to read, by anything
    shares: int = 0  # stored presses of links to share, by anything
    read: int = 0  # posts that a person seems to have read
    shared: int = 0  # posts whose share link a person seems to have opened
    visits: int = 0  # visitors of their short links, surely people
    perhaps: int = 0  # surely and probably people
    outcomes: int = 0  # that other systems reported of those visitors

    def written(self) -> str:
        """As the message's row keeps it."""
        return " ".join(map(str, _FIGURES(self)))

    @property
    def says_something(self) -> bool:
        """Whether there is anything to tell but what is stored."""
        return any((self.read, self.shared, self.perhaps, self.outcomes))


_FIGURES = attrgetter(*(field.name for field in fields(Tally)))  # one is written for each message of an edition


@lru_cache(maxsize=4096)
def read_tally(text: str) -> Tally | None:
    """What `written` made; None for "", which says nothing."""
    return Tally(*map(int, text.split(" "))) if text else None
