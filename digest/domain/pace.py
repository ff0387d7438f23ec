"""How fast an edition goes out now, and how long the rest takes; nothing is said that is only hoped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(minutes=5)  # of tries that count
MOST_TRIES: Final = 10_000
_STILL = timedelta(seconds=30)  # without a try for so long nothing is under way
_FEWEST = 10  # tries that make a pace


def remaining(waiting: int, tries: Sequence[datetime], now: datetime) -> timedelta | None:
    """How long `waiting` messages take at the pace of the `tries` (moments of final outcomes, newest first); None: nobody can say."""
    recent = [at for at in tries if now - WINDOW <= at <= now]
    if not waiting or len(recent) < _FEWEST or now - recent[0] > _STILL:
        return None
    return (now - recent[-1]) / len(recent) * waiting
