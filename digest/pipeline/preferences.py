"""What a person allows and wishes, as their own page changes it: one transaction, one audit row, and a receipt where it matters.

Whoever has a letter has its links. So a switch that was turned is always told to its owner, and anything else when no person
seems to have read the form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Engine

from digest.db import capabilities, consents, editions, notices, preferences, privacy, quotas, suppressions
from digest.db.control import Holder
from digest.db.preferences import Wishes
from digest.db.session import read, write
from digest.domain.capability import LIFE, Purpose
from digest.domain.consent import NUMBER, WORDING, How, Said, Switch, before_any_word, believed
from digest.domain.frequency import PAUSE
from digest.domain.notice import Notice, Told
from digest.domain.suppression import SuppressionReason

_MOST_CHANGES = 60  # a day, by anybody who has the letter
_MOST_LINKS = 5  # a day
_QUIETLY = frozenset({"frequency", "pause", "networks"})  # what others could do to somebody without its being seen
_ABOUT = 60  # characters of its column
_KIND = {Purpose.EXPORT: Notice.EXPORT_LINK, Purpose.ERASE: Notice.ERASE_LINK, Purpose.HISTORY: Notice.HISTORY_LINK}
OF_ALL: Final = frozenset({Switch.RECEIVE})  # what the people of a shared mailbox may decide for each other
THEMSELVES: Final = "the person"


class Done(StrEnum):
    """What came of a form of the person's page."""

    CHANGED = "changed"  # it holds now
    SAME = "same"  # it was so already
    ASKED = "asked"  # a machine seems to have allowed something: nothing was switched on, and a link to say yes is mailed
    ENOUGH = "enough"  # so many changes today that this one was not made


@dataclass(frozen=True, kw_only=True)
class By:
    """How a form came."""

    how: str  # for the audit
    machine: bool
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How everything of a person's own stands now."""

    wishes: Wishes
    switches: Mapping[Switch, bool]
    said: tuple[Said, ...]  # the oldest first
    topics: frozenset[str]  # of the last editions
    networks: tuple[tuple[str, str], ...]  # (name, label) that the letter offers


def standing(engine: Engine, holder: Holder, *, opt_in: bool, now: datetime) -> Standing | None:
    """How everything stands; None when the person is gone meanwhile."""
    with read(engine) as connection:
        wishes = preferences.of(connection, holder.employee)
        if wishes is None:
            return None
        said = tuple(consents.said(connection, holder.employee))
        offered = tuple((name, label) for _, name, label in editions.content(connection, holder.edition).networks)
        switches = _switches(connection, holder, wishes, said, opt_in=opt_in, now=now)
        return Standing(wishes=wishes, switches=switches, said=said, topics=preferences.topics_lately(connection), networks=offered)


def _switches(connection: Connection, holder: Holder, wishes: Wishes, said: tuple[Said, ...], *, opt_in: bool, now: datetime) -> dict[Switch, bool]:
    """The row and the list of suppressions hold what counts; the ledger has the rest."""
    found = before_any_word(opt_in=opt_in) | {word.switch: word.value for word in said}
    found[Switch.NAME] = wishes.named or ("named" not in wishes.chosen and editions.names(connection, holder.employee))
    if wishes.measured is not None:
        found[Switch.MEASURE] = wishes.measured
    found[Switch.RECEIVE] = not _stopped(connection, holder.employee, now)
    return found


def _stopped(connection: Connection, employee: int, now: datetime) -> bool:
    known = suppressions.person(connection, employee)
    return known is not None and SuppressionReason.UNSUBSCRIBED in suppressions.held(connection, known[0], now)


