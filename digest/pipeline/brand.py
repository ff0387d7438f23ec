"""Short links for the brand's own accounts: one for each public post and network, so that reach can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from digest.config import Config
from digest.db import editions, links, short_links
from digest.db.session import read, write
from digest.domain.link import web_address, with_utm
from digest.domain.outcome import Channel
from digest.domain.press import LinkedPost
from digest.pipeline.edition import find


@dataclass(frozen=True, kw_only=True)
class BrandLink:
    """What the brand's account on one network posts a link to."""

    post: str
    title: str
    network: str
    label: str
    link: str


@dataclass(frozen=True, kw_only=True)
class BrandLinks:
    """The links of an edition, and the posts that have none with the reason."""

    period: str
    links: tuple[BrandLink, ...]
    without: dict[str, str]


def brand_links(engine: Engine, config: Config, period: str | None, *, now: datetime, random: Callable[[int], bytes]) -> BrandLinks:
    """The links for the brand's accounts, made where there are none; again gives the same. Raises EditionError.

    With tracking off a link is the article's own address, with `sharing.link = "canonical"` that with UTM values, as for employees.
    """
    with read(engine) as connection:
        found = find(connection, period)
        content = editions.content(connection, found.id)
        current = links.current(connection, [post.id for post in content.posts])
    outward = [current.get(post.id) for post in content.posts if not post.internal]
    posts = [post for post in outward if post is not None and not _why_not(post, now)]
    networks = [(name, label) for _, name, label in content.networks]
    wants = [short_links.Want(owner=Channel.BRAND.value, edition=found.id, post=post.id, network=name) for post in posts for name, _ in networks]
    short = config.sharing.link == "short" and config.tracking.mode != "off"
    slugs = _made(engine, wants, now, random) if short else {}

    def address(post: LinkedPost, network: str) -> str:
        slug = slugs.get((Channel.BRAND.value, post.id, network))
        if slug:
            return f"{config.site.url}/l/{slug}"
        plain = web_address(post.url) or ""
        return plain if config.tracking.mode == "off" else with_utm(plain, source=network, campaign=found.period, content=post.id)

    return BrandLinks(
        period=found.period,
        links=tuple(
            BrandLink(post=post.id, title=post.title, network=name, label=label, link=address(post, name))
            for post in posts
            for name, label in networks
        ),
        without={post.id: why for post in outward if post is not None and (why := _why_not(post, now))},
    )


def _why_not(post: LinkedPost, now: datetime) -> str:
    if post.internal:
        return "it is internal now"
    if post.recalled is not None:
        return "its links are paused"
    if post.public_from is not None and post.inside(now):
        return f"it is inside until {post.public_from:%Y-%m-%d %H:%M} UTC"
    return "" if web_address(post.url) else "it has no address"


def _made(engine: Engine, wants: Iterable[short_links.Want], now: datetime, random: Callable[[int], bytes]) -> dict[tuple[str, str, str], str]:
    wanted = list(wants)
    with read(engine) as connection:
        have = short_links.slugs(connection, wanted) if wanted else {}
    if len(have) < len(wanted):
        with write(engine) as connection:
            have = short_links.mint(connection, wanted, random, now)
    return have
