"""Which letters of an edition may be the longest."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, String, cast, func, select

from digest.db.schema import message


def most_picks(connection: Connection, edition_id: int, most: int) -> list[Row[Any]]:
    """The `most` messages with the most posts, each with language, picks, networks and name."""
    columns = (message.c.id, message.c.employee_id, message.c.language, message.c.picks, message.c.networks, message.c.name)
    size = func.length(cast(message.c.picks, String))
    return list(connection.execute(select(*columns).where(message.c.edition_id == edition_id).order_by(size.desc(), message.c.id).limit(most)))
