"""Somebody who takes their name back is gone from our pages, those that were shown a moment ago included."""

from __future__ import annotations

from sqlalchemy import select, update
from starlette.testclient import TestClient

from digest.db.schema import edition
from digest.db.session import write
from tests.linked import BEN, BROWSER_TOKEN, Linked, share_link
from tests.web.test_me import own_link, send

PAGES = (f"/w/{BROWSER_TOKEN}", share_link(BEN, 1))


def test_a_withdrawn_name_leaves_our_pages_within_half_a_minute(linked: Linked, web: TestClient) -> None:
    with write(linked.engine) as connection:
        content = dict(connection.execute(select(edition.c.content)).scalar_one())
        content["posts"][0]["author_id"] = linked.people["ana"]
        connection.execute(update(edition).values(content=content))
    linked.change("employee", {"id": linked.people["ana"]}, named=True)
    assert all("Inês" in web.get(path).text for path in PAGES)
    send(linked, web, own_link(linked), "off-name", seconds=31)
    for path in PAGES:
        page = web.get(path).text
        assert "Inês" not in page
        assert "calibration lab" in page
