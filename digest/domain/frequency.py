"""How often a person wants the letter, whether this week is their turn, and the hours they may choose from."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from digest.domain.calendar import day_in
from digest.domain.message import SkipReason
from digest.domain.quiet import Quiet

PAUSE: Final = timedelta(weeks=4)
_HALF_HOURS: Final = 48


class Frequency(StrEnum):
    """How often the letter comes."""

    WEEKLY = "weekly"  # every edition
    FORTNIGHTLY = "fortnightly"  # two weeks after the last one at the earliest
    MONTHLY = "monthly"  # four weeks after the last one at the earliest


_EVERY: Final = {Frequency.WEEKLY: 1, Frequency.FORTNIGHTLY: 2, Frequency.MONTHLY: 4}


def weeks_between(earlier: str, later: str) -> int:
    """Whole weeks from one period to another, over the turn of a year too."""
    return (day_in(later, "monday") - day_in(earlier, "monday")).days // 7


def is_turn(frequency: Frequency, last: str | None, period: str) -> bool:
    """Whether the edition of `period` is for this person. `last`: the period of the letter they had before; None: there was none.

    It looks at letters that went out, so a week that never happened costs nobody their turn: the next edition is theirs.
    """
    return last is None or weeks_between(last, period) >= _EVERY[frequency]


def rests(frequency: Frequency, last: str | None, period: str, *, paused_until: datetime | None, due_at: datetime) -> SkipReason | None:
    """Why this person gets no letter of `period` by their own wish; None when they do."""
    if paused_until is not None and due_at < paused_until:
        return SkipReason.PAUSED
    return None if is_turn(frequency, last, period) else SkipReason.NOT_YOUR_WEEK


def hours_on_offer(quiet: Quiet | None) -> tuple[str, ...]:
    """Every half hour of the day that is not quiet, as `07:30`."""
    clocks = [time(hour=half // 2, minute=30 * (half % 2)) for half in range(_HALF_HOURS)]
    return tuple(f"{clock:%H:%M}" for clock in clocks if quiet is None or not quiet.holds(clock))
