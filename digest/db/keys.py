"""Signing keys: made once, newest first. A new one signs; every one that is still here verifies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, insert, select

from digest.db.schema import key
from digest.errors import StorageError

PURPOSES: Final = ("control", "unsubscribe", "message-id", "bounce")
_SECRET_BYTES = 32
_MAX_ID = 255  # a key id is one byte in an unsubscribe link


def ensure_keys(connection: Connection, random: Callable[[int], bytes], now: datetime) -> None:
    """Make the keys that are missing, one for each purpose; those that exist stay. `random` gives that many octets."""
    have = set(connection.execute(select(key.c.purpose)).scalars())
    for purpose in PURPOSES:
        if purpose not in have:
            add_key(connection, purpose, random, now)


def add_key(connection: Connection, purpose: str, random: Callable[[int], bytes], now: datetime) -> int:
    """Make a new key for `purpose` and return its id; from now on it signs, and older ones still verify."""
    number = int(connection.execute(select(func.coalesce(func.max(key.c.id), 0))).scalar_one()) + 1
    if number > _MAX_ID:
        raise StorageError("key", f"found {_MAX_ID} keys, allowed {_MAX_ID}", hint="Old keys must be removed before a new one is made.")
    connection.execute(insert(key).values(id=number, purpose=purpose, secret=random(_SECRET_BYTES), created_at=now))
    return number


def signing_keys(connection: Connection, purpose: str) -> dict[int, bytes]:
    """Key id -> secret, newest first: the first signs, all verify. Empty before `db upgrade` made them."""
    rows = connection.execute(select(key.c.id, key.c.secret).where(key.c.purpose == purpose).order_by(key.c.id.desc()))
    return {int(row.id): bytes(row.secret) for row in rows}
