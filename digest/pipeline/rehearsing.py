"""Rehearsing: the coming edition out of the queue as it is now, as any reader would get it. Nothing is stored, and its links are dead."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import audience, editions
from digest.db.samples import Choice as Made
from digest.db.session import read
from digest.domain.calendar import day_in
from digest.domain.edition import Edition, EditionContent
from digest.domain.employee import Employee
from digest.domain.envelope import Keys, envelope
from digest.domain.message import Pick
from digest.domain.schedule import Timetable
from digest.domain.selection import Selection
from digest.domain.share import Network
from digest.domain.trouble import Trouble, placed
from digest.errors import ConfigError, DigestError, FileProblemsError, TemplateError
from digest.mail import catalogue
from digest.mail.budget import Choice, Meter
from digest.mail.compile import load_compiled
from digest.net.fetch import PUBLIC, Way
from digest.pipeline import fitting, freezing, linting, networks, pictures
from digest.pipeline.edition import upcoming
from digest.pipeline.gathering import Album
from digest.pipeline.linting import Draft, Linted
from digest.pipeline.planning import mix_of
from digest.pipeline.rendering import DEAD_TOKEN, Renderer, compile_languages
from digest.pipeline.schedule import timetable
from digest.pipeline.selection import Selector
from digest.pipeline.templates import site_folder

_CHUNK = 500  # employees between two looks at whether it is still worth while
_NO_KEYS = Keys(control=b"", unsubscribe_id=0, unsubscribe=b"", message_id=b"preview")  # dead tokens need none

Superseded = Callable[[], None]  # raises when somebody has saved something newer


def _go_on() -> None:
    """Nothing newer."""


class Rehearsal:
    """One state of the queue, compiled as its languages are asked for. Threads may use one at the same time."""

    def __init__(self, content: EditionContent, config: Config, known: Iterable[Network], bodies: dict[str, bytes]) -> None:
        self.content = content
        self.config = config
        self._known = tuple(known)
        self._bodies = bodies
        self._made: dict[tuple[str, tuple[int, ...]], tuple[Renderer, Meter]] = {}
        self._turn = threading.Lock()

    def body(self, language: str) -> bytes:
        """The compiled edition in one of the letter's languages. Raises TemplateError."""
        with self._turn:
            if language not in self._bodies:
                self._bodies |= compile_languages(self.content, [language], self._known, site_folder(self.config))
            return self._bodies[language]

    def meter(self, language: str) -> Meter:
        """What measures every letter of that language."""
        return Meter(self.content, load_compiled(self.body(language)))

    def made(self, language: str, picks: Sequence[Pick]) -> tuple[Renderer, Meter]:
        """What fills in and what measures the letter with these posts. Only they are compiled: a post reads the same whatever others there are."""
        key = language, tuple(sorted({pick.n for pick in picks}))
        found = self._made.get(key)
        if found is None:
            few = replace(self.content, posts=tuple(post for post in self.content.posts if post.n in key[1]))
            body = compile_languages(few, [language], self._known, site_folder(self.config))[language]
            sender = self.config.sender
            outside = envelope(sender=sender.sender, reply_to=sender.reply_to, list_name=self.config.site.name)
            renderer = Renderer(self.content, outside, {language: body}, _NO_KEYS, live=False)
            found = self._made[key] = (renderer, Meter(few, load_compiled(body)))
        return found

    def fitted(self, languages: Iterable[str], superseded: Superseded = _go_on) -> Rehearsal:
        """This one, or one that has lost as much as the longest letter in `languages` must lose (see `fitting`)."""
        bodies = {}
        for language in languages:
            superseded()
            bodies[language] = self.body(language)
        if fitting.longest(self.content, bodies, mix_of(self.config)) <= self.config.budget.html_bytes:
            return self
        content, bodies = fitting.fitted(self.content, bodies, self.config, self._known)
        return Rehearsal(content, self.config, self._known, bodies)


@dataclass(frozen=True, kw_only=True)
class Take:
    """A rehearsal and what choosing for one reader needs."""

    rehearsal: Rehearsal
    edition: Edition | None  # already planned
    selector: Selector
    table: Timetable
    notes: tuple[Trouble, ...]  # good to know; nothing of it stops the edition
    at: datetime
    album: Album

    @property
    def content(self) -> EditionContent:
        """The words."""
        return self.rehearsal.content


@dataclass(frozen=True, kw_only=True)
class Example:
    """A reader worth looking at."""

    language: str
    kind: str  # shortest | longest
    person: Employee


@dataclass(frozen=True, kw_only=True)
class Whole:
    """Everybody's letters, measured."""

    linted: Linted
    examples: tuple[Example, ...]
    without: Counter[str]  # reason -> people who get no letter
    readers: int


def rehearse(engine: Engine, config: Config, *, now: datetime, album: Album | None = None) -> tuple[Take | None, tuple[Trouble, ...]]:
    """The coming edition, or why there is none: every problem of the queue, or the first of anything else.

    Reads the database and writes nothing to it. Nothing is compiled yet, nothing is left out for its size, and no picture is asked for that lives
    elsewhere; `whole` does all that. `album` keeps pictures between one rehearsal and the next.
    """
    home = str(config.home)
    try:
        with read(engine) as connection:
            period = upcoming(connection, timetable(connection, config, now.date()), now)
            checked = freezing.checked(connection, config, period)
            if checked.problems:
                return None, tuple(placed(str(problem), home) for problem in checked.problems)
            content, notes = freezing.frozen(connection, config, period, checked.queue)
            found = editions.by_period(connection, period)
            table = timetable(connection, config, day_in(period, config.schedule.day))
        kept = album or Album()
        content, noted = pictures.tried(engine, config, content, now=now, album=kept, way=None)
        rehearsal = Rehearsal(replace(content, browser_token=DEAD_TOKEN), config, networks.known(config), {})
    except DigestError as error:
        return None, troubles(error, home)
    said = (*(placed(str(one), home) for one in checked.warnings), *(Trouble(place="", said=note) for note in (*notes, *noted)))
    return take(rehearsal, found, table, said, now, kept), ()


