"""What an edition's letters are made of: each choice of posts with how many people get it."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection, select

from digest.db.schema import message

Choice = tuple[str, tuple[tuple[int, str], ...], str]  # language, picks as (number, reason), network letters


def choices(connection: Connection, edition_id: int) -> Counter[Choice]:
    """Every choice among the letters that go out or went out. Streams the rows; memory holds each choice once."""
    columns = (message.c.language, message.c.picks, message.c.networks)
    rows = connection.execution_options(yield_per=1000).execute(
        select(*columns).where(message.c.edition_id == edition_id, message.c.picks.is_not(None))
    )
    found: Counter[Choice] = Counter()
    for row in rows:
        if row.picks:
            found[row.language, tuple((n, because) for n, because in row.picks), row.networks] += 1
    return found
