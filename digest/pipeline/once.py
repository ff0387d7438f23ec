"""What the links that work once do: a copy of everything, what was stored of somebody's clicks, being forgotten, and a switch's yes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine

from digest.db import capabilities, people, privacy
from digest.db.capabilities import Capability
from digest.db.session import fold, read, write
from digest.domain.capability import Purpose
from digest.domain.consent import NUMBER, How, Switch
from digest.pipeline import personal, preferences, roster
from digest.pipeline.preferences import THEMSELVES, By

SHOWN: Final = 200  # presses on the page
_ON_PAGE = timedelta(minutes=15)  # how long the button under the history works


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is stored of somebody's clicks."""

    employee: int
    language: str
    count: int
    presses: tuple[dict[str, Any], ...]  # at, title, kind, network, class; the newest first


def peek(engine: Engine, text: str, purpose: Purpose) -> tuple[Capability, str] | None:
    """What a link stands for, and its person's language; None for one that was never mailed."""
    with read(engine) as connection:
        found = capabilities.find(connection, text, purpose)
        person = people.by_ids(connection, [found.employee]).get(found.employee) if found else None
    return (found, person.language) if found and person and person.left_at is None else None


def export(engine: Engine, text: str, *, site_url: str, now: datetime, how: str) -> bytes | None:
    """Use the link up: everything that is held about its person, as JSON. None when it is over."""
    number = _use(engine, text, Purpose.EXPORT, "privacy.export", now, how)
    if number is None:
        return None
    with read(engine) as connection:
        found = personal.of_person(connection, site_url, number)
        found["suppressions"] = privacy.held(connection, str(found["person"]["mailbox"]))
    return json.dumps({"at": now, **found}, ensure_ascii=False, indent=2, default=_plain).encode()


def history(engine: Engine, text: str, *, now: datetime, how: str) -> Seen | None:
    """Use the link up: what is stored of its person's clicks. None when it is over."""
    number = _use(engine, text, Purpose.HISTORY, "privacy.history", now, how)
    return None if number is None else seen(engine, number)


def seen(engine: Engine, number: int) -> Seen:
    """What is stored of somebody's clicks now."""
    with read(engine) as connection:
        person = people.by_ids(connection, [number]).get(number)
        rows = tuple(privacy.presses(connection, number, SHOWN))
        return Seen(employee=number, language=person.language if person else "", count=privacy.pressed(connection, number), presses=rows)


def delete(engine: Engine, text: str, *, now: datetime, how: str, draw: Callable[[], str]) -> Seen | None:
    """Delete what is stored of the clicks of whoever has just looked at it by this link; None when that was too long ago."""
    with write(engine) as connection:
        found = capabilities.find(connection, text, Purpose.HISTORY)
        if found is None or found.used_at is None or now > found.used_at + _ON_PAGE:
            return None
        privacy.let_go(connection, found.employee, draw)
        privacy.note(connection, "privacy.clicks", f"employee:{found.employee}", how, who=THEMSELVES, now=now)
    fold(engine)
    return seen(engine, found.employee)


def allowing(capability: Capability) -> Switch | None:
    """What a link switches on; None for one that is about something else."""
    return next((switch for switch, number in NUMBER.items() if number == capability.subject), None)


def allow(engine: Engine, text: str, *, now: datetime, how: str) -> bool:
    """Use the link up and switch on what it is about; False when it is over."""
    with write(engine) as connection:
        found = capabilities.find(connection, text, Purpose.ALLOW)
        switch = allowing(found) if found else None
        if found is None or switch is None or not capabilities.use(connection, text, Purpose.ALLOW, now):
            return False
        preferences.say(connection, found.employee, switch, How.MAIL_LINK, By(how=f"mail link; {how}", machine=False, now=now), value=True)
    return True


def erase(engine: Engine, text: str, *, now: datetime, how: str, draw: Callable[[], str]) -> bool:
    """Use the link up and forget its person; False when it is over."""
    with write(engine) as connection:
        found = capabilities.find(connection, text, Purpose.ERASE)
        person = people.by_ids(connection, [found.employee]).get(found.employee) if found else None
        if person is None or not capabilities.use(connection, text, Purpose.ERASE, now):
            return False
        privacy.note(connection, "privacy.asked", f"employee:{person.id}", how, who=THEMSELVES, now=now)
        roster.forget(connection, person, now, random=draw, who=THEMSELVES)
    fold(engine)
    return True


def _use(engine: Engine, text: str, purpose: Purpose, what: str, now: datetime, how: str) -> int | None:
    with write(engine) as connection:
        found = capabilities.find(connection, text, purpose)
        if found is None or not capabilities.use(connection, text, purpose, now):
            return None
        privacy.note(connection, what, f"employee:{found.employee}", how, who=THEMSELVES, now=now)
    return found.employee


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
