"""Of somebody who was erased no word that they gave is left, in no edition and on no page; links that are out lead on."""

from __future__ import annotations

from pathlib import Path

import html5lib
import pytest
from sqlalchemy import Engine, insert, select, update
from starlette.testclient import TestClient

from digest.db import editions
from digest.db.schema import edition, edition_post, post
from digest.db.session import read, write
from digest.demo.mailbox import Mailbox
from digest.domain.frozen import NO_TITLE
from digest.pipeline import redacting, roster
from tests.conftest import NOW
from tests.linked import ANA, BEN, BROWSER_TOKEN, Linked, read_link, share_link
from tests.pipeline.test_redacting import MONDAY, POSTS, planned, send
from tests.pipeline.test_redacting import mailbox as mailbox  # noqa: PLC0414 - pytest finds a fixture by its name
from tests.web.conftest import linked as linked  # noqa: PLC0414 - a fixture, named for pytest
from tests.web.conftest import web as web  # noqa: PLC0414 - a fixture, named for pytest

GIVEN = POSTS.replace('id = "apples"', 'id = "apples-c7"').replace("/apples", "/apples-c7")


def erased(engine: Engine) -> None:
    roster.erase(engine, "ana@example.org", now=MONDAY, random=lambda: "draw")


@pytest.mark.parametrize("state", ["approved", "closed"])
def test_no_edition_keeps_the_words_that_an_erased_author_gave(engine: Engine, tmp_path: Path, mailbox: Mailbox, state: str) -> None:
    planned(engine, tmp_path, mailbox, GIVEN)
    with write(engine) as connection:
        connection.execute(update(edition).values(state=state))
    erased(engine)
    with read(engine) as connection:
        said = str(connection.execute(select(edition.c.content)).scalar_one()) + str(connection.execute(select(post.c.title)).all())
        found = {one.id: one for one in editions.content(connection, 1).posts}
    assert "Apples were counted" not in said
    assert (found["apples-c7"].title, found["apples-c7"].why, found["apples-c7"].url) == (NO_TITLE, "", "https://example.com/apples-c7")
    assert found["berries"].why == "They rot.", "what stands in the queue is the queue's"
    assert {one.author_id for one in found.values()} == {None}


def test_letters_that_are_still_to_go_carry_a_spare_instead(engine: Engine, tmp_path: Path, mailbox: Mailbox) -> None:
    config = planned(engine, tmp_path, mailbox, GIVEN)
    erased(engine)
    letters = send(engine, config, mailbox)
    assert list(letters) == ["ben@example.org"]
    for text in letters.values():
        assert "Apples" not in text
        assert "Silva" not in text
        assert NO_TITLE not in text
        assert text.count("were counted") == 2
    assert redacting.follow(engine, config) == []


def test_pages_forget_the_words_and_links_that_are_out_lead_on(linked: Linked, web: TestClient) -> None:
    with write(linked.engine) as connection:
        content = dict(connection.execute(select(edition.c.content)).scalar_one())
        first = content["posts"][0]
        first |= {"id": "cold-room-c1", "author_id": linked.people["ana"]}
        row = {"title": first["title"], "url": first["url"], "origin": "colleague", "visibility": "public", "first_seen_at": NOW}
        connection.execute(insert(post).values(id="cold-room-c1", **row))
        connection.execute(update(edition_post).where(edition_post.c.n == 1).values(post_id="cold-room-c1"))
        connection.execute(update(edition).values(content=content))
    pages = (f"/w/{BROWSER_TOKEN}", share_link(BEN, 1))
    assert all("The cold room that lied" in web.get(page).text for page in pages)
    roster.erase(linked.engine, "ana@example.com", now=linked.now, random=lambda: "draw")
    linked.wait(seconds=31)
    for page in pages:
        shown = web.get(page)
        html5lib.HTMLParser(strict=True).parse(shown.text)
        assert shown.status_code == 200
        assert not any(words in shown.text for words in ("cold room", "Inês", "minus twenty", "What surprised you", "calibration"))
    for token in (ANA, BEN):
        gone = web.get(read_link(token, 1))
        assert (gone.status_code, gone.headers["location"]) == (302, first["url"])
