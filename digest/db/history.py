"""What each employee has had: posts shown in earlier editions, posts they shared."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from digest.db import votes
from digest.db.schema import click, edition, edition_post, message
from digest.domain.selection import History

_SHARED_CLASSES = ("human", "probable")
_HAD = ("sent", "in_doubt", "sending", "queued", "deferred")
_WEEK = timedelta(days=7)


def histories(
    connection: Connection,
    employee_ids: Sequence[int],
    *,
    before_edition: int,
    posts: Collection[str],
    now: datetime | None = None,
    topics: Mapping[str, Sequence[str]] | None = None,
) -> dict[int, History]:
    """Employee -> history, for those who have one; the edition being planned does not count.

    `posts`: the only ones whose showings are counted, by id; reading all letters would make each week slower than the one before.
    `now`: what happened in the week before it is of this week; `topics`: see `votes.said`.
    """
    since = None if now is None else now - _WEEK
    shown = _shown(connection, employee_ids, _places(connection, posts, before_edition))
    shared, lately = _shared(connection, employee_ids, since)
    said = votes.said(connection, employee_ids, since, topics or {})
    return {
        e: History(
            shown=shown.get(e, {}),
            shared=frozenset(shared.get(e, ())),
            refused=frozenset(said[e].refused) if e in said else frozenset(),
            away=frozenset(said[e].away) if e in said else frozenset(),
            shares=len(lately.get(e, ())),
            uneasy=said[e].uneasy if e in said else 0,
        )
        for e in {*shown, *shared, *said}
    }


def last_periods(connection: Connection, employee_ids: Sequence[int], *, before: str) -> dict[int, str]:
    """Employee -> the period of the last letter that went out to them or will, of the periods before that one."""
    if not employee_ids:
        return {}
    rows = connection.execute(
        select(message.c.employee_id, func.max(edition.c.period))
        .join(edition, edition.c.id == message.c.edition_id)
        .where(message.c.employee_id.in_(employee_ids), message.c.state.in_(_HAD), edition.c.period < before)
        .group_by(message.c.employee_id),
    )
    return {int(number): str(period) for number, period in rows}


def carried(connection: Connection, *, before_edition: int) -> frozenset[str]:
    """Ids of posts that other editions carried: they are not fresh any more."""
    return frozenset(connection.execute(select(edition_post.c.post_id).where(edition_post.c.edition_id != before_edition).distinct()).scalars())


def has_read(connection: Connection, employee_id: int, post_id: str) -> bool:
    """Whether a person, and no machine, opened the article by a link of theirs."""
    mine = (click.c.employee_id == employee_id) & (click.c.post_id == post_id) & (click.c.kind == "read") & (click.c["class"] == "human")
    return connection.execute(select(click.c.id).where(mine).limit(1)).first() is not None


def _shared(connection: Connection, employee_ids: Sequence[int], since: datetime | None) -> tuple[dict[int, set[str]], dict[int, set[str]]]:
    """Employee -> the posts they shared: at any time, and since that moment by a person for certain."""
    rows = connection.execute(
        select(click.c.employee_id, click.c.post_id, click.c.at, click.c["class"].label("verdict")).where(
            click.c.employee_id.in_(employee_ids), click.c.kind == "share", click.c["class"].in_(_SHARED_CLASSES)
        ),
    )
    found: dict[int, set[str]] = {}
    lately: dict[int, set[str]] = {}
    for row in rows:
        found.setdefault(row.employee_id, set()).add(row.post_id)
        if since is not None and row.at >= since and row.verdict == "human":
            lately.setdefault(row.employee_id, set()).add(row.post_id)
    return found, lately


def _places(connection: Connection, posts: Collection[str], before_edition: int) -> dict[tuple[int, int], str]:
    """(edition, number) -> the post, wherever other editions carried one of `posts`."""
    rows = connection.execute(
        select(edition_post.c.edition_id, edition_post.c.n, edition_post.c.post_id).where(
            edition_post.c.post_id.in_(posts), edition_post.c.edition_id != before_edition
        ),
    )
    return {(row.edition_id, row.n): row.post_id for row in rows}


def _shown(connection: Connection, employee_ids: Sequence[int], places: Mapping[tuple[int, int], str]) -> dict[int, dict[str, int]]:
    if not places:
        return {}
    rows = connection.execute(
        select(message.c.employee_id, message.c.edition_id, message.c.picks, message.c.state).where(
            message.c.employee_id.in_(employee_ids), message.c.edition_id.in_({number for number, _ in places})
        ),
    )
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        if row.state not in _HAD:  # asked of the database, SQLite would walk through all letters of an edition in those states
            continue
        for n, _because in row.picks:
            post_id = places.get((row.edition_id, n))
            if post_id is not None:
                mine = found.setdefault(row.employee_id, {})
                mine[post_id] = mine.get(post_id, 0) + 1
    return found
