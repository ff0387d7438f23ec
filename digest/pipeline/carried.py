"""A post as it stood in one person's letter: what the links beside it speak of."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, select

from digest.db import editions
from digest.db.control import Holder
from digest.db.schema import message
from digest.db.session import read
from digest.domain.edition import EditionPost
from digest.domain.link import clean, read_base32
from digest.domain.translation import post_in

_DIGITS = 2  # of a post's number in a link


def of_letter(engine: Engine, holder: Holder, text: str, *, printed: bool = False) -> EditionPost | None:
    """The post that `text`, the number of a link, names, in the holder's language; None for one that the letter does not carry.

    `printed`: only what its holder could read in it, no spares.
    """
    plain, _ = clean(text)
    n = read_base32(plain) if len(plain) == _DIGITS else None
    if n is None or n not in holder.numbers:
        return None
    with read(engine) as connection:
        if printed and n not in _picks(connection, holder.message):
            return None
        found = editions.content(connection, holder.edition).post(n)
    return None if found is None else post_in(found, holder.language)


def _picks(connection: Connection, number: int) -> set[int]:
    return {n for n, _ in connection.execute(select(message.c.picks).where(message.c.id == number)).scalar_one()}
