"""What employees gave before the wall, together with the queue: as planning will see it, while there is time to mend it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine

from digest.config import Config
from digest.db import people
from digest.db.session import read
from digest.domain.contribution import Contribution
from digest.domain.post import Queue
from digest.errors import DigestError
from digest.pipeline import networks, queue, wall
from digest.pipeline.contribution_posts import Offered, known, merged


def names(engine: Engine) -> frozenset[str]:
    """Full names that stay inside where an internal post has them. Raises StorageError."""
    with read(engine) as connection:
        return people.names(connection)


def would_stop(engine: Engine, config: Config, one: Contribution, now: datetime) -> list[str]:
    """What this post, once it is offered, makes the wall stop an edition for; a sentence each."""
    given = known(engine, config, now)
    without = replace(given, posts=tuple(post for post in given.posts if post.id != one.post_id))
    if len(without.posts) == len(given.posts):
        return []  # it is not offered yet
    said, guard = _queue(config), wall.guard(config, now.astimezone(config.site_zone).date(), names(engine))
    before = wall.leaking(merged(said, without), guard)
    return [leak for leak in wall.leaking(merged(said, given), guard) if leak not in before]


def _queue(config: Config) -> Queue:
    """What is good in the queue; what is not is `queue check`'s to say."""
    try:
        return queue.check(config.queue_path, people=None, networks=networks.known(config), site_url=config.site.url).queue
    except DigestError:
        return Queue()


def stopped(said: Queue, given: Offered, guard: wall.Wall) -> list[str]:
    """What the wall stops an edition for in a queue that is without problems itself; a sentence each."""
    return wall.leaking(merged(said, given), guard) if given.posts else []
