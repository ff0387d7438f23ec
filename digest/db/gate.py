"""The edition's own row before its messages: may it go out, and how many of it while a canary is under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from digest.db import canaries
from digest.db.hot import OPEN
from digest.db.schema import edition
from digest.domain.edition import EditionState


@dataclass(frozen=True, kw_only=True)
class Gate:
    """An edition that may go out."""

    sending: bool  # its first message was claimed before
    left: int | None  # how many of its canary may still go; None: all of it may


def enter(connection: Connection, edition_id: int, size: Callable[[int], int] | None) -> Gate | None:
    """The edition's gate, or None when it may not go out. Its row stays locked until the transaction ends.

    `size`: audience -> how many go first; at the first claim a canary begins.
    """
    columns = (edition.c.state, edition.c.paused, edition.c.audience, edition.c.canary_left)
    row = connection.execute(select(*columns).where(edition.c.id == edition_id).with_for_update()).first()
    if row is None or row.paused or row.state not in OPEN:
        return None
    sending, left = row.state == EditionState.SENDING, row.canary_left
    if left is None and not sending and size is not None and (first := size(row.audience)):
        canaries.begin(connection, edition_id, first)
        left = first
    return Gate(sending=sending, left=left)


def leave(connection: Connection, edition_id: int, gate: Gate, count: int, canary_until: datetime) -> None:
    """Note that `count` messages of the edition were claimed."""
    if not gate.sending:
        first = (edition.c.id == edition_id) & (edition.c.state == EditionState.APPROVED)
        connection.execute(update(edition).where(first).values(state=EditionState.SENDING))
    if gate.left is not None:
        canaries.spend(connection, edition_id, count, canary_until)
