"""Letters between colleagues, in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from digest.db.schema import correspondence, notice
from digest.domain.correspondence import Correspondence
from digest.domain.message import MessageState

_NAMES = ("post_id", "from_id", "to_id", "answers", "text", "at")
_MANY = 500  # values in one IN list


def put(connection: Connection, key: str, letter: Correspondence) -> int | None:
    """Keep a letter; the number it gets, or None when the same form was sent before."""
    if connection.execute(select(correspondence.c.id).where(correspondence.c.key == key)).first() is not None:
        return None
    values = {name: getattr(letter, name) for name in _NAMES} | {"key": key, "class": letter.verdict}
    return int(connection.execute(insert(correspondence).values(values).returning(correspondence.c.id)).scalar_one())


def by_id(connection: Connection, number: int | None) -> Correspondence | None:
    """The letter of that number; None when it is gone."""
    row = connection.execute(select(correspondence).where(correspondence.c.id == number)).mappings().first()
    if row is None:
        return None
    return Correspondence(id=row["id"], **{name: row[name] for name in _NAMES}, verdict=row["class"])


def is_held(connection: Connection, key: str) -> bool:
    """Whether the letter of that form waits for its writer's yes."""
    mine = (correspondence.c.key == key) & (correspondence.c["class"] == "held")
    return connection.execute(select(correspondence.c.id).where(mine)).first() is not None


def release(connection: Connection, number: int, now: datetime) -> bool:
    """Let a letter go that was held for its writer's yes; False when it was let go before."""
    mine = (correspondence.c.id == number) & (correspondence.c["class"] == "held")
    return connection.execute(update(correspondence).where(mine).values({"class": "human", "at": now})).rowcount == 1


def end(connection: Connection, number: int, verdict: str) -> bool:
    """Mark a letter as disowned or reported; False when it was ended before. What of it has not gone out yet never does."""
    mine = (correspondence.c.id == number) & correspondence.c["class"].in_(["human", "machine"])
    return connection.execute(update(correspondence).where(mine).values({"class": verdict})).rowcount == 1


def stop_notice(connection: Connection, number: int, employee_id: int, now: datetime) -> bool:
    """Keep the notice of a letter from going out; False when it has gone."""
    mine = (notice.c.about == f"letter:{number}") & (notice.c.employee_id == employee_id) & (notice.c.state == MessageState.QUEUED)
    values = {"state": MessageState.CANCELLED, "settled_at": now}
    return connection.execute(update(notice).where(mine).values(values)).rowcount > 0


def of_person(connection: Connection, employee_id: int) -> list[dict[str, Any]]:
    """Every letter they wrote or got, without who the other was. One that is held has been got by nobody."""
    got = (correspondence.c.to_id == employee_id) & (correspondence.c["class"] != "held")
    mine = or_(correspondence.c.from_id == employee_id, got)
    rows = connection.execute(select(correspondence).where(mine).order_by(correspondence.c.id)).mappings()
    return [
        {"at": row["at"], "post_id": row["post_id"], "written": row["from_id"] == employee_id, "text": row["text"], "class": row["class"]}
        for row in rows
    ]


def forget_person(connection: Connection, employee_id: int) -> None:
    """Letters that somebody wrote or got go, and so do their words in notices to the other."""
    numbers = connection.execute(
        select(correspondence.c.id).where(or_(correspondence.c.from_id == employee_id, correspondence.c.to_id == employee_id))
    ).scalars()
    abouts = [f"letter:{number}" for number in numbers]
    for start in range(0, len(abouts), _MANY):
        connection.execute(delete(notice).where(notice.c.about.in_(abouts[start : start + _MANY])))
    connection.execute(delete(correspondence).where(or_(correspondence.c.from_id == employee_id, correspondence.c.to_id == employee_id)))


def forget(connection: Connection, before: datetime) -> int:
    """Delete letters from before that moment; how many."""
    return connection.execute(delete(correspondence).where(correspondence.c.at < before)).rowcount
