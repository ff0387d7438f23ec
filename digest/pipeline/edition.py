"""The edition: open a period, freeze its words, plan a row for every employee, hash, approve.

Planning writes short transactions and can be killed at any moment: the next call resumes behind the last committed
employee. Only the last transaction, which has checked the counts, makes the edition a draft.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from itertools import islice

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import audience, editions, history, keys, people, standing
from digest.db.session import read, write, yield_to_others
from digest.domain import calendar
from digest.domain.edition import Edition, EditionContent, EditionState
from digest.domain.employee import Employee
from digest.domain.envelope import envelope
from digest.domain.planning import Words, freeze_edition
from digest.domain.post import Origin
from digest.errors import EditionError, NoSuchWeekError
from digest.files.networks import networks_named
from digest.pipeline import queue, rendering
from digest.pipeline.planning import Planner, edition_hash, fresh_token

CHUNK = 500  # employees a transaction; about ten milliseconds of writing on SQLite
_BUSY = frozenset({EditionState.SENDING, EditionState.CLOSED, EditionState.CANCELLED, EditionState.SKIPPED})

Progress = Callable[[int, int], None]  # done, all


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What planning did: the draft, and what the editor should know."""

    edition: Edition
    warnings: tuple[str, ...] = ()


def hours(config: Config) -> calendar.Hours:
    """`[schedule]` as the calendar's rules take it."""
    return calendar.Hours(
        day=config.schedule.day,
        at=time.fromisoformat(config.schedule.time),
        site_zone=config.site_zone,
        everywhere_local=config.schedule.zone == "employee",
        plan_ahead=timedelta(hours=config.schedule.plan_hours),
        catch_up=timedelta(hours=config.schedule.catch_up_hours),
    )


def find(connection: Connection, period: str | None) -> Edition:
    """The edition of `period`, or the newest one. Raises EditionError with what to type when there is none."""
    found = editions.newest(connection) if period is None else editions.by_period(connection, period)
    if found is None:
        missing = EditionError(period or "edition", "there is none yet", hint="Run `digest edition plan`.")
        raise missing
    return found


def plan(engine: Engine, config: Config, *, now: datetime, period: str | None = None, progress: Progress | None = None) -> Planned:
    """Plan `period` (default: the one under way or coming) from the queue and the roster as they are now.

    Planning again throws the earlier plan and its approval away, until the first message was claimed.
    Raises FileProblemsError for the queue, EditionError when there is nobody to write to or nothing to say.
    """
    with read(engine) as connection:
        chosen = _choose(connection, config, period, now)
    warnings, _ = _begin(engine, config, chosen, now, again=True)
    return Planned(edition=resume(engine, config, chosen, now=now, progress=progress), warnings=warnings)


def _begin(engine: Engine, config: Config, period: str, now: datetime, *, again: bool) -> tuple[tuple[str, ...], bool]:
    """Freeze the words in one transaction; False at the end when the edition exists and must not be planned `again`."""
    with read(engine) as connection:
        content, warnings = _freeze(connection, config, period)
        languages = audience.languages(connection)
    compiled = rendering.compile_languages(content, languages)  # the slow part, before the transaction
    outside = envelope(sender=config.sender.sender, reply_to=config.sender.reply_to, list_name=config.site.name)
    with write(engine) as connection:
        keys.ensure_keys(connection, secrets.token_bytes, now)
        found, opened = editions.open_once(connection, period, now)
        if not opened and not again:
            return warnings, False
        if found.state in _BUSY:
            raise EditionError(period, f"it is {found.state} already, so it cannot be planned again", hint=_later(found.state))
        queue.store_posts(connection, content, now)
        editions.begin_plan(connection, found.id, content, asdict(outside))
        editions.put_bodies(connection, found.id, compiled)
    return warnings, True


def resume(engine: Engine, config: Config, period: str, *, now: datetime, progress: Progress | None = None) -> Edition:
    """Carry on a plan whose words are frozen, behind the last committed employee, and finish it.

    Two at once take turns; one whose plan was thrown away meanwhile stops.
    """
    with read(engine) as connection:
        found = find(connection, period)
        planner = Planner(connection, found.id, config, hours(config), now)
        total, done = audience.size(connection), 0
    while True:
        with write(engine) as connection:
            after = editions.planned_through(connection, found.id, planner.plan)
            chunk = [] if after is None else list(islice(people.stream(connection, after=after, chunk=CHUNK), CHUNK))
            if not chunk:
                break
            editions.put_messages(connection, found.id, *planner.rows(connection, chunk), through=chunk[-1].id)
        done += len(chunk)
        if progress:
            progress(done, total)
        yield_to_others(engine)
    return _finish(engine, found, planner.plan, now)


def _finish(engine: Engine, found: Edition, mine: str, now: datetime) -> Edition:
    with read(engine) as connection:
        digest = edition_hash(connection, found.id)
    with write(engine) as connection:
        through = editions.planned_through(connection, found.id, mine)
        if through is not None and not audience.joined_after(connection, through):  # else the next tick takes them in
            total = sum(standing.counts(connection, found.id).values())
            editions.finish_plan(connection, found.id, digest=digest, audience=total, now=now)
        return editions.by_id(connection, found.id)


