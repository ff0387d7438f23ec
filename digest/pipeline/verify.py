"""Did every expected edition happen, and is nothing open that should be over? Looks, changes nothing; for the morning after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import contributions, editions, overdue, privacy, retention, standing
from digest.db.session import read
from digest.domain.calendar import period_of
from digest.domain.contribution import ContributionState
from digest.domain.edition import Edition, EditionState
from digest.domain.privacy import SETTLED, believable, machine_leavers
from digest.domain.schedule import Timetable, is_over, missed, to_plan, window
from digest.pipeline import lateness
from digest.pipeline.schedule import hours, timetable

_PATIENCE = timedelta(minutes=10)  # what a clock that ticks every five minutes is never late by
_SPOKEN_OF = timedelta(weeks=2)  # a week that did not happen is named that long; by then everybody has heard
_LEAVERS = timedelta(days=30)  # how far back a mail filter that stops letters is looked for
_PLANNED = frozenset(EditionState) - {EditionState.PLANNING}
_UNDER_WAY = frozenset({EditionState.PLANNING, EditionState.DRAFT, EditionState.APPROVED, EditionState.SENDING})


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether every expected edition happened: a sentence for each problem, with what to type."""

    problems: tuple[str, ...]


def verify(engine: Engine, config: Config, *, now: datetime) -> Verdict:
    """Look for editions that did not happen or stand still, messages that wait too long, and a clock that is silent."""
    with read(engine) as connection:
        known = editions.every(connection)
        found = [*_not_there(timetable(connection, config, now.date()), known, now)]
        for edition in known:
            found += _of_edition(connection, config, edition, now)
        found += _of_messages(connection, config, now)
        found += lateness.problems(connection, config, now)
        found += _of_the_clock(connection, now)
        found += _of_privacy(connection, config, now)
        found += _of_promises(connection, now)
    return Verdict(problems=tuple(found))


def _not_there(table: Timetable, known: Sequence[Edition], now: datetime) -> Iterator[str]:
    if not table.places:
        return
    periods = {edition.period for edition in known}
    for period in missed(now, table, periods):
        yield f"{period} never started. Run `digest tick` from cron, or keep `digest serve` running."
    for period in to_plan(now, table):
        first = window(period, table).first
        if period not in periods and period >= min(periods, default="") and now > first + _PATIENCE:
            yield (
                f"{period} has not started, and its first letters were due {_when(first)}. "
                "Run `digest tick`: it sends what is not too late. Then look at cron or the service."
            )


def _of_edition(connection: Connection, config: Config, edition: Edition, now: datetime) -> Iterator[str]:
    name = edition.period
    if edition.state is EditionState.SKIPPED and name >= period_of((now - _SPOKEN_OF).date()):
        yield f"{name} was skipped: {edition.reason}. `digest edition status --edition {name}` has the counts; its posts move on to the next week."
    if edition.paused and edition.state in _UNDER_WAY:
        yield f"{name} is paused: {edition.reason or 'by hand'}. Run `digest edition resume --edition {name}` when it may go on."
    elif edition.state is EditionState.PLANNING and now > overdue.planning_since(connection, edition.id) + _PATIENCE:
        yield f"{name} is not planned whole. Run `digest tick`, which carries on, and see what it says."
    elif edition.state is EditionState.DRAFT and edition.due_from is not None and now > edition.due_from + _PATIENCE:
        yield _unapproved(edition, config, now)
    total = sum(standing.counts(connection, edition.id).values())
    if edition.state in _PLANNED and total != edition.audience:
        yield (
            f"{name} does not add up: {total:,} messages for an audience of {edition.audience:,}. "
            f"Keep a copy of the database, then report it with what `digest edition status --edition {name} --json` prints."
        )


def _unapproved(edition: Edition, config: Config, now: datetime) -> str:
    if edition.due_until is not None and is_over(edition.due_until, hours(config), now):
        return (
            f"{edition.period} was not approved, and now it is too late: its last letters were due {_when(edition.due_until)}. "
            "The next `digest tick` records it as skipped: missed; its posts move on to the next week."
        )
    required = config.schedule.approval == "required"
    cure = f"Run `digest edition approve --edition {edition.period}`." if required else "Run `digest tick`, which approves it."
    return f"{edition.period} waits for approval, and its first letters were due {_when(edition.due_from)}. {cure}"


def _of_messages(connection: Connection, config: Config, now: datetime) -> Iterator[str]:
    for name, count in overdue.in_doubt(connection).items():
        yield f"{name} has {count:,} in doubt. List and decide them with `digest edition resolve --edition {name}`."
    for name, count in overdue.left_over(connection, now - timedelta(hours=config.delivery.deadline_hours) - _PATIENCE).items():
        yield f"{name} has {count:,} open after their deadline. Run `digest tick`, which gives each up by name, and read what it says."


def _of_the_clock(connection: Connection, now: datetime) -> Iterator[str]:
    since, seen = overdue.waits_since(connection, now), overdue.last_seen(connection, now)
    if since is not None and since < now - _PATIENCE and (seen is None or seen < now - _PATIENCE):
        last = "no run has ever looked" if seen is None else f"the last run was seen {_when(seen)}"
        yield f"Letters have been due since {_when(since)}, and {last}. Run `digest tick` now, then look at cron or the service."


def _of_privacy(connection: Connection, config: Config, now: datetime) -> Iterator[str]:
    seen = retention.last_seen(connection, now - SETTLED)
    if not believable(now, seen, config.tracking.keep_days):
        yield "The clock stands far ahead of everything that was recorded, so nothing is deleted. Run `digest privacy purge` and read what it says."
    said = machine_leavers(privacy.leavers(connection, now - _LEAVERS))
    if said is not None:
        yield said


def _of_promises(connection: Connection, now: datetime) -> Iterator[str]:
    waiting = [one.decide_by for one in contributions.listed(connection, [ContributionState.PROPOSED])]
    late = [moment for moment in waiting if moment is not None and moment < now]
    if late:
        posts = f"{len(late):,} {'post' if len(late) == 1 else 'posts'} that people gave {'was' if len(late) == 1 else 'were'}"
        yield f"{posts} promised to be decided by now, the first by {_when(min(late))}. Decide with `digest contributions list`."


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
