"""The edition: open a period, freeze its words, plan a row for every employee, hash, approve.

Planning writes short transactions and can be killed at any moment: the next call resumes behind the last committed
employee. Only the last transaction, which has checked the counts, makes the edition a draft.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import audience, editions, keys, overdue, people, standing
from digest.db.session import read, write, yield_to_others
from digest.domain.calendar import day_in, following, parse_period
from digest.domain.edition import Edition, EditionState
from digest.domain.envelope import envelope
from digest.domain.message import SkipReason
from digest.domain.schedule import Hours, Timetable, coming, is_over, missed, to_plan, window
from digest.errors import DigestError, EditionError, NoSuchWeekError, NotFoundError
from digest.pipeline import collector, explaining, fitting, freezing, ledger, networks, pictures, quality, queue
from digest.pipeline.planning import Planner, edition_hash
from digest.pipeline.schedule import hours, timetable

CHUNK = 500  # employees a transaction; about ten milliseconds of writing on SQLite
_BUSY = frozenset({EditionState.SENDING, EditionState.CLOSED, EditionState.CANCELLED, EditionState.SKIPPED})

Progress = Callable[[int, int], None]  # done, all
Stop = Callable[[], bool]


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What planning did: the draft, and what the editor should know."""

    edition: Edition
    warnings: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()  # who reads it in which language, and why
    rules: tuple[str, ...] = ()  # what each rule of the mix did


def find(connection: Connection, period: str | None) -> Edition:
    """The edition of `period`, or the newest one. Raises EditionError, NoSuchWeekError or NotFoundError with what to type."""
    found = editions.newest(connection) if period is None else editions.by_period(connection, period)
    if found is None:
        raise _no_edition(connection, period)
    return found


def _no_edition(connection: Connection, period: str | None) -> DigestError:
    if period is None:
        return EditionError("edition", "there is none yet", hint="Run `digest edition plan`.")
    try:
        parse_period(period)
    except ValueError:
        return NoSuchWeekError(period, hint="Write it like 2026-W48.")
    newest = editions.newest(connection)
    hint = (
        "Run `digest edition plan`."
        if newest is None
        else f"The newest one is {newest.period}: `digest edition status`. `digest edition plan --edition {period}` makes this one, if it is to come."
    )
    return NotFoundError(period, "there is no edition of this week", hint=hint)


def plan(engine: Engine, config: Config, *, now: datetime, period: str | None = None, progress: Progress | None = None) -> Planned:
    """Plan `period` (default: the one under way or coming) from the queue and the roster as they are now.

    Planning again throws the earlier plan and its approval away, until the first message was claimed.
    Raises FileProblemsError for the queue, EditionError when there is nobody to write to or nothing to say.
    """
    with read(engine) as connection:
        chosen = _choose(connection, config, period, now)
    warnings, _ = _begin(engine, config, chosen, now, again=True)
    planned = resume(engine, config, chosen, now=now, progress=progress)
    with read(engine) as connection:
        content = editions.content(connection, planned.id)
        languages = tuple(fitting.languages_said(content, audience.readers(connection)))
        said = explaining.rules(connection, config, planned, content)
    return Planned(edition=planned, warnings=warnings, languages=languages, rules=said)


def _begin(engine: Engine, config: Config, period: str, now: datetime, *, again: bool) -> tuple[tuple[str, ...], bool]:
    """Freeze the words in one transaction; False at the end when the edition exists and must not be planned `again`."""
    with read(engine) as connection:
        content, warnings = freezing.freeze(connection, config, period)
        quality.enough(content, config)
        languages = audience.languages(connection)
    content, noted = pictures.placed(engine, config, content, now=now)
    content, compiled = fitting.fitted(content, languages, config, networks.known(config))  # the slow part, before the transaction
    warnings = (*warnings, *noted, *content.trimmed)
    outside = envelope(sender=config.sender.sender, reply_to=config.sender.reply_to, list_name=config.site.name)
    with write(engine) as connection:
        keys.ensure_keys(connection, secrets.token_bytes, now)
        found, opened = editions.open_once(connection, period, now)
        if not opened and not again and not _reopens(found):
            return warnings, False
        if found.state in _BUSY and not _reopens(found):
            raise EditionError(period, f"it is {found.state} already, so it cannot be planned again", hint=_later(found.state))
        queue.store_posts(connection, content, now)
        editions.begin_plan(connection, found.id, content, asdict(outside))
        editions.put_bodies(connection, found.id, compiled)
    return warnings, True


