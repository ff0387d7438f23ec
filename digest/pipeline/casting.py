"""Casting: one reader of a rehearsal, real or made up, and the letter that they would get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from digest.config import Config
from digest.db import history, people, suppressions
from digest.db.session import read
from digest.domain.employee import Employee, EmployeeId
from digest.domain.frequency import Frequency, rests
from digest.domain.lint import Finding, Letter, check_letter
from digest.domain.message import Message, MessageId, SkipReason
from digest.domain.schedule import Due, Place, due
from digest.domain.selection import Selection, Skip
from digest.mail import catalogue
from digest.mail.budget import Choice
from digest.pipeline.linting import limits_of
from digest.pipeline.rehearsing import Take
from digest.pipeline.rendering import DEAD_TOKEN
from digest.pipeline.selection import letters_of

MADE_UP = "made-up"  # how the reader that nobody is is asked for
_FOUND = 12  # people that a search lists
_WHY_NOT = {
    SkipReason.NOTHING_FOR_YOU: "no post of the edition is for them",
    SkipReason.PAUSED: "they paused it",
    SkipReason.NOT_YOUR_WEEK: "they want it every second or fourth week, and this is not theirs",
    SkipReason.HOLIDAY: "it is a holiday where they live",
    SkipReason.SEEN_ENOUGH: "they had every fitting post often enough, or shared it",
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One reader's letter."""

    person: Employee
    language: str
    subject: str
    sender: str
    html: str
    text: str
    measured: Letter
    findings: tuple[Finding, ...]
    due: Due
    why_not: str  # why it would not be sent; "" when it would


def made_up(config: Config) -> Employee:
    """Somebody to read the letter while nobody is on the roster: a newcomer who follows nothing."""
    return Employee(id=EmployeeId(0), address="reader@example.com", name="Robin Reader", language="en", zone=config.site.timezone)


@dataclass(frozen=True, kw_only=True)
class Cast:
    """A reader with their letter, or with the reason why there is none."""

    person: Employee
    missing: str  # that somebody else was asked for
    shown: Shown | str


def cast(engine: Engine, take: Take, *, reader: str, language: str, now: datetime) -> Cast:
    """The reader that was asked for, and what they would get. `language`: of the letter, "" for their own. Raises DigestError."""
    person, missing = find(engine, take.rehearsal.config, reader)
    spoken = language if language in catalogue.languages() else catalogue.spoken(person.language)
    return Cast(person=person, missing=missing, shown=letter(engine, take, person, language=spoken, now=now))


def find(engine: Engine, config: Config, asked: str) -> tuple[Employee, str]:
    """The reader that was asked for: an address, MADE_UP, or "" for the first on the roster; and a sentence when there is no such."""
    with read(engine) as connection:
        first = next(people.stream(connection, chunk=1), None)
        found = people.by_address(connection, asked) if asked and asked != MADE_UP else None
    if found is not None and found.left_at is None:
        return found, ""
    said = f"Nobody on the roster has the address {asked}." if asked and asked != MADE_UP else ""
    return (first if first is not None and asked != MADE_UP else made_up(config)), said


def search(engine: Engine, text: str) -> list[Employee]:
    """People whose name or address has every word of `text` in it."""
    words = text.split()
    if not words:
        return []
    with read(engine) as connection:
        return people.search(connection, words, _FOUND)


def letter(engine: Engine, take: Take, person: Employee, *, language: str, now: datetime) -> Shown | str:
    """What `person` would get, in the letter's `language`; or why they get nothing. Raises TemplateError."""
    with read(engine) as connection:
        decision: Selection | Skip = take.selector.select(connection, [person])[0]
        held = suppressions.reasons(connection, [person.address], now).get(person.address, "")
        had = history.last_periods(connection, [person.id], before=take.content.period).get(person.id)
    if isinstance(decision, Skip):
        return _WHY_NOT.get(decision.reason, str(decision.reason))
    renderer, meter = take.rehearsal.made(language, decision.picks)
    networks = letters_of(take.content, person) if decision.asks else ""
    when = due(take.content.period, take.table, Place(person.zone, person.country, person.hour))
    wish = rests(Frequency(person.frequency), had, take.content.period, paused_until=person.paused_until, due_at=when.at)
    wish = wish or (SkipReason.HOLIDAY if when.holiday else None)
    seen = renderer.preview(_message(take, person, decision, language, networks, when))
    measured = meter.letter(Choice(picks=decision.picks, networks=networks), "typical")
    headers = dict(seen["headers"])
    return Shown(
        person=person,
        language=language,
        subject=headers["Subject"],
        sender=headers["From"].partition(" <")[0].strip('"'),
        html=seen["html"],
        text=seen["text"],
        measured=measured,
        findings=tuple(check_letter(measured, limits_of(take.rehearsal.config))),
        due=when,
        why_not=f"their address gets no letters: {held}" if held else _WHY_NOT.get(wish, "") if wish else "",
    )


def _message(take: Take, person: Employee, decision: Selection, language: str, networks: str, when: Due) -> Message:
    return Message(
        id=MessageId(0),
        edition=0,
        period=take.content.period,
        employee=EmployeeId(person.id),
        address=person.address,
        name="" if person.shared else person.name,
        zone=person.zone,
        language=language,
        picks=decision.picks,
        spares=(),
        networks=tuple(networks),
        share_token=DEAD_TOKEN,
        due_at=when.at,
        attempts=0,
        dated_at=when.at,
    )
