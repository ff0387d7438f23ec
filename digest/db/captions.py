"""Ready captions in the database: how often each was handed out in an edition."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.schema import caption_use


def uses(connection: Connection, edition_id: int, n: int) -> dict[tuple[str, int], int]:
    """(network, the caption's place in its list) -> how often it was handed out, for one post of an edition."""
    rows = connection.execute(select(caption_use).where(caption_use.c.edition_id == edition_id, caption_use.c.n == n))
    return {(row.network, row.caption): row.uses for row in rows}


def take(connection: Connection, edition_id: int, n: int, network: str, caption: int, most: int) -> bool:
    """Hand a caption out once more; False when it was handed out `most` times. However many ask at once, it is never more."""
    if most < 1:
        return False
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    key = {"edition_id": edition_id, "n": n, "network": network, "caption": caption}
    statement = dialect.insert(caption_use).values(**key, uses=1)
    statement = statement.on_conflict_do_update(index_elements=list(key), set_={"uses": caption_use.c.uses + 1}, where=caption_use.c.uses < most)
    return connection.execute(statement.returning(caption_use.c.uses)).first() is not None