def resume(engine: Engine, config: Config, period: str, *, now: datetime, progress: Progress | None = None, stop: Stop = _never) -> Edition:
    """Carry on a plan whose words are frozen, behind the last committed employee, and finish it unless `stop` says so before.

    Two at once take turns; one whose plan was thrown away meanwhile stops.
    """
    with read(engine) as connection:
        found = find(connection, period)
        planner = Planner(connection, found.id, config, timetable(connection, config, day_in(period, config.schedule.day)), now)
        total, done = audience.size(connection), 0
    with collector.seldom():
        while not stop():
            with write(engine) as connection:
                after = editions.planned_through(connection, found.id, planner.plan)
                chunk = [] if after is None else list(islice(people.stream(connection, after=after, chunk=CHUNK), CHUNK))
                if chunk:
                    editions.put_messages(connection, found.id, *planner.rows(connection, chunk), through=chunk[-1].id)
            if not chunk:
                return _finished(engine, found, planner.plan, now)
            done += len(chunk)
            if progress:
                progress(done, total)
            yield_to_others(engine)
    return found


def _finished(engine: Engine, found: Edition, mine: str, now: datetime) -> Edition:
    with read(engine) as connection:
        digest = edition_hash(connection, found.id)
    with write(engine) as connection:
        through = editions.planned_through(connection, found.id, mine)
        if through is not None and not audience.joined_after(connection, through):  # else the next tick takes them in
            total = sum(standing.counts(connection, found.id).values())
            editions.finish_plan(connection, found.id, digest=digest, audience=total, now=now)
        return editions.by_id(connection, found.id)


def _choose(connection: Connection, config: Config, period: str | None, now: datetime) -> str:
    table = timetable(connection, config, now.date())
    if not table.places:
        raise EditionError("roster", "nobody is on it, so there is nobody to write to", hint="Run `digest roster import FILE.csv`.")
    if period is None:
        return upcoming(connection, table, now)
    try:
        parse_period(period)
    except ValueError:
        raise NoSuchWeekError(period, hint="Write it like 2026-W48.") from None
    table = timetable(connection, config, day_in(period, config.schedule.day))
    if is_over(window(period, table).last, table.hours, now):
        raise EditionError(period, "that week is over", hint="Run `digest edition plan` for the coming one.")
    return period


def upcoming(connection: Connection, table: Timetable, now: datetime) -> str:
    """The period that planning means when nobody names one."""
    newest, next_up = editions.newest(connection), coming(now, table).period
    if newest is None or newest.period < next_up or _reopens(newest):
        return next_up
    return following(newest.period) if newest.state in _BUSY else newest.period


def _reopens(found: Edition) -> bool:
    """True for a week that was found missed or too thin. If its hours are to come after all, nothing of it was sent."""
    return found.state is EditionState.SKIPPED and found.reason in {SkipReason.MISSED, SkipReason.TOO_FEW}


def _later(state: EditionState) -> str:
    if state is EditionState.SENDING:
        return "Stop it with `digest edition pause` or `digest edition cancel`."
    return "Run `digest edition plan` after its week for the next one."


def approve(engine: Engine, config: Config | None = None, *, now: datetime, who: str, period: str | None = None) -> str:
    """Let an edition go out at its hours; a sentence for the editor. Raises EditionError when it is not a draft or, by `config`, too late."""
    with write(engine) as connection:
        found = find(connection, period)
        if found.state in {EditionState.APPROVED, EditionState.SENDING, EditionState.CLOSED}:
            return f"{found.period} is {found.state} already; nothing to approve."
        if found.state is EditionState.DRAFT and config is not None and _is_missed(found, hours(config), now):
            detail = f"its last letters were due {found.due_until:%Y-%m-%d %H:%M} UTC, and it is too late for them"
            raise EditionError(found.period, detail, hint="The next `digest tick` records it as skipped: missed; its posts move on to the next week.")
        if not editions.move(connection, found.id, EditionState.APPROVED, now=now, who=who):
            raise EditionError(found.period, f"it is {found.state}, so it cannot be approved", hint=_instead(found.state))
        ledger.note_printed(connection, found.id)
    if found.due_from is not None and found.due_from <= now:
        which = "All of it is" if found.due_until is not None and found.due_until <= now else "The first messages are"
        return f"{found.period} is approved. {which} already due: the next `digest tick` sends what is not too late."
    return f"{found.period} is approved. The first messages are due {found.due_from:%A %d %B %Y %H:%M} UTC."


