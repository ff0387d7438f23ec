"""When to try a message again, and when to stop trying."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from digest.domain.clock import utc
from digest.domain.phase import Kind, Outcome

_FIRST = timedelta(minutes=5)  # greylisting opens its door after about five minutes
_GROWTH = 1.6
_LONGEST = timedelta(hours=4)
_SPREAD = 0.2  # a fifth to either side, so that a crowd does not come back at once
_ASKED = re.compile(r"(?:again|retry|later)\D{0,40}?\bin\s+(\d{1,5})\s*(s|sec\w*|m|min\w*|h|hours?)\b", re.IGNORECASE)
_UNITS = {"s": 1, "m": 60, "h": 3600}


def next_attempt(attempts: int, outcome: Outcome, deadline: datetime, now: datetime, jitter: float) -> datetime | None:
    """When to try again, or None to give up: refused for good, or later than `deadline`.

    `attempts`: tries so far, from 1. `jitter`: 0 to 1, thrown by the caller. A server's own "try again in N seconds" wins
    over the curve. 4yz may pass, 5yz will not (RFC 5321, 4.2.1).
    """
    if outcome.kind is Kind.PERMANENT:
        return None
    again = utc(now) + (asked_wait(outcome.text) or wait(attempts) * (1 - _SPREAD + 2 * _SPREAD * jitter))
    return again if again <= utc(deadline) else None


def wait(attempts: int) -> timedelta:
    """The curve: 5 minutes, 8, 13, 20 ... 4 hours."""
    steps = min(max(attempts, 1) - 1, 20)
    return min(_FIRST * _GROWTH**steps, _LONGEST)


def asked_wait(text: str) -> timedelta | None:
    """How long the server asked us to wait ("try again in 300 seconds"), or None."""
    found = _ASKED.search(text)
    if not found or found.group(1).strip("0") == "":
        return None
    return timedelta(seconds=int(found.group(1)) * _UNITS[found.group(2)[0].lower()])
