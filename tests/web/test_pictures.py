"""Pictures over HTTP: the same octets for everybody, kept for ever, told apart from pages, and nothing noted."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image
from sqlalchemy import delete, func, select, update
from starlette.testclient import TestClient

from digest.db import pictures
from digest.db.schema import audit, click, edition, picture, visit
from digest.db.session import read, write
from digest.domain.edition import EditionContent
from digest.domain.frozen import freeze, thaw
from digest.domain.picture import Picture
from digest.web.pictures import Shelf
from tests.conftest import NOW
from tests.linked import BROWSER_TOKEN, SITE, Linked

NAME = "0123456789abcdefghjkmnpqrs.jpg"
FACE = "zyxwvtsrqpnmkjhgfedcba9876.jpg"


def jpeg(colour: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (80, 60), colour).save(out, "JPEG")
    return out.getvalue()


def keep(linked: Linked, name: str = NAME, octets: bytes | None = None) -> bytes:
    data = jpeg() if octets is None else octets
    with write(linked.engine) as connection:
        pictures.put(connection, name, "image/jpeg", (80, 60), data, NOW)
    return data


def test_a_picture_is_served_to_keep_and_to_show_anywhere(linked: Linked, web: TestClient) -> None:
    data = keep(linked)
    found = web.get(f"/p/{NAME}")
    assert (found.status_code, found.content, found.headers["content-type"]) == (200, data, "image/jpeg")
    assert found.headers["content-length"] == str(len(data))
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["cross-origin-resource-policy"] == "cross-origin"
    assert found.headers["x-robots-tag"] == "noindex, nofollow"
    assert "sandbox" in found.headers["content-security-policy"]
    assert "set-cookie" not in found.headers


def test_everybody_gets_the_same_and_nothing_is_noted(linked: Linked, web: TestClient) -> None:
    keep(linked)
    answers = [
        web.get(f"/p/{NAME}", headers=headers)
        for headers in ({}, {"user-agent": "GoogleImageProxy"}, {"cookie": "a=b"}, {"referer": "https://evil.example/"}, {"accept-language": "de"})
    ]
    assert len({(answer.content, str(sorted(answer.headers.items()))) for answer in answers}) == 1
    with read(linked.engine) as connection:
        assert [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (click, visit, audit)] == [0, 0, 0]


def test_a_picture_that_is_had_already_is_not_sent_again(linked: Linked, web: TestClient) -> None:
    keep(linked)
    tag = web.get(f"/p/{NAME}").headers["etag"]
    again = web.get(f"/p/{NAME}", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    head = web.head(f"/p/{NAME}")
    assert (head.status_code, head.content) == (200, b"")
    assert web.get(f"/p/{NAME.upper()}").status_code == 200  # gateways change the case of addresses


@pytest.mark.parametrize(
    "path",
    ["/p/", "/p/x", f"/p/{FACE}", f"/p/{NAME}/", f"/p/../p/{NAME}x", "/p/%00", "/p/" + "a" * 5000, f"/p/{NAME}.png", "/p/0123.svg", "/p/é.jpg"],
)
def test_a_name_of_nothing_is_the_page_of_nothing(linked: Linked, web: TestClient, path: str) -> None:
    keep(linked)
    found = web.get(path)
    assert found.status_code == 404
    assert "cache-control" in found.headers
    assert "immutable" not in found.headers["cache-control"]


def test_nobody_can_put_a_picture_there(web: TestClient) -> None:
    for method in ("PUT", "DELETE"):
        assert web.request(method, f"/p/{NAME}").status_code == 405
    assert web.post(f"/p/{NAME}", headers={"sec-fetch-site": "same-origin"}).status_code == 405


def test_the_shelf_holds_a_few_for_a_minute_and_forgets_what_is_gone(linked: Linked) -> None:
    now = 0.0
    shelf = Shelf(linked.engine, room=100, monotonic=lambda: now)
    for n in range(4):
        keep(linked, f"{n}{NAME[1:]}", b"x" * 40)
    assert [len(found.octets) for n in range(4) if (found := shelf.get(f"{n}{NAME[1:]}"))] == [40] * 4
    assert len(shelf._held) == 2
    with write(linked.engine) as connection:
        connection.execute(delete(picture))
    assert shelf.get(f"3{NAME[1:]}") is not None
    assert shelf.get(f"0{NAME[1:]}") is None
    now = 61.0
    assert shelf.get(f"3{NAME[1:]}") is None
    assert len(shelf._held) == 1


def illustrate(linked: Linked) -> EditionContent:
    """Every post gets a picture, and who is named a face."""
    with write(linked.engine) as connection:
        row = connection.execute(select(edition.c.id, edition.c.content).where(edition.c.browser_token == BROWSER_TOKEN)).one()
        content = thaw(row.content)
        shown = Picture(name=NAME, width=536, height=402)
        posts = tuple(
            replace(post, picture=shown, image_alt=f"What {post.id} is", face=Picture(name=FACE, width=40, height=40) if post.author else None)
            for post in content.posts
        )
        connection.execute(update(edition).where(edition.c.id == row.id).values(content=freeze(replace(content, posts=posts))))
    return content


def test_the_edition_in_a_browser_shows_public_pictures_alone(linked: Linked) -> None:
    """D11: forwarded outside it shows what is public, its pictures too, without tokens, leaving, votes or a cookie."""
    content = illustrate(linked)
    with linked.client() as web:
        page = web.get(f"/w/{BROWSER_TOKEN}")
    assert page.status_code == 200
    for post in content.posts:
        assert (f'alt="What {post.id} is"' in page.text) is not post.internal
        assert (post.title in page.text) is not post.internal
    assert page.text.count(f'src="{SITE}/p/{FACE}"') == sum(bool(post.author) and not post.internal for post in content.posts) > 0
    assert "set-cookie" not in page.headers
    for path in ("/r/", "/s/", "/u/", "/me/", "/give/", "/v/", "/a/", "/pass/"):
        assert path not in page.text
    assert "<form" not in page.text