def turn(engine: Engine, holder: Holder, switch: Switch, by: By, *, value: bool, opt_in: bool) -> Done:
    """Turn a switch; the receipt goes to the owner, whoever turned it. What a machine would allow waits for the owner's yes."""
    if holder.shared and switch not in OF_ALL:
        return Done.SAME
    with write(engine) as connection:
        wishes = preferences.of(connection, holder.employee, lock=True)
        if wishes is None:
            return Done.SAME
        said = tuple(consents.said(connection, holder.employee))
        touched = any(word.switch is switch for word in said)
        now = _switches(connection, holder, wishes, said, opt_in=opt_in, now=by.now)
        if now[switch] is value and (touched or switch is Switch.RECEIVE):
            return Done.SAME
        if not quotas.take(connection, "choose", holder.employee, by.now, _MOST_CHANGES):
            return Done.ENOUGH
        if switch is Switch.RECEIVE:
            (suppressions.come_back if value else suppressions.leave)(connection, holder.employee, by.now, how=by.how)
        elif believed(switch, value=value, machine=by.machine):
            say(connection, holder.employee, switch, How.MACHINE if by.machine else How.FORM, by, value=value)
        else:
            return _ask_first(connection, holder.employee, switch, by)
    return Done.CHANGED


def say(connection: Connection, employee: int, switch: Switch, how: How, by: By, *, value: bool) -> None:
    """Note a word about a switch, do what follows from it, and tell its owner."""
    consents.record(connection, employee, switch, value=value, wording=WORDING[switch], now=by.now, how=how)
    _note(connection, employee, f"consent.{switch}", f"{'yes' if value else 'no'}; {by.how}", by)
    if switch is Switch.NAME and not value:
        editions.hide_author(connection, employee)
    notices.gather(connection, employee, switch, "on" if value else "off", by.now)


def _ask_first(connection: Connection, employee: int, switch: Switch, by: By) -> Done:
    """Mail the link to switch it on, at most once a day for each switch."""
    number = NUMBER[switch]
    told = Told(path=f"me/once/{Purpose.ALLOW}", purpose=Purpose.ALLOW, subject=number, choices=((switch, "on"),))
    if notices.put(connection, employee, Notice.ALLOW_LINK, by.now, about=f"allow:{switch}", told=told):
        capabilities.make(connection, employee, Purpose.ALLOW, by.now, subject=number)
        _note(connection, employee, f"consent.{switch}", f"asked by mail; {by.how}", by)
    return Done.ASKED


def wish(engine: Engine, holder: Holder, matter: str, values: Mapping[str, Any], by: By) -> Done:
    """Set fields of the person's own row, by their names in `Wishes`; told to the owner where it could pass unseen."""
    with write(engine) as connection:
        before = preferences.of(connection, holder.employee, lock=True)
        if before is None:
            return Done.SAME
        if holder.shared:
            values = {name: value for name, value in values.items() if name != "mastodon"}
        if replace(before, **values) == before and preferences.OF_ROSTER & values.keys() <= before.chosen:
            return Done.SAME
        if not quotas.take(connection, "choose", holder.employee, by.now, _MOST_CHANGES):
            return Done.ENOUGH
        preferences.keep(connection, holder.employee, before, values)
        _note(connection, holder.employee, f"wish.{matter}", by.how, by)
        if by.machine or matter in _QUIETLY:
            notices.gather(connection, holder.employee, matter, "changed", by.now)
    return Done.CHANGED


def pause(engine: Engine, holder: Holder, by: By, *, until: datetime | None = None) -> Done:
    """No letter for four weeks, or until `until`: an undone end of a pause brings it back."""
    return wish(engine, holder, "pause", {"paused_until": until or by.now + PAUSE}, by)


def ask(engine: Engine, holder: Holder, purpose: Purpose, by: By, *, form: str) -> datetime | None:
    """Mail a link that works once to the person's address; until when it works, None when enough were mailed today.

    `form`: tells this form from every other one, so that the same one sent twice mails one link.
    """
    until = by.now + LIFE[purpose]
    told = Told(path=f"me/once/{purpose}", purpose=purpose)
    with write(engine) as connection:
        if not quotas.left(connection, "link", holder.employee, by.now, _MOST_LINKS):
            return None
        if notices.put(connection, holder.employee, _KIND[purpose], by.now, about=form[:_ABOUT], told=told):
            quotas.take(connection, "link", holder.employee, by.now, _MOST_LINKS)
            capabilities.make(connection, holder.employee, purpose, by.now)
            _note(connection, holder.employee, "link.mailed", f"{purpose}; {by.how}", by)
    return until


def _note(connection: Connection, employee: int, what: str, detail: str, by: By) -> None:
    privacy.note(connection, what, f"employee:{employee}", detail, who=THEMSELVES, now=by.now)
