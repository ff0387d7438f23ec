"""What the author of a contribution is told, each in the same transaction as what it tells of."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.db import capabilities, notices, people
from digest.domain.capability import Purpose
from digest.domain.contribution import Contribution, ContributionState, Edit
from digest.domain.moderation import Rules
from digest.domain.notice import Notice, Told
from digest.domain.words import Words as Say
from digest.mail import catalogue

CONFIRM, AGREE = "give/yes", "agree"  # paths of the pages behind links that work once
_QUOTED = 1500  # characters of somebody's words in a letter about them; the page has all


def held(connection: Connection, one: Contribution, now: datetime) -> None:
    """A draft is kept, or somebody had the letter and sent a post: the link that goes on with it."""
    kind = Notice.KEPT_DRAFT if one.state is ContributionState.DRAFT else Notice.GIVEN
    quotes = (("", _cut(one.words.why)),) if one.words.why else ()  # a draft may be a link alone
    _tell(connection, one, kind, now, Told(quotes=quotes, purpose=Purpose.CONFIRM, path=CONFIRM))


def promised(connection: Connection, one: Contribution, now: datetime, zone: ZoneInfo) -> None:
    """It is proposed, and by when it is decided; with the way to take it back."""
    day = "" if one.decide_by is None else _say(connection, one).day(one.decide_by.astimezone(zone).date(), "date_long")
    _tell(connection, one, Notice.PROMISED, now, Told(values={"until": day}, purpose=Purpose.AGREE, path=AGREE))


def to_decide(connection: Connection, one: Contribution, rules: Rules, now: datetime) -> None:
    """Those who decide are told that it waits for them, and until when; whose it is stands in the command's answer alone."""
    for address in rules.deciders:
        somebody = people.by_address(connection, address)
        if somebody is not None and one.decide_by is not None:
            day = catalogue.words(somebody.language).day(one.decide_by.astimezone(rules.zone).date(), "date_long")
            values = {"title": one.words.title, "until": day, "number": str(one.id)}
            notices.put(connection, somebody.id, Notice.TO_DECIDE, now, about=f"contribution:{one.id}:{one.version}", told=Told(values=values))


def taken(connection: Connection, one: Contribution, now: datetime) -> None:
    """It is accepted; with the way to take it back."""
    _tell(connection, one, Notice.TAKEN, now, Told(purpose=Purpose.AGREE, path=AGREE))


def not_taken(connection: Connection, one: Contribution, now: datetime) -> None:
    """It is declined, and why."""
    _tell(connection, one, Notice.NOT_TAKEN, now, Told(quotes=(("", one.reason),)))


def changed(connection: Connection, one: Contribution, edit: Edit, now: datetime) -> None:
    """Somebody changed it: what, for which reason, and the link that says yes or no."""
    say = _say(connection, one)
    lines = tuple((f"field_{name}", difference(said(say, name, edit.before.get(name)), said(say, name, edit.after[name]))) for name in edit.after)
    note = (("their_note", edit.note),) if edit.note else ()
    values = {"reason": say(f"reason_{edit.reason}")}
    _tell(connection, one, Notice.CHANGED, now, Told(values=values, quotes=(*lines, *note), purpose=Purpose.AGREE, path=AGREE))


def caused(connection: Connection, one: Contribution, lines: Sequence[tuple[str, str]], now: datetime) -> None:
    """Two weeks after its edition: what it led to."""
    _tell(connection, one, Notice.AFTERLIFE, now, Told(quotes=tuple(lines)))


def trusted(connection: Connection, employee: int, now: datetime, *, reason: str, given: bool) -> None:
    """The right to go without review was given, or taken back; each time they are told."""
    quotes = (("", reason),) if reason else ()
    kind = Notice.TRUSTED if given else Notice.NOT_TRUSTED
    notices.put(connection, employee, kind, now, about=now.isoformat()[:19], told=Told(quotes=quotes))


def difference(before: str, after: str) -> str:
    """A field's lines for people: what stayed as it is, what is gone behind a minus, what is new behind a plus."""
    old, new = before.split("\n"), after.split("\n")
    lines: list[str] = []
    for deed, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if deed == "equal":
            lines += old[a:b]
        else:
            lines += [f"\N{MINUS SIGN} {line}" for line in old[a:b] if line]
            lines += [f"+ {line}" for line in new[c:d] if line]
    return "\n".join(lines)


def said(say: Say, name: str, value: object) -> str:
    """A field's value as its author reads it."""
    if name in {"visibility", "kind"} and value:
        return say(f"{name}_{value}")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _tell(connection: Connection, one: Contribution, kind: Notice, now: datetime, told: Told) -> None:
    """`told` with the post's title, and a link that works once where it has a purpose."""
    if one.employee is None:
        return
    subject = one.id if told.purpose else None
    told = replace(told, values={"title": one.words.title or one.words.url, **told.values}, subject=subject)
    new = notices.put(connection, one.employee, kind, now, about=f"contribution:{one.id}:{one.version}", told=told)
    if new and told.purpose is not None:
        capabilities.make(connection, one.employee, told.purpose, now, subject=subject)


def _say(connection: Connection, one: Contribution) -> Say:
    author: Any = people.by_ids(connection, [one.employee or 0]).get(one.employee or 0)
    return catalogue.words(author.language if author else one.language)


def _cut(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED].rstrip()}…"
