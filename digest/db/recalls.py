"""Links that somebody stopped: a whole post's, or a single short link. What was stopped by whom, and why, stands in the audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, null, select, update

from digest.db.schema import audit, edition_post, post, short_link


@dataclass(frozen=True, kw_only=True)
class Linked:
    """A post that letters link to, as its links are now."""

    id: str
    title: str
    url: str | None
    recalled: str | None  # why its links are paused; None: they work
    editions: int  # how many carried it
    short_links: int


@dataclass(frozen=True, kw_only=True)
class Disabled:
    """A short link that was stopped on its own."""

    slug: str
    post: str
    network: str
    at: datetime
    why: str


def linked(connection: Connection) -> list[Linked]:
    """Every post that an edition carried, the newest first."""
    carried = select(edition_post.c.post_id, func.count().label("editions")).group_by(edition_post.c.post_id).subquery()
    short = select(short_link.c.post_id, func.count().label("links")).group_by(short_link.c.post_id).subquery()
    rows = connection.execute(
        select(post.c.id, post.c.title, post.c.url, post.c.recalled, carried.c.editions, func.coalesce(short.c.links, 0).label("links"))
        .join(carried, carried.c.post_id == post.c.id)
        .outerjoin(short, short.c.post_id == post.c.id)
        .order_by(post.c.first_seen_at.desc(), post.c.id),
    )
    return [Linked(id=r.id, title=r.title, url=r.url, recalled=r.recalled, editions=r.editions, short_links=r.links) for r in rows]


def disabled(connection: Connection) -> list[Disabled]:
    """Every short link that is stopped, the newest first, with the reason that was given last."""
    said = select(audit.c.subject, audit.c.detail).where(audit.c.what == "link.disable").order_by(audit.c.id)
    reasons = {row.subject: row.detail for row in connection.execute(said)}
    rows = connection.execute(select(short_link).where(short_link.c.disabled_at.is_not(None)).order_by(short_link.c.disabled_at.desc()))
    return [Disabled(slug=r.slug, post=r.post_id, network=r.network, at=r.disabled_at, why=reasons.get(f"slug:{r.slug}", "")) for r in rows]


def post_ids(connection: Connection) -> list[str]:
    """Every post there is."""
    return list(connection.execute(select(post.c.id).order_by(post.c.id)).scalars())


def reason_of(connection: Connection, post_id: str) -> str | None:
    """Why the post's links are paused, or None."""
    found = connection.execute(select(post.c.recalled).where(post.c.id == post_id)).scalar_one()
    return None if found is None else str(found)


def recall(connection: Connection, post_id: str, why: str, *, who: str, now: datetime) -> None:
    """Pause every link of a post; the page says why."""
    connection.execute(update(post).where(post.c.id == post_id).values(recalled=why))
    _note(connection, "post.recall", f"post:{post_id}", why, who, now)


def restore(connection: Connection, post_id: str, *, who: str, now: datetime) -> None:
    """Let every link of a post lead on again."""
    connection.execute(update(post).where(post.c.id == post_id).values(recalled=null()))
    _note(connection, "post.restore", f"post:{post_id}", "", who, now)


def is_disabled(connection: Connection, slug: str) -> bool | None:
    """Whether a short link is stopped; None when there is none of this name."""
    row = connection.execute(select(short_link.c.disabled_at).where(short_link.c.slug == slug)).first()
    return None if row is None else row.disabled_at is not None


def disable(connection: Connection, slug: str, why: str, *, who: str, now: datetime) -> None:
    """Stop one short link."""
    connection.execute(update(short_link).where(short_link.c.slug == slug).values(disabled_at=now))
    _note(connection, "link.disable", f"slug:{slug}", why, who, now)


def enable(connection: Connection, slug: str, *, who: str, now: datetime) -> None:
    """Let one short link lead on again."""
    connection.execute(update(short_link).where(short_link.c.slug == slug).values(disabled_at=null()))
    _note(connection, "link.enable", f"slug:{slug}", "", who, now)


def addresses(connection: Connection, posts: Iterable[str]) -> dict[str, str | None]:
    """Post -> the address its links lead to, for those of `posts` that are known."""
    rows = connection.execute(select(post.c.id, post.c.url).where(post.c.id.in_(list(posts))))
    return {row.id: row.url for row in rows}


def move(connection: Connection, moved: Mapping[str, tuple[str | None, str]], *, who: str, now: datetime) -> None:
    """Give posts another address: post -> (old, new). Links that are out follow at once."""
    for post_id, (old, new) in moved.items():
        connection.execute(update(post).where(post.c.id == post_id).values(url=new))
        _note(connection, "post.move", f"post:{post_id}", f"{old} -> {new}", who, now)


def _note(connection: Connection, what: str, subject: str, detail: str, who: str, now: datetime) -> None:
    connection.execute(insert(audit).values(at=now, who=who, what=what, subject=subject, detail=detail))
