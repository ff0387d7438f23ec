"""Moments and counts as people say them; all moments are UTC."""

from __future__ import annotations

from datetime import datetime, timedelta

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def moment(at: datetime, now: datetime) -> str:
    """`09:15 UTC`, with its date when that is another day than today's."""
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M} UTC"


def span(length: timedelta) -> str:
    """The size of a span in its largest fitting unit: `45 seconds`, `2 minutes`, `3 hours`, `2 days`."""
    seconds = max(1, round(length.total_seconds()))
    if seconds < 1.5 * _MINUTE:
        return counted(seconds, "second")
    if seconds < 2 * _HOUR:
        return counted(round(seconds / _MINUTE), "minute")
    if seconds < 2 * _DAY:
        return counted(round(seconds / _HOUR), "hour")
    return counted(round(seconds / _DAY), "day")


def counted(count: int, word: str) -> str:
    """`1 second`, `2 seconds`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
