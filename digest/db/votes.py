"""Votes in the database: one answer per employee and post, which may be changed and taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.schema import edition, vote
from digest.domain.vote import VoteReason

COUNTED = "human"
MACHINE = "machine"


@dataclass
class Said:
    """What one person answered: posts to leave out, topics they turned away from, and how often they were not comfortable lately."""

    refused: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)
    uneasy: int = 0


def put(connection: Connection, employee_id: int, post_id: str, edition_id: int, reason: VoteReason, now: datetime, *, machine: bool) -> None:
    """Note an answer; it takes the place of an earlier one, but a machine's never that of a person."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"reason": reason, "at": now, "edition_id": edition_id, "class": MACHINE if machine else COUNTED}
    made = dialect.insert(vote).values(employee_id=employee_id, post_id=post_id, **values)
    where = vote.c["class"] == MACHINE if machine else None
    connection.execute(made.on_conflict_do_update(index_elements=["employee_id", "post_id"], set_=values, where=where))


def take_back(connection: Connection, employee_id: int, post_id: str) -> bool:
    """Forget an answer; False when there is none."""
    return connection.execute(delete(vote).where(vote.c.employee_id == employee_id, vote.c.post_id == post_id)).rowcount == 1


def answered(connection: Connection, employee_id: int, post_id: str) -> bool:
    """Whether there is an answer. Which one is for its owner alone."""
    mine = (vote.c.employee_id == employee_id) & (vote.c.post_id == post_id)
    return connection.execute(select(vote.c.id).where(mine)).first() is not None


def said(connection: Connection, employee_ids: Collection[int], since: datetime | None, topics: Mapping[str, Sequence[str]]) -> dict[int, Said]:
    """Employee -> what they answered. `topics`: post -> its topics; `since`: from when on an answer is of this week."""
    found: dict[int, Said] = {}
    for row in connection.execute(select(vote).where(vote.c.employee_id.in_(employee_ids))).mappings():
        mine = found.setdefault(row["employee_id"], Said())
        mine.refused.add(row["post_id"])
        if row["class"] != COUNTED:
            continue
        if row["reason"] == VoteReason.NOT_MY_FIELD:
            mine.away.update(topics.get(row["post_id"], ()))
        mine.uneasy += row["reason"] == VoteReason.NOT_COMFORTABLE and since is not None and row["at"] >= since
    return found


def reasons(connection: Connection, edition_ids: Collection[int]) -> dict[int, dict[str, Counter[str]]]:
    """Edition -> post -> reason -> answers that people gave."""
    found: dict[int, dict[str, Counter[str]]] = {}
    rows = connection.execute(
        select(vote.c.edition_id, vote.c.post_id, vote.c.reason).where(vote.c.edition_id.in_(edition_ids), vote.c["class"] == COUNTED)
    )
    for row in rows:
        found.setdefault(row.edition_id, {}).setdefault(row.post_id, Counter())[row.reason] += 1
    return found


def earlier(connection: Connection, period: str, most: int) -> list[tuple[int, str, dict[str, Any]]]:
    """(number, period, frozen words) of the last editions before `period`, oldest first."""
    columns = (edition.c.id, edition.c.period, edition.c.content)
    rows = connection.execute(
        select(*columns).where(edition.c.period < period, edition.c.content.is_not(None)).order_by(edition.c.period.desc()).limit(most)
    )
    return [(row.id, row.period, row.content) for row in reversed(rows.all())]


def not_my_field(connection: Connection) -> list[tuple[int, str]]:
    """(edition, post) of every post that somebody called not their field."""
    rows = connection.execute(select(vote.c.edition_id, vote.c.post_id).where(vote.c.reason == VoteReason.NOT_MY_FIELD).distinct())
    return [(row.edition_id, row.post_id) for row in rows]


def topics(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Post -> its topics, as they were frozen, of the posts that somebody called not their field."""
    wanted = not_my_field(connection)
    found: dict[str, tuple[str, ...]] = {}
    contents = connection.execute(select(edition.c.content).where(edition.c.id.in_({number for number, _ in wanted}))).scalars()
    ids = {post for _, post in wanted}
    for content in contents:
        found |= {post["id"]: tuple(post["topics"]) for post in (content or {}).get("posts", ()) if post["id"] in ids}
    return found


def of_person(connection: Connection, employee_id: int) -> list[dict[str, Any]]:
    """Everything one person answered, for them."""
    columns = (vote.c[name] for name in ("at", "post_id", "reason", "class"))
    return [dict(row) for row in connection.execute(select(*columns).where(vote.c.employee_id == employee_id).order_by(vote.c.id)).mappings()]
