"""Recall: links that are out are stopped and let go on, and follow an article to its new address."""

from __future__ import annotations

import difflib
import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import recalls
from digest.db.recalls import Disabled, Linked
from digest.db.session import read, write
from digest.domain.slug import parse_slug
from digest.errors import DigestError, NotFoundError
from digest.pipeline import networks, queue

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The posts that letters link to, and the short links that are stopped."""

    posts: list[Linked]
    disabled: list[Disabled]

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        return {"posts": [asdict(one) for one in self.posts], "disabled": [asdict(one) for one in self.disabled]}


def listed(engine: Engine) -> Listing:
    """What `digest links list` shows; nobody's presses are in it."""
    with read(engine) as connection:
        return Listing(posts=recalls.linked(connection), disabled=recalls.disabled(connection))


def recall(engine: Engine, post: str, *, why: str, who: str, now: datetime) -> str:
    """Pause every link of a post at once; a sentence. Raises NotFoundError."""
    with write(engine) as connection:
        _known(connection, post)
        before = recalls.reason_of(connection, post)
        if before == why:
            return f"{post} was recalled already, with these words; nothing changed."
        recalls.recall(connection, post, why, who=who, now=now)
    if before is not None:
        return f"{post} was recalled already; its links say the new words now."
    return f"{post} is recalled: each of its links leads to a page that says why. `digest links restore {post}` takes it back."


def restore(engine: Engine, post: str, *, who: str, now: datetime) -> str:
    """Let a post's links lead on again; a sentence. Raises NotFoundError."""
    with write(engine) as connection:
        _known(connection, post)
        if recalls.reason_of(connection, post) is None:
            return f"{post} is not recalled; nothing changed."
        recalls.restore(connection, post, who=who, now=now)
    return f"{post} is back: its links lead to the article again."


def disable(engine: Engine, slug: str, *, why: str, who: str, now: datetime) -> str:
    """Stop one short link; a sentence. `slug` may be the whole link. Raises NotFoundError."""
    with write(engine) as connection:
        found, stopped = _slug(connection, slug)
        if stopped:
            return f"{found} is disabled already; nothing changed."
        recalls.disable(connection, found, why, who=who, now=now)
    return f"{found} is disabled: whoever follows it sees a page instead of the article."


def enable(engine: Engine, slug: str, *, who: str, now: datetime) -> str:
    """Let one short link lead on again; a sentence. Raises NotFoundError."""
    with write(engine) as connection:
        found, stopped = _slug(connection, slug)
        if not stopped:
            return f"{found} is not disabled; nothing changed."
        recalls.enable(connection, found, who=who, now=now)
    return f"{found} leads on again."


def follow(engine: Engine, config: Config, *, now: datetime) -> list[str]:
    """Bring the addresses of posts that are out up to date with the queue; sentences about those that moved.

    Letters are frozen, their links are not. A queue with problems, or none, moves nothing: planning is what complains about it.
    """
    try:
        here, gone = queue.authors(engine), queue.erased(engine)
        said = queue.load(config.queue_path, people=here, erased=gone, networks=networks.known(config), site_url=config.site.url)
    except DigestError as error:
        _log.info("addresses stay as they are: %s", error.summary)
        return []
    now_at: dict[str, str] = {post.id: post.url for post in said.posts if post.url}
    with read(engine) as connection:
        before = recalls.addresses(connection, now_at)
    moved = {post: (old, now_at[post]) for post, old in before.items() if old != now_at[post]}
    if moved:
        with write(engine) as connection:
            recalls.move(connection, moved, who="queue", now=now)
    return [f"{post} moved: its links lead to its new address." for post in moved]


def _known(connection: Connection, post: str) -> None:
    ids = recalls.post_ids(connection)
    if post not in ids:
        near = difflib.get_close_matches(post, ids, n=1)
        raise NotFoundError(
            post, "no post of this name was ever planned", hint=f"Did you mean {near[0]}?" if near else "`digest links list` names them."
        )


def _slug(connection: Connection, text: str) -> tuple[str, bool]:
    found = parse_slug(text.rpartition("/l/")[2])
    stopped = recalls.is_disabled(connection, found.slug) if found else None
    if found is None or stopped is None:
        raise NotFoundError(text, "there is no such short link", hint="Name it as in https://.../l/SLUG, or paste the whole link.")
    return found.slug, stopped
