"""Linting: the letters of a plan, or of what would be planned, measured against the limits; and fitting an edition into them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import audience, editions, samples
from digest.db.session import read
from digest.domain.calendar import parse_period
from digest.domain.edition import Edition, EditionContent, EditionState
from digest.domain.employee import Employee
from digest.domain.lint import REMEMBERED, Finding, Letter, Limits, check_letter, check_markup, check_subject, subjects_of
from digest.domain.message import Pick
from digest.domain.schedule import coming
from digest.domain.selection import Mix, Selection
from digest.domain.words import nearest
from digest.errors import NoSuchWeekError
from digest.files.problems import Problem
from digest.mail import catalogue
from digest.mail.budget import Choice, Meter
from digest.mail.compile import load_compiled
from digest.pipeline import freezing, ledger, networks, pictures
from digest.pipeline.fitting import fitted, languages_said
from digest.pipeline.gathering import Album
from digest.pipeline.planning import mix_of
from digest.pipeline.schedule import timetable
from digest.pipeline.selection import Selector, letters_of

_WAITING = frozenset({EditionState.DRAFT, EditionState.APPROVED, EditionState.SENDING})


@dataclass(frozen=True, kw_only=True)
class Linted:
    """What was measured and what is to mend."""

    period: str
    planned: bool  # False: what would be planned now
    limits: Limits
    letters: tuple[Letter, ...]
    languages: tuple[str, ...]  # who reads what, one sentence a language
    trimmed: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def stops(self) -> bool:
        """True when a limit is broken."""
        return any(finding.stops for finding in self.findings)

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "edition": self.period,
            "planned": self.planned,
            "limits": asdict(self.limits),
            "letters": [asdict(letter) for letter in self.letters],
            "languages": list(self.languages),
            "left_out": list(self.trimmed),
            "problems": [asdict(finding) for finding in self.findings if finding.stops],
            "advice": [asdict(finding) for finding in self.findings if not finding.stops],
        }

    def sentence(self) -> str:
        """For people."""
        lines = [f"{self.period}, {'as planned' if self.planned else 'as it would be planned now'}", ""]
        lines += [line for letter in self.letters for line in _shown(letter)]
        lines += [*self.languages, *self.trimmed, ""]
        lines += [f"{'Problem' if finding.stops else 'Advice'}: {finding}" for finding in self.findings]
        return "\n".join(lines if self.findings else [*lines, "Nothing to mend."])


def _shown(letter: Letter) -> list[str]:
    parts = ", ".join(f"{name} {size:,}" for name, size in letter.sections.items() if size)
    return [
        f"{letter.language}, {letter.kind} letter"
        + (f" ({letter.people:,} {'person' if letter.people == 1 else 'people'})" if letter.people else ""),
        f"  {letter.posts} posts, {letter.words:,} words, {letter.minutes} min, {letter.links} links, {letter.images} images{_weight(letter)}",
        f"  bytes: HTML {letter.html_bytes:,}, text {letter.text_bytes:,}, message {letter.wire_bytes:,}",
        f"  HTML by part: {parts}",
        f"  subject: {letter.subject}",
        f"  preheader: {letter.preheader}",
        "",
    ]


def _weight(letter: Letter) -> str:
    return f" ({letter.image_bytes:,} bytes)" if letter.image_bytes else ""


def lint(engine: Engine, config: Config, *, now: datetime, period: str | None = None) -> Linted:
    """Measure the edition of `period`, or the one that waits, or the one that would be planned now.

    Raises what planning raises: FileProblemsError for the queue, EditionError, NotFoundError.
    """
    with read(engine) as connection:
        found = _planned(connection, period)
        if found is not None:
            content, bodies = editions.content(connection, found.id), editions.bodies(connection, found.id)
            chosen = samples.choices(connection, found.id)
        else:
            content, bodies, chosen = _would_be(connection, config, _period(connection, config, period, now), now)
        queued = () if found is not None else freezing.checked(connection, config, content.period).warnings
        earlier = earlier_subjects(connection, content.period)
        readers = audience.readers(connection)
        unanswered = [
            Finding(where="ledger", found=said, allowed="an owner from the 29th day on", change="Run `digest ledger assign NUMBER NAME`.")
            for said in ledger.unowned(connection, now)
        ]
        unanswered += [
            Finding(where="ledger", found=said, allowed="the editors' own words", change='Run `digest ledger reword NUMBER "..."`.')
            for said in ledger.unquoted(connection)
        ]
    draft = Draft(content=content, bodies=bodies, chosen=chosen, planned=found is not None, earlier=earlier, readers=readers)
    linted = measured(draft, config)
    left_out = [_left_out(one) for one in queued]
    return replace(linted, findings=(*linted.findings, *unanswered, *left_out))


def _left_out(one: Problem) -> Finding:
    where = f"{one.file}:{one.line}:{one.col}"
    return Finding(where=where, found=one.text, allowed="posts by people on the roster", change="Until then it is in no edition.", stops=False)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An edition to measure, planned or not."""

    content: EditionContent
    bodies: Mapping[str, bytes]
    chosen: Counter[samples.Choice]
    planned: bool
    earlier: Mapping[str, tuple[str, ...]]  # period -> its subjects, newest first
    readers: Mapping[str, int]  # language -> people


