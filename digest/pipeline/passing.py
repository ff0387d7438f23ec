"""Passing on: an internal post goes to one colleague by a notice. Nothing is kept of it but how many a person passed on that day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Engine

from digest.db import notices, people, quotas, suppressions
from digest.db.control import Holder
from digest.db.session import write
from digest.domain.edition import EditionPost
from digest.domain.link import web_address
from digest.domain.notice import Notice, Told
from digest.domain.prose import plain
from digest.domain.translation import post_in

_PASS, _GET = "pass", "passed"
_RECEIVED = 5  # posts that one person is passed in a day; more would be a way to annoy


def pass_on(engine: Engine, holder: Holder, post: EditionPost, address: str, *, most: int, now: datetime) -> bool:
    """Send the post's words to whoever has that address, if they are on the roster; False when the day's turns are used up.

    The answer is the same whether or not anybody has it: nobody learns from it who works here.
    """
    with write(engine) as connection:
        if not quotas.take(connection, _PASS, holder.employee, now, most):
            return False
        _deliver(connection, holder, post, address, now)
    return True


def _deliver(connection: Connection, holder: Holder, post: EditionPost, address: str, now: datetime) -> None:
    to = people.by_address(connection, address)
    if to is None or to.left_at is not None or suppressions.reasons(connection, [to.address.lower()], now):
        return
    if not quotas.take(connection, _GET, to.id, now, _RECEIVED):
        return
    mine = post_in(post, to.language)
    words = f"{mine.title}\n\n{plain(mine.why)}"
    told = Told(quotes=(("", words),), url=web_address(mine.url) or "")
    notices.put(connection, to.id, Notice.PASSED, now, about=f"pass:{holder.edition}.{post.n}", told=told)
