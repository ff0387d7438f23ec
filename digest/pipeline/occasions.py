"""Events as calendars take them (RFC 5545), and referrals for a job: what comes of them, never who."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta

from icalendar import Calendar, Event
from sqlalchemy import Engine

from digest.db import outcomes
from digest.db.control import Holder
from digest.db.session import write
from digest.domain.edition import EditionPost
from digest.domain.occasion import moment_of
from digest.domain.outcome import Channel, Grade
from digest.domain.prose import caption as unmarked

REFERRAL = "referral"
_HOUR = timedelta(hours=1)  # of an event whose end nobody named


def calendar_file(post: EditionPost, *, host: str, now: datetime) -> bytes | None:
    """The event as one calendar entry with the same UID in every letter, or None for a post that is none."""
    begins = moment_of(post.starts_at)
    if begins is None:
        return None
    ends = moment_of(post.ends_at) or (begins + _HOUR if isinstance(begins, datetime) else None)
    entry = Event()
    entry.add("uid", f"{post.id}@{host}")
    entry.add("dtstamp", now)
    entry.add("dtstart", _universal(begins))
    if ends is not None:
        entry.add("dtend", _universal(ends))
    entry.add("summary", post.title)
    entry.add("description", unmarked(post.why))
    if post.place:
        entry.add("location", post.place)
    if post.url:
        entry.add("url", post.url)
    made = Calendar()
    made.add("prodid", "-//weekly-digest//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add_component(entry)
    return bytes(made.to_ical())


def _universal(moment: datetime | date) -> datetime | date:
    """In UTC, so that no calendar needs to know the event's zone."""
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


def note_referral(engine: Engine, holder: Holder, post: EditionPost, *, control: str, now: datetime) -> bool:
    """Count that a reader referred somebody, once per letter and job, without either name; False when it was counted before."""
    row = {
        "key": _key(control, post),
        "at": now,
        "occurred_at": now,
        "event": REFERRAL,
        "grade": Grade.C,
        "click_id": "",
        "edition_id": holder.edition,
        "post_id": post.id,
        "network": "",
        "channel": Channel.EMPLOYEE,
        "owner": "",
        "visitor_class": "",
        "external_id": "",
        "value_minor": None,
        "currency": "",
        "source": "form",
    }
    with write(engine) as connection:
        return outcomes.put(connection, row)


def take_back_referral(engine: Engine, post: EditionPost, *, control: str) -> bool:
    """Undo that; False when there is none."""
    with write(engine) as connection:
        return outcomes.remove(connection, _key(control, post))


def _key(control: str, post: EditionPost) -> str:
    """Of the letter's secret, so that nobody can tell from a row whose it was."""
    return f"referral:{hashlib.sha256(f'{control}|{post.id}'.encode()).hexdigest()}"
