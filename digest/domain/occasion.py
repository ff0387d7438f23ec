"""Events: when they are, and when that is where the reader lives. Jobs: until when, and where a referral goes."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DATE = len("2026-11-24")
# Every offset from UTC that any zone has in summer or winter, in minutes; a zone that invents another one gets the event's own clock alone.
_MINUTES = (
    *range(-720, 841, 60), -570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825,
)  # fmt: skip
OFFSETS = tuple(datetime(2026, 1, 1, tzinfo=timezone(timedelta(minutes=each))).isoformat()[-6:] for each in sorted(_MINUTES))


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


def offsets(iso: str) -> tuple[str, ...]:
    """The offsets whose readers are told their own time of it."""
    moment = moment_of(iso)
    return tuple(offset for offset in OFFSETS if offset != moment.isoformat()[-6:]) if isinstance(moment, datetime) else ()


def at_offset(iso: str, offset: str) -> str:
    """The same moment on the clock of that offset, as ISO 8601."""
    moment = datetime.fromisoformat(iso)
    return moment.astimezone(datetime.fromisoformat(f"2026-01-01T00:00:00{offset}").tzinfo).isoformat()


def is_closed(closes: date | None, day: date) -> bool:
    """True when a job's last day has passed."""
    return closes is not None and day > closes


def leads_to(refer: str) -> str:
    """The address behind where a referral goes: a page, a letter, or "" for words such as "ask Lena in 4.12"."""
    if refer.startswith(("https://", "http://")):
        return refer
    return f"mailto:{refer}" if "@" in refer else ""
