"""Events: when they are, and when that is where the reader lives."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DATE = len("2026-11-24")


def moment_of(iso: str) -> datetime | date | None:
    """An aware moment, a date when no hour is named, or None for anything else."""
    try:
        if len(iso) == _DATE:
            return date.fromisoformat(iso)
        found = datetime.fromisoformat(iso)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def is_after(first: str, last: str) -> bool:
    """True when `last` is later than `first`; both are ISO 8601."""
    begins, ends = moment_of(first), moment_of(last)
    if isinstance(begins, datetime) and isinstance(ends, datetime):
        return ends > begins
    return begins is not None and ends is not None and last > first


@lru_cache(maxsize=4096)
def elsewhere(iso: str, zone: str) -> str:
    """The offset from UTC that `zone` has at that moment, "+05:30", or "" when the event's own clock says the same.

    Readers of one offset see one time, so a letter needs as many variants as there are offsets, and not as many as there are zones.
    """
    moment = moment_of(iso)
    if not isinstance(moment, datetime):
        return ""
    try:
        there = moment.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OverflowError):
        return ""
    return "" if there.utcoffset() == moment.utcoffset() else there.isoformat()[-6:]
