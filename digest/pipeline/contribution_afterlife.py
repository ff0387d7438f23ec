"""After the letter: which contributions an edition carried, and two weeks later what they caused, told to their authors alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import contributions, figures, outcomes
from digest.db.contributions import Carried
from digest.db.reach import Pair, reach
from digest.db.session import read, write
from digest.domain.contribution import Contribution, ContributionState, is_thanked_for
from digest.domain.outcome import counted, tally
from digest.domain.report import Range, ranged
from digest.domain.words import Words as Say
from digest.mail import catalogue
from digest.pipeline import contribution, contribution_notices


def follow(engine: Engine, config: Config, *, now: datetime) -> list[str]:
    """Note what was printed, and tell authors what came of it; sentences for the log."""
    with read(engine) as connection:
        carried = contributions.carried(connection)
        picked = {one.edition: figures.picked(connection, one.edition) for one in carried}
    printed = [one for one in carried if picked[one.edition][one.n]]
    said = [_publish(engine, one) for one in printed if one.state is ContributionState.ACCEPTED]
    due = {one.contribution: one for one in reversed(printed) if is_thanked_for(one.last_due, now)}
    said += [_thank(engine, config, number, [one for one in printed if one.contribution == number], now) for number in due]
    return [sentence for sentence in said if sentence]


def _publish(engine: Engine, carried: Carried) -> str:
    with write(engine) as connection:
        one = contributions.get(connection, carried.contribution)
        if one is None or one.state is not ContributionState.ACCEPTED:
            return ""
        contributions.change(connection, one, {"state": ContributionState.PUBLISHED})
    return f"Contribution {one.id} was printed in {carried.period}."


def _thank(engine: Engine, config: Config, number: int, carried: Iterable[Carried], now: datetime) -> str:
    with read(engine) as connection:
        one = contributions.get(connection, number)
        if one is None or one.thanked_at is not None:
            return ""
        lines = _caused(connection, config, one, list(carried))
    with write(engine) as connection:
        if not contributions.change(connection, one, {"thanked_at": now}):
            return ""
        contribution_notices.caused(connection, one, lines, now)
    return f"The author of contribution {number} is told what it led to."


def _caused(connection: Connection, config: Config, one: Contribution, carried: list[Carried]) -> list[tuple[str, str]]:
    """Heading and words of each line, in the author's language. Nobody is named; few people are no figure."""
    author = contribution.author_of(connection, one)
    say = catalogue.words(author.language if author else one.language)
    minimum, post = config.privacy.minimum_group, one.post_id or ""
    seen = Pair()
    for edition in carried:
        pairs = [pair for (of, _, _), pair in reach(connection, edition.edition).visits.items() if of == post]
        seen.low, seen.high = seen.low + sum(pair.low for pair in pairs), seen.high + sum(pair.high for pair in pairs)
    letters = contributions.letters_about(connection, post, one.employee or 0)
    lines = [("caused_visits", _told(ranged(seen.low, seen.high, members=minimum, minimum=minimum), say))] if seen.high else []
    lines += [("caused_letters", say.whole(letters))] if letters else []
    led = "\n".join(_outcomes(connection, carried, post, minimum, say))
    lines += [("caused_outcomes", led)] if led else []
    return lines or [("", say("caused_quiet"))]


def _outcomes(connection: Connection, carried: Iterable[Carried], post: str, minimum: int, say: Say) -> Iterable[str]:
    """A line for each kind and grade; grades are never added up."""
    found = [one for edition in carried for one in counted(outcomes.listed(connection, edition.edition)) if one.post == post]
    for event, grades in tally(found).items():
        for grade, count in grades.items():
            if count:
                yield f"{event} ({grade}): {_told(ranged(count, count, members=minimum, minimum=minimum), say)}"


def _told(figure: Range, say: Say) -> str:
    if figure.hidden:
        return say("fewer_than", n=figure.minimum)
    return say.whole(figure.low) if figure.low == figure.high else f"{say.whole(figure.low)}–{say.whole(figure.high)}"  # noqa: RUF001 - a range
