"""Presses from anywhere by anyone at any time over the real application, and what they count as afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import insert
from starlette.testclient import TestClient

from digest.db.schema import edition_post, post
from digest.db.session import write
from digest.domain.edition import EditionPost
from digest.domain.frozen import freeze
from digest.domain.post import Kind, Origin
from digest.pipeline.verdicts import Judged, judge_edition
from tests.conftest import NOW
from tests.linked import ANA, BROWSER, CONTENT, PERSON, POSTS, Linked, read_link, share_link

PROXY = "192.0.2.7"
SCANNER = {"user-agent": BROWSER}  # calls itself what people's browsers do, and does not say that it navigates
MAC = {**PERSON, "user-agent": BROWSER.replace("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7")}
PUBLIC = 17  # posts of a wide message: with their share page and two networks, and two posts inside, 70 links


class Web:
    """A running application behind one proxy, asked by anyone."""

    def __init__(self, linked: Linked, client: TestClient) -> None:
        self.linked = linked
        self._client = client

    def get(self, path: str, headers: Mapping[str, str] = PERSON, *, address: str = "198.51.100.1", method: str = "GET") -> Any:
        """One request now, from `address`."""
        return self._client.request(method, path, headers={**headers, "x-forwarded-for": address})

    def slug(self, network: str = "2", headers: Mapping[str, str] = PERSON, *, address: str = "198.51.100.1") -> str:
        """The path of the short link that Ana's share link for post 1 leads to."""
        self.get(share_link(ANA, 1, network), headers, address=address)
        made = {"1": "linkedin", "2": "x"}[network]
        return next(f"/l/{row['slug']}" for row in self.linked.short_links() if row["network"] == made and row["post_id"] == "cold-room")


@contextmanager
def running(linked: Linked, **changes: Any) -> Iterator[Web]:
    """The application, with an address of one's choice for each request."""
    with linked.client(address=PROXY, trusted_proxies=(PROXY,), **changes) as client:
        client.headers = {"accept": "*/*"}
        yield Web(linked, client)


def widen(linked: Linked) -> list[str]:
    """Make Ana's message one of 70 links; returns their paths, in the order of the page."""
    more = tuple(
        EditionPost(
            n=n,
            id=f"post-{n}",
            origin=Origin.CURATED,
            kind=Kind.ARTICLE,
            internal=False,
            title=f"Post {n}",
            why="One of many.",
            url=f"https://example.com/post/{n}",
        )
        for n in range(6, PUBLIC + 3)
    )
    intranet = replace(POSTS[3], url="https://intra.example.com/canteen")
    with write(linked.engine) as connection:
        for one in more:
            row = {"id": one.id, "title": one.title, "url": one.url, "origin": "curated", "visibility": "public", "first_seen_at": NOW}
            connection.execute(insert(post).values(**row))
            connection.execute(insert(edition_post).values(edition_id=linked.edition, n=one.n, post_id=one.id, internal=False))
    linked.change("post", {"id": "canteen"}, url=intranet.url)
    linked.change("edition", {"id": linked.edition}, content=freeze(replace(CONTENT, posts=(*POSTS[:3], intranet, POSTS[4], *more))), hash="wide")
    public = [1, 2, 5, *(one.n for one in more)]
    numbers = [*public, 3, 4]
    linked.change("token", {"token": ANA}, numbers=numbers)
    linked.change("message", {"employee_id": linked.people["ana"]}, picks=[[n, ""] for n in numbers])
    outside = [path for n in public for path in (read_link(ANA, n), *(share_link(ANA, n, letter) for letter in "012"))]
    return [*outside, read_link(ANA, 3), read_link(ANA, 4)]


def judge(linked: Linked, **changes: Any) -> Judged:
    """Judge the edition again, as the report does before it counts."""
    return judge_edition(linked.engine, linked.edition, replace(linked.settings().for_tracking(), **changes))


def classes(linked: Linked) -> list[str]:
    """The class of every click, oldest first, judged among the others."""
    judge(linked)
    return [row["class"] for row in linked.clicks()]


def visited(linked: Linked) -> list[tuple[str, list[str]]]:
    """Class and reasons of every visit, oldest first, judged among the others."""
    judge(linked)
    return [(row["class"], row["reasons"]) for row in linked.visits()]
