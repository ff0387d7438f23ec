"""Stored events as they are judged again: what was recorded, what it stands among, and the verdicts that are written back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from digest.db.schema import click, edition, edition_post, message, post, short_link, visit
from digest.domain.visitor import VisitorClass

_TABLES = {"click": click, "visit": visit}
_VERDICT = ("class", "reasons", "rules_version")


def editions_with_events(connection: Connection) -> list[tuple[int, str]]:
    """(id, period) of every edition that has single clicks or visits, the oldest period first."""
    clicked = select(click.c.edition_id).distinct()
    visited = select(short_link.c.edition_id).where(short_link.c.slug.in_(select(visit.c.slug).distinct()))
    rows = connection.execute(
        select(edition.c.id, edition.c.period).where(edition.c.id.in_(clicked) | edition.c.id.in_(visited)).order_by(edition.c.period)
    )
    return [(row.id, row.period) for row in rows]


def clicks_of(connection: Connection, edition_id: int) -> list[Any]:
    """Every click of an edition, oldest first, with its message's picks and networks where it has one."""
    columns = [click.c[name] for name in ("id", "at", "token", "employee_id", "group_key", "n", "post_id", "kind", "network", "signals", "source")]
    return list(
        connection.execute(
            select(*columns, *(click.c[name] for name in _VERDICT), message.c.picks, message.c.networks)
            .select_from(click)
            .outerjoin(message, (message.c.edition_id == click.c.edition_id) & (message.c.employee_id == click.c.employee_id))
            .where(click.c.edition_id == edition_id)
            .order_by(click.c.id),
        ),
    )


def walls(connection: Connection, edition_id: int) -> dict[int, bool]:
    """Number of a post that can be read -> whether it is internal. A post without an address has no link at all."""
    joined = edition_post.join(post, post.c.id == edition_post.c.post_id)
    rows = connection.execute(
        select(edition_post.c.n, edition_post.c.internal).select_from(joined).where(edition_post.c.edition_id == edition_id, post.c.url.is_not(None))
    )
    return {row.n: row.internal for row in rows}


def visits_of(connection: Connection, edition_id: int) -> list[Any]:
    """Every visit to a short link that an edition made, oldest first, with the link's owner, post, network and birth."""
    link = (short_link.c.owner, short_link.c.post_id, short_link.c.network, short_link.c.created_at)
    return list(
        connection.execute(
            select(visit.c.id, visit.c.at, visit.c.signals, *(visit.c[name] for name in _VERDICT), *link)
            .join(short_link, short_link.c.slug == visit.c.slug)
            .where(short_link.c.edition_id == edition_id)
            .order_by(visit.c.id),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Share:
    """A press on a share link in another edition, which led to the same short link."""

    employee_id: int | None
    group_key: str | None
    post_id: str
    network: str
    machine: bool
    at: datetime  # of the first


def shares_elsewhere(connection: Connection, edition_id: int) -> list[Share]:
    """The first press by machines and by others for each short link of this edition, in other editions that carried the post too."""
    link = (click.c.employee_id, click.c.group_key, click.c.post_id, click.c.network)
    machine = (click.c["class"] == VisitorClass.MACHINE.value).label("machine")
    posts = select(short_link.c.post_id).where(short_link.c.edition_id == edition_id)
    rows = connection.execute(
        select(*link, machine, func.min(click.c.at).label("at"))
        .where(click.c.kind == "share", click.c.network != "", click.c.edition_id != edition_id, click.c.post_id.in_(posts))
        .group_by(*link, machine),
    )
    return [
        Share(employee_id=row.employee_id, group_key=row.group_key, post_id=row.post_id, network=row.network, machine=bool(row.machine), at=row.at)
        for row in rows
    ]


def put_verdicts(connection: Connection, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store new verdicts on events; raw signals stay. `kind`: click or visit; each row: `which`, `class`, `reasons`, `rules_version`."""
    if rows:
        table = _TABLES[kind]
        statement = update(table).where(table.c.id == bindparam("which"))
        connection.execute(statement.values({name: bindparam(name) for name in _VERDICT}), list(rows))