def take(rehearsal: Rehearsal, found: Edition | None, table: Timetable, notes: tuple[Trouble, ...], now: datetime, album: Album) -> Take:
    """A rehearsal with its own choosing."""
    selector = Selector(rehearsal.content, found.id if found else 0, mix_of(rehearsal.config), now)
    return Take(rehearsal=rehearsal, edition=found, selector=selector, table=table, notes=notes, at=now, album=album)


def _again(first: Take, rehearsal: Rehearsal, said: Iterable[str]) -> Take:
    known = {note.said for note in first.notes}
    notes = tuple(Trouble(place="", said=note) for note in said if note not in known)
    return take(rehearsal, first.edition, first.table, (*first.notes, *notes), first.at, first.album)


def _pictured(engine: Engine, first: Take, way: Way) -> Take:
    """The same with the pictures that live elsewhere; each is asked for as planning does."""
    config = first.rehearsal.config
    content, noted = pictures.tried(engine, config, first.content, now=first.at, album=first.album, way=way)
    if content == first.content and not set(noted) - {note.said for note in first.notes}:
        return first
    return _again(first, first.rehearsal if content == first.content else Rehearsal(content, config, networks.known(config), {}), noted)


def whole(engine: Engine, first: Take, superseded: Superseded = _go_on, way: Way = PUBLIC) -> tuple[Take, Whole]:
    """Every picture, language and reader of a rehearsal. `superseded` is called often and may raise. Raises DigestError."""
    config = first.rehearsal.config
    first = _pictured(engine, first, way)
    with read(engine) as connection:
        readers = audience.readers(connection)
        earlier = linting.earlier_subjects(connection, first.content.period)
        languages = sorted(compile_for(readers))
        fitted = first.rehearsal.fitted(languages, superseded)
        done = first if fitted is first.rehearsal else _again(first, fitted, fitted.content.trimmed)
        people, without = _everybody(connection, done, languages, superseded)
    bodies = {language: fitted.body(language) for language in languages}
    chosen = Counter({made: count for made, (_, count) in people.items()})
    draft = Draft(content=done.content, bodies=bodies, chosen=chosen, planned=False, earlier=earlier, readers=readers)
    superseded()
    examples = tuple(_examples(fitted, people))
    return done, Whole(linted=linting.measured(draft, config), examples=examples, without=without, readers=sum(readers.values()))


def compile_for(readers: Iterable[str]) -> frozenset[str]:
    """The letter's languages that readers of these languages get; English for nobody."""
    return frozenset(map(catalogue.spoken, readers)) or frozenset({catalogue.spoken("")})


def _everybody(
    connection: Connection, done: Take, languages: list[str], superseded: Superseded
) -> tuple[dict[Made, tuple[Employee, int]], Counter[str]]:
    """Each choice with one who gets it and how many do; and how many get nothing, by reason."""
    people: dict[Made, tuple[Employee, int]] = {}
    without: Counter[str] = Counter()
    everybody = done.selector.everybody(connection)
    while chunk := list(islice(everybody, _CHUNK)):
        superseded()
        for person, decision in chunk:
            if isinstance(decision, Selection):
                made = linting.choice_of(done.content, languages, person, decision)
                who, count = people.get(made, (person, 0))
                people[made] = (who, count + 1)
            else:
                without[decision.reason] += 1
    return people, without


def _examples(rehearsal: Rehearsal, people: dict[Made, tuple[Employee, int]]) -> Iterable[Example]:
    """Of each language who gets the longest letter, and who the shortest."""
    for language in sorted({made[0] for made in people}):
        meter = rehearsal.meter(language)
        weights = {made: meter.weight(_as_choice(made)) for made in people if made[0] == language}
        ordered = sorted(weights, key=lambda made: (weights[made], made))
        yield Example(language=language, kind="longest", person=people[ordered[-1]][0])
        if weights[ordered[0]] < weights[ordered[-1]]:
            yield Example(language=language, kind="shortest", person=people[ordered[0]][0])


def _as_choice(made: Made) -> Choice:
    return Choice(picks=tuple(Pick(n=n, because=because) for n, because in made[1]), networks=made[2])


def troubles(error: DigestError, home: str) -> tuple[Trouble, ...]:
    """An error as its editor meets it: every problem with its place, and what to do."""
    if isinstance(error, FileProblemsError | ConfigError):
        return tuple(placed(problem, home, error.hint) for problem in error.problems)
    if isinstance(error, TemplateError):
        return (placed(f"{error.subject}: {error.detail}", home, error.hint or "`digest templates check` finds every problem at once."),)
    said = f"{error.summary}: {error.detail}" if error.detail else error.summary
    return (Trouble(place=str(error.subject).removeprefix(f"{Path(home)}/"), said=said, cure=error.hint),)