def _choose(connection: Connection, config: Config, period: str | None, now: datetime) -> str:
    zones = audience.zones(connection)
    if not zones:
        raise EditionError("roster", "nobody is on it, so there is nobody to write to", hint="Run `digest roster import FILE.csv`.")
    if period is None:
        newest = editions.newest(connection)
        if newest is not None and newest.state not in _BUSY:
            return newest.period
        coming = calendar.coming(now, hours(config), zones).period
        return calendar.following(coming) if newest is not None and newest.period >= coming else coming
    try:
        calendar.parse_period(period)
    except ValueError:
        raise NoSuchWeekError(period, hint="Write it like 2026-W48.") from None
    if calendar.is_over(calendar.window(period, hours(config), zones).last, hours(config), now):
        raise EditionError(period, "that week is over", hint="Run `digest edition plan` for the coming one.")
    return period


def _freeze(connection: Connection, config: Config, period: str) -> tuple[EditionContent, tuple[str, ...]]:
    said = queue.load(config.queue_path, people=people.addresses(connection), disclosure=_words(config).disclosure)
    found = editions.by_period(connection, period)
    content = freeze_edition(
        said,
        _authors(connection, {post.by for post in said.posts if post.by}),
        _words(config),
        period=period,
        day=calendar.day_in(period, config.schedule.day),
        seen=history.carried(connection, before_edition=found.id if found else 0),
        browser_token=fresh_token(),
    )
    if not content.posts:
        where = config.queue_path
        raise EditionError(where, f"it has no post for {period}", hint="Add a [[post]] to it, then run `digest queue check`.")
    return content, _mix_warnings(content, config)


def _authors(connection: Connection, addresses: set[str]) -> dict[str, Employee]:
    found = {address: people.by_address(connection, address) for address in sorted(addresses)}
    return {address: author for address, author in found.items() if author is not None}


def _mix_warnings(content: EditionContent, config: Config) -> tuple[str, ...]:
    if any(post.origin is Origin.COLLEAGUE and not post.internal for post in content.posts):
        return ()
    text = f"{content.period} carries no public post by a colleague."
    if config.mix.when_missing == "stop":
        raise EditionError(content.period, "it carries no public post by a colleague, and mix.when_missing is stop", hint="Ask a colleague for one.")
    return (f"{text} Posts by colleagues are what people read; ask somebody for one.",)


def _words(config: Config) -> Words:
    company = config.site.company
    return Words(
        site_name=config.site.name,
        site_url=config.site.url,
        company=company,
        address=config.site.address,
        policy_url=config.site.policy_url,
        reply_to=config.sender.reply_to,
        disclosure=config.sharing.disclosure or f"I work at {company}.",
        keep_days=config.tracking.keep_days,
        tracking=config.tracking.mode,
        networks=tuple((n.letter, n.name, n.label) for n in networks_named(config.sharing.networks)),
    )


def _later(state: EditionState) -> str:
    if state is EditionState.SENDING:
        return "Stop it with `digest edition pause` or `digest edition cancel`."
    return "Run `digest edition plan` after its week for the next one."


def approve(engine: Engine, *, now: datetime, who: str, period: str | None = None) -> str:
    """Let an edition go out at its hours; a sentence for the editor. Raises EditionError when it is not a draft."""
    with write(engine) as connection:
        found = find(connection, period)
        if found.state in {EditionState.APPROVED, EditionState.SENDING, EditionState.CLOSED}:
            return f"{found.period} is {found.state} already; nothing to approve."
        if not editions.move(connection, found.id, EditionState.APPROVED, now=now, who=who):
            raise EditionError(found.period, f"it is {found.state}, so it cannot be approved", hint="Run `digest edition plan`, then approve.")
    return f"{found.period} is approved. The first messages are due {found.due_from:%A %d %B %Y %H:%M} UTC."


def open_due(engine: Engine, config: Config, *, now: datetime) -> list[str]:
    """What the clock does to editions: finish interrupted plans, plan what is due, approve, name what was missed."""
    said: list[str] = []
    with read(engine) as connection:
        zones = audience.zones(connection)
        unfinished = editions.in_states(connection, EditionState.PLANNING)
        known = frozenset(edition.period for edition in editions.every(connection))
    said += [_take_up(engine, config, edition, now) for edition in unfinished]
    if zones:
        due = calendar.to_plan(now, hours(config), zones)
        if due is not None and due not in known and _begin(engine, config, due, now, again=False)[1]:
            resume(engine, config, due, now=now)
            said.append(f"{due} is planned.")
        said += _name_missed(engine, calendar.missed(now, hours(config), zones, known), now)
    said += _settle_drafts(engine, config, now)
    return said


def _take_up(engine: Engine, config: Config, edition: Edition, now: datetime) -> str:
    resume(engine, config, edition.period, now=now)
    return f"{edition.period}: planning was interrupted and is finished now."


def _name_missed(engine: Engine, periods: list[str], now: datetime) -> list[str]:
    for period in periods:
        with write(engine) as connection:
            found, opened = editions.open_once(connection, period, now)
            if opened:
                editions.move(connection, found.id, EditionState.SKIPPED, now=now, reason="missed")
    return [f"{period} never started; it is recorded as skipped: missed." for period in periods]


def _settle_drafts(engine: Engine, config: Config, now: datetime) -> list[str]:
    said = []
    with write(engine) as connection:
        for edition in editions.in_states(connection, EditionState.DRAFT):
            if edition.due_until is not None and calendar.is_over(edition.due_until, hours(config), now):
                editions.move(connection, edition.id, EditionState.SKIPPED, now=now, reason="missed")
                said.append(f"{edition.period} was not approved in time; it is recorded as skipped: missed.")
            elif config.schedule.approval == "automatic":
                editions.move(connection, edition.id, EditionState.APPROVED, now=now, who="schedule")
                said.append(f"{edition.period} is approved.")
    return said
