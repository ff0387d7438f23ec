"""The names of all links there are: for telling a guess from a link without asking for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, func, select

from digest.db.schema import short_link, token

_STREAM = 2000
_NAMES = ((token.c.token, token.c.created_at), (short_link.c.slug, short_link.c.created_at))


def count(connection: Connection) -> int:
    """How many share tokens and short links there are."""
    return sum(connection.execute(select(func.count()).select_from(name.table)).scalar_one() for name, _ in _NAMES)


def names(connection: Connection, since: datetime | None = None) -> Iterator[str]:
    """Every share token and slug, or those made since then."""
    for name, made in _NAMES:
        wanted = select(name) if since is None else select(name).where(made >= since)
        yield from connection.execution_options(yield_per=_STREAM).execute(wanted).scalars()
