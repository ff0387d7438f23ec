"""The quality skip: a week with too few posts has no edition, and the posts that there are wait for the next."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from digest.config import Config
from digest.db import editions
from digest.db.session import write
from digest.domain.edition import EditionContent, EditionState
from digest.domain.message import SkipReason
from digest.domain.selection import passes
from digest.errors import EditionError


class TooFewError(EditionError):
    """The week has fewer posts than an edition needs."""


def enough(content: EditionContent, config: Config) -> None:
    """Raises TooFewError for an edition with too little in it."""
    least, there = config.mix.at_least, len(content.posts)
    if not passes(content.posts, least):
        said = f"{there} {'post is' if there == 1 else 'posts are'} open on {content.day}, and an edition needs {least} (mix.at_least)"
        raise TooFewError(content.period, said, hint="Add posts to the queue; `digest queue list` shows which are open when.")


def skip(engine: Engine, period: str, why: TooFewError, now: datetime) -> list[str]:
    """Record that the week has no edition; a sentence, once. It is planned after all when there are enough posts in time."""
    with write(engine) as connection:
        found, _ = editions.open_once(connection, period, now)
        if not editions.move(connection, found.id, EditionState.SKIPPED, now=now, reason=SkipReason.TOO_FEW):
            return []
    return [f"{period} is skipped: {why.detail}. It is planned once there are enough in time."]
