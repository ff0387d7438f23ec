"""Counting what happened to an edition: clicks, visits, classes, picks. Rows in, numbers out; no rule about showing them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from digest.db.schema import click, employee, message, short_link, visit

_COUNTED = ("human", "probable")

Clicks = Mapping[tuple[str, str, str], tuple[int, int]]  # (post, kind, network) -> human; human and probable
Visits = Mapping[tuple[str, str], tuple[int, int]]  # (post, network) -> human; human and probable


def clicks(connection: Connection, edition_id: int) -> Clicks:
    """One click counts per link and person; repeats stay events."""
    rows = connection.execute(
        select(click.c.post_id, click.c.kind, click.c.network, click.c["class"], click.c.token)
        .where(click.c.edition_id == edition_id, click.c["class"].in_(_COUNTED))
        .distinct(),
    )
    people: Counter[tuple[str, str, str]] = Counter()
    either: dict[tuple[str, str, str], set[str]] = {}
    for post_id, kind, network, verdict, token in rows:
        key = (post_id, kind, network)
        people[key] += verdict == "human"
        either.setdefault(key, set()).add(token)
    return {key: (people[key], len(tokens)) for key, tokens in either.items()}


def visits(connection: Connection, edition_id: int) -> Visits:
    """Distinct visitors a day per short link of the edition."""
    rows = connection.execute(
        select(short_link.c.post_id, short_link.c.network, visit.c["class"], func.count(func.distinct(visit.c.visitor)))
        .join(short_link, short_link.c.slug == visit.c.slug)
        .where(short_link.c.edition_id == edition_id, visit.c["class"].in_(_COUNTED))
        .group_by(short_link.c.post_id, short_link.c.network, visit.c["class"]),
    )
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for post_id, network, verdict, count in rows:
        low, high = found.get((post_id, network), (0, 0))
        found[post_id, network] = (low + (count if verdict == "human" else 0), high + count)
    return found


def classes(connection: Connection, edition_id: int) -> dict[str, int]:
    """Class -> clicks of the edition, repeats included."""
    rows = connection.execute(select(click.c["class"], func.count()).where(click.c.edition_id == edition_id).group_by(click.c["class"]))
    return {verdict: int(count) for verdict, count in rows}


def picked(connection: Connection, edition_id: int) -> Counter[int]:
    """Number of a post -> sent messages that carried it."""
    found: Counter[int] = Counter()
    rows = connection.execution_options(yield_per=1000).execute(
        select(message.c.picks).where(message.c.edition_id == edition_id, message.c.state == "sent"),
    )
    for (picks,) in rows:
        found.update(n for n, _ in picks)
    return found


def pressed_by_team(connection: Connection, edition_id: int) -> dict[str, int]:
    """Team -> people of it who surely pressed anything."""
    rows = connection.execute(
        select(employee.c.team, func.count(func.distinct(click.c.employee_id)))
        .join(click, click.c.employee_id == employee.c.id)
        .where(click.c.edition_id == edition_id, click.c["class"] == "human", employee.c.team != "")
        .group_by(employee.c.team),
    )
    return {team: int(people) for team, people in rows}