def _instead(state: EditionState) -> str:
    """What to do when an edition cannot be approved."""
    if state is EditionState.PLANNING:
        return "Its plan is not whole yet; the next `digest tick` carries on. Then approve."
    return "That is for good; `digest edition plan` makes the next one."


def open_due(engine: Engine, config: Config, *, now: datetime, stop: Stop = _never) -> list[str]:
    """What the clock does to editions: finish interrupted plans, plan what is due, approve, name what was missed.

    An edition that cannot be planned keeps no other from being approved; its error is raised last. A plan that `stop` ends is carried
    on by the next call.
    """
    with read(engine) as connection:
        table = timetable(connection, config, now.date())
        unfinished = editions.in_states(connection, EditionState.PLANNING)
        known = editions.every(connection)
    said = [_carried_on(engine, config, edition.period, now, stop) for edition in unfinished]
    try:
        said += _plan_due(engine, config, table, known, now, stop) if table.places else []
    finally:
        settled = _settle(engine, config, now)
    return said + settled


def _carried_on(engine: Engine, config: Config, period: str, now: datetime, stop: Stop, *, begun: bool = False) -> str:
    """Plan what is left; `begun`: by this very call."""
    if resume(engine, config, period, now=now, stop=stop).state is EditionState.PLANNING:
        return f"{period}: planning was interrupted; the next run carries on."
    return f"{period} is planned." if begun else f"{period}: planning was interrupted and is finished now."


def _plan_due(engine: Engine, config: Config, table: Timetable, known: list[Edition], now: datetime, stop: Stop) -> list[str]:
    said = _name_missed(engine, missed(now, table, {edition.period for edition in known}), now)
    there = {edition.period for edition in known if not _reopens(edition)}
    oldest = min((edition.period for edition in known), default="")  # a clock set back must not bring weeks before the first one
    for period in to_plan(now, table):
        if period in there or period < oldest:
            continue
        try:
            if not stop() and _begin(engine, config, period, now, again=False)[1]:
                said.append(_carried_on(engine, config, period, now, stop, begun=True))
        except quality.TooFewError as few:
            said += quality.skip(engine, period, few, now)
    return said


def _name_missed(engine: Engine, periods: list[str], now: datetime) -> list[str]:
    for period in periods:
        with write(engine) as connection:
            found, opened = editions.open_once(connection, period, now)
            if opened:
                editions.move(connection, found.id, EditionState.SKIPPED, now=now, reason=SkipReason.MISSED)
    return [f"{period} never started; it is recorded as skipped: missed." for period in periods]


def _settle(engine: Engine, config: Config, now: datetime) -> list[str]:
    """Approve drafts where nobody needs to, and give up what is too late: the whole edition, or the letters of some zones."""
    said: list[str] = []
    with write(engine) as connection:
        for edition in editions.in_states(connection, EditionState.DRAFT, EditionState.APPROVED):
            automatic = (
                edition.state is EditionState.DRAFT and config.schedule.approval == "automatic" and not _is_missed(edition, hours(config), now)
            )
            if automatic and editions.move(connection, edition.id, EditionState.APPROVED, now=now, who="schedule"):
                ledger.note_printed(connection, edition.id)
                said.append(f"{edition.period} is approved.")
            said += _give_up(connection, editions.by_id(connection, edition.id), hours(config), now)
    return said


def _is_missed(edition: Edition, schedule: Hours, now: datetime) -> bool:
    return edition.due_until is not None and is_over(edition.due_until, schedule, now)


def _give_up(connection: Connection, edition: Edition, schedule: Hours, now: datetime) -> list[str]:
    """What is too late in an edition of which nothing was claimed yet; once it is sending, its messages have deadlines of their own."""
    if edition.paused and edition.state is EditionState.APPROVED:
        return []
    if _is_missed(edition, schedule, now):
        if not editions.move(connection, edition.id, EditionState.SKIPPED, now=now, reason=SkipReason.MISSED):
            return []
        overdue.skip_late(connection, edition.id, None)
        why = "was not approved in time" if edition.state is EditionState.DRAFT else "could not be sent in time"
        return [f"{edition.period} {why}; it is recorded as skipped: missed."]
    late = overdue.skip_late(connection, edition.id, now - schedule.catch_up) if edition.state is EditionState.APPROVED else 0
    return [f"{edition.period}: {late:,} letters are too late and are recorded as skipped: missed."] if late else []
