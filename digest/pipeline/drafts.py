"""Feeds and pages become drafts in the queue: what is new in them, and nothing that the queue or an edition already had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, select

from digest.db.schema import post
from digest.db.session import read
from digest.domain.link import web_address, without_utm
from digest.domain.post import Queue
from digest.files import drafts
from digest.files.drafts import Draft
from digest.files.feeds import read_feed
from digest.net.fetch import PUBLIC, Fetched, Way, fetch
from digest.net.kinds import Kind
from digest.net.preview import preview

_MOST = 4 * 2**20  # octets of a page or feed
_SECURE = "https://"


@dataclass(frozen=True, kw_only=True)
class Drafted:
    """What was written, and what was there before."""

    file: Path
    written: tuple[Draft, ...] = field(default=())
    known: int = 0
    more: int = 0  # new ones beyond `most`


def from_page(url: str, queue: Path, known: Callable[[], frozenset[str]], now: datetime, way: Way = PUBLIC) -> Drafted:
    """Draft a post of what a page says about itself. Raises FetchError, UnreadableFileError or FileProblemsError."""
    page = fetch(url, kinds={Kind.PAGE}, most=_MOST, way=way)
    draft = _of_page(page)
    if draft.url in known():
        return Drafted(file=drafts.place(queue), known=1)
    return Drafted(file=drafts.append(queue, [draft], now.date()), written=(draft,))


def from_feed(url: str, queue: Path, known: Callable[[], frozenset[str]], now: datetime, *, most: int, way: Way = PUBLIC) -> Drafted:
    """Draft the newest `most` entries of a feed that are new here. Raises as `from_page`."""
    answer = fetch(url, kinds={Kind.FEED}, most=_MOST, way=way)
    entries = read_feed(answer.data, answer.url)
    had = known()
    new = [Draft(title=e.title, url=e.url, they_say=e.summary, language=e.language, source=answer.url) for e in entries if e.url not in had]
    done = Drafted(file=drafts.place(queue), known=len(entries) - len(new), more=max(len(new) - most, 0))
    if not new[:most]:
        return done
    drafts.append(queue, new[:most], now.date())
    return Drafted(file=done.file, written=tuple(new[:most]), known=done.known, more=done.more)


def _of_page(page: Fetched) -> Draft:
    said = preview(page)
    url = without_utm(said.canonical or page.url)
    if _host(url) != _host(page.url):
        url = without_utm(page.url)  # a page may call another site's its own; we were asked for this one
    image = said.image if said.image.startswith(_SECURE) else ""
    title = said.title or url
    return Draft(title=title, url=url, they_say=said.description, language=said.language, image=image, image_alt=said.image_alt, source=page.url)


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


def addresses(queue: Queue, engine: Engine | None) -> frozenset[str]:
    """The articles that stand in the queue, drafts among them, or stood in an edition. `engine`: None where there is no database yet."""
    stored: Sequence[str | None] = []
    if engine is not None:
        with read(engine) as connection:
            stored = connection.execute(select(post.c.url).where(post.c.url.is_not(None))).scalars().all()
    found = [web_address(url) for url in [*(one.url for one in (*queue.posts, *queue.drafts)), *stored]]
    return frozenset(without_utm(url) for url in found if url)
