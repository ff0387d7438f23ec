"""What a wave must know before it goes out: who has shared what in which team, and whose letters that changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from digest.db.retention import actor
from digest.db.schema import click, edition, message, token
from digest.domain.message import Pick
from digest.domain.post import Origin
from digest.domain.saturation import TEAM

_CHANGE = update(message).where(message.c.id == bindparam("number")).values(picks=bindparam("chosen"), spares=bindparam("left"))


def shares(connection: Connection, edition_id: int, before: datetime) -> dict[str, dict[int, int]]:
    """Team -> post -> how many people have shared it by this edition's letters, as far as people can be told from machines."""
    columns = (click.c.n, click.c.group_key, click.c.employee_id, click.c.token, click.c.source)
    mine = (click.c.edition_id == edition_id) & (click.c.kind == "share") & (click.c["class"] == "human") & (click.c.at < before)
    people: dict[tuple[str, int], set[str]] = {}
    for row in connection.execute(select(*columns).where(mine, click.c.group_key.startswith(TEAM, autoescape=True))):
        people.setdefault((row.group_key, row.n), set()).add(actor(row.token, row.source, row.employee_id))
    found: dict[str, dict[int, int]] = {}
    for (group, n), who in people.items():
        found.setdefault(group, {})[n] = len(who)
    return found


def kinds(connection: Connection, edition_id: int) -> dict[int, Origin | None]:
    """Post -> who made it; None for those that stay inside."""
    content = connection.execute(select(edition.c.content).where(edition.c.id == edition_id)).scalar_one() or {}
    return {post["n"]: None if post["internal"] else Origin(post["origin"]) for post in content.get("posts", ())}


def groups(connection: Connection, tokens: Iterable[str]) -> dict[str, str]:
    """Share token -> the group that its presses count for."""
    rows = connection.execute(select(token.c.token, token.c.group_key).where(token.c.token.in_(list(tokens))))
    return {row.token: row.group_key or "" for row in rows}


def change(connection: Connection, changed: Mapping[int, tuple[tuple[Pick, ...], tuple[Pick, ...]]]) -> None:
    """Write other picks and spares into messages that nobody was offered yet."""
    rows = [{"number": number, "chosen": _plain(picks), "left": _plain(spares)} for number, (picks, spares) in changed.items()]
    if rows:
        connection.execute(_CHANGE, rows)


def _plain(picks: tuple[Pick, ...]) -> list[list[int | str]]:
    return [[pick.n, pick.because] for pick in picks]
