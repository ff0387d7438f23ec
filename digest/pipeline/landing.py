"""Where a visitor of a short link arrives: the article's address of now, with UTM values, and a click id on listed hosts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from digest.db.short_links import ShortLink
from digest.domain.link import CLICK_ID_BYTES, click_id, web_address, with_click_id, with_utm
from digest.domain.press import GO, UNKNOWN, LinkedPost, Standing
from digest.pipeline.answer import NOWHERE, Answer

log = logging.getLogger(__name__)


def landing(link: ShortLink) -> str:
    """The article's address with UTM values, where they fit; "" when there is no address."""
    address = web_address(link.post.url) or ""
    target = with_utm(address, source=link.network, campaign=link.period, content=link.post.id)
    if address and target == address and "utm_campaign=" not in address.lower():
        _no_room(link.post.id)
    return target


def visited(found: Standing, link: ShortLink | None, made: str, now: datetime) -> Answer:
    """The answer to a visit. `made`: the click id that goes with the visitor, or ""."""
    if link is None or found is UNKNOWN:
        return NOWHERE
    if found is not GO:
        return Answer(standing=found, title=public_title(link.post, now), detail=link.post.recalled or "")
    return Answer(standing=found, target=with_click_id(landing(link), made) if made else landing(link))


def public_title(post: LinkedPost, now: datetime) -> str:
    """What a page may call the post: a forwarded link must not tell what stays inside."""
    return "" if post.inside(now) else post.title


@lru_cache(maxsize=1024)
def _no_room(post: str) -> None:
    """Said once for each post."""
    log.warning("post %s: its address is too long for UTM values, so visitors carry none", post)


def new_click_id(link: ShortLink, hosts: Collection[str], random: Callable[[int], bytes]) -> str:
    """An id to go with one visitor; "" when the place is not on the operator's list, or its address has no room for one."""
    if not hosts:
        return ""
    target = landing(link)
    if urlsplit(target).hostname not in hosts:
        return ""
    made = click_id(random(CLICK_ID_BYTES))
    return made if with_click_id(target, made) != target else ""
