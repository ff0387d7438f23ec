"""People who share and strangers who follow, on the small edition of `linked`."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from digest.db.session import write
from tests.linked import ANA, PERSON, Linked, a_token, share_link


def crowd(linked: Linked, count: int) -> list[str]:
    """`count` more employees who got the letter; their share tokens."""
    tokens = [a_token(100 + n) for n in range(count)]
    with write(linked.engine) as connection:
        for n, token in enumerate(tokens):
            person = linked._person(connection, f"person{n}", "en")
            linked._message(connection, person, "12")
            linked._token(connection, token, person, [1, 2, 3, 4])
    return tokens


def slug(linked: Linked, web: TestClient, token: str = ANA, letter: str = "1", n: int = 1) -> str:
    """The short link that pressing a share link made."""
    before = {one["slug"] for one in linked.short_links()}
    web.get(share_link(token, n, letter), headers={"x-forwarded-for": "203.0.113.1"})
    [made] = {one["slug"] for one in linked.short_links()} - before
    return str(made)


def follow(web: TestClient, slug: str, host: int, **headers: str) -> Any:
    """A stranger at address number `host` follows a short link."""
    return web.get(f"/l/{slug}", headers={**PERSON, "x-forwarded-for": f"198.51.100.{host}", **headers})
