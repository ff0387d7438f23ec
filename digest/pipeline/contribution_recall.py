"""A contribution that is taken back or declined after an edition was planned with it: its links lead to a page that says so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from digest.db import recalls
from digest.domain.contribution import Contribution

_TAKEN_BACK = "The post was taken back."


def take_off(connection: Connection, one: Contribution, now: datetime, *, who: str) -> None:
    """Pause the links of its post, where an edition has it."""
    if one.post_id is not None and one.post_id in recalls.post_ids(connection):
        recalls.recall(connection, one.post_id, _TAKEN_BACK, who=who, now=now)


def put_back(connection: Connection, one: Contribution, now: datetime, *, who: str) -> None:
    """Let them lead on again, unless somebody else has paused them."""
    known = one.post_id is not None and one.post_id in recalls.post_ids(connection)
    if known and one.post_id is not None and recalls.reason_of(connection, one.post_id) == _TAKEN_BACK:
        recalls.restore(connection, one.post_id, who=who, now=now)