def measured(draft: Draft, config: Config) -> Linted:
    """Every letter of `draft` against `[budget]`."""
    content, bodies = draft.content, draft.bodies
    limits = limits_of(config)
    letters = tuple(letter for language in sorted(bodies) for letter in _letters(content, language, bodies[language], draft.chosen, mix_of(config)))
    findings = [*(finding for letter in letters for finding in check_letter(letter, limits)), *check_markup(letters)]
    for subject in sorted({letter.subject for letter in letters}):
        findings += check_subject(subject, draft.earlier, site_name=content.site_name)
    return Linted(
        period=content.period,
        planned=draft.planned,
        limits=limits,
        letters=letters,
        languages=tuple(languages_said(content, draft.readers)),
        trimmed=content.trimmed,
        findings=(*findings, *_words_missing(bodies)),
    )


def _planned(connection: Connection, period: str | None) -> Edition | None:
    found = editions.newest(connection) if period is None else editions.by_period(connection, period)
    if found is None or found.state in {EditionState.PLANNING, EditionState.SKIPPED} or not editions.bodies(connection, found.id):
        return None
    return found if period is not None or found.state in _WAITING else None


def _period(connection: Connection, config: Config, period: str | None, now: datetime) -> str:
    if period is None:
        return coming(now, timetable(connection, config, now.date())).period
    try:
        parse_period(period)
    except ValueError:
        raise NoSuchWeekError(period, hint="Write it like 2026-W48.") from None
    return period


def _would_be(connection: Connection, config: Config, period: str, now: datetime) -> tuple[EditionContent, dict[str, bytes], Counter[samples.Choice]]:
    """What planning would freeze, compile and choose now; nothing is stored."""
    frozen, _ = freezing.freeze(connection, config, period)
    frozen, _ = pictures.tried(connection.engine, config, frozen, now=now, album=Album())
    content, bodies = fitted(frozen, audience.languages(connection), config, networks.known(config))
    found = Counter[samples.Choice]()
    for person, decision in Selector(content, 0, mix_of(config)).everybody(connection):
        if isinstance(decision, Selection):
            found[choice_of(content, sorted(bodies), person, decision)] += 1
    return content, bodies, found


def choice_of(content: EditionContent, languages: Iterable[str], person: Employee, decision: Selection) -> samples.Choice:
    """What this person's letter is made of, as everybody's who has the same."""
    picks = tuple((pick.n, pick.because) for pick in decision.picks)
    return nearest(person.language, languages), picks, letters_of(content, person)


def _letters(content: EditionContent, language: str, body: bytes, chosen: Counter[samples.Choice], mix: Mix) -> list[Letter]:
    """The shortest, the typical and the longest letter in one language; without readers the longest there can be."""
    meter = Meter(content, load_compiled(body))
    mine = [_choice(picks, letters, people) for (spoken, picks, letters), people in chosen.items() if spoken == language]
    if not mine:
        return [meter.letter(meter.worst(posts=mix.posts, curated=mix.curated, inside=mix.inside), "longest")]
    ordered = sorted(mine, key=lambda choice: (meter.weight(choice), [(pick.n, pick.because) for pick in choice.picks], choice.networks))
    middle, passed = sum(choice.people for choice in ordered) / 2, 0
    typical = ordered[-1]
    for choice in ordered:
        passed += choice.people
        if passed >= middle:
            typical = choice
            break
    three = {"shortest": ordered[0], "typical": typical, "longest": ordered[-1]}
    return [meter.letter(choice, kind) for kind, choice in three.items() if kind == "typical" or choice != typical]


def _choice(picks: Iterable[tuple[int, str]], letters: str, count: int) -> Choice:
    return Choice(picks=tuple(Pick(n=n, because=because) for n, because in picks), networks=letters[:2], people=count)


def earlier_subjects(connection: Connection, period: str) -> dict[str, tuple[str, ...]]:
    """The subjects of the editions before `period`, newest first."""
    before = [found for found in editions.every(connection) if found.period < period and editions.bodies(connection, found.id)]
    contents = [editions.content(connection, found.id) for found in sorted(before, key=lambda found: found.period, reverse=True)[:REMEMBERED]]
    return {content.period: subjects_of(content.subject, [post.title for post in content.posts]) for content in contents}


def _words_missing(bodies: Iterable[str]) -> list[Finding]:
    """What our own catalogues lack in the languages of this edition; it is said in English meanwhile."""
    ours = [(folder, language) for language in bodies if language != "en" for folder in catalogue.FOLDERS]
    return [_gap(folder, gap) for folder, language in ours for gap in catalogue.gaps(language, folder)]


def _gap(folder: Path, gap: str) -> Finding:
    change = "It is said in English until somebody translates it: scripts/words lists what is left."
    return Finding(where=f"{folder.parent.name}/words", found=gap, allowed="every message in every language", change=change, stops=False)


def limits_of(config: Config) -> Limits:
    """`[budget]` as the rules take it."""
    budget = config.budget
    return Limits(
        words_from=budget.words_from,
        words_to=budget.words_to,
        posts_from=budget.posts_from,
        posts_to=budget.posts_to,
        links=budget.links,
        html_bytes=budget.html_bytes,
    )
