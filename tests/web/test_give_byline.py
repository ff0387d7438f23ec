"""What stands beside a post on the pages that its author agrees on: exactly what the letter prints."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from starlette.testclient import TestClient

from digest.config import Config
from digest.db import people
from digest.db.session import read
from digest.domain.capability import Purpose
from digest.domain.edition import EditionPost
from digest.domain.planning import _freeze_post
from digest.pipeline import contribution_posts
from digest.pipeline.contribution_moderation import Change, accept, edit
from tests.giving import BY, fields, give_link, mailed, press, sent
from tests.linked import OURS, SITE, Linked

NAMED = "Ana Sousa, Quality, Portugal"
NAMELESS = "A colleague, Quality"


@pytest.fixture
def web(linked: Linked) -> Iterator[TestClient]:
    linked.change("employee", {"id": linked.people["ana"]}, name="Ana Sousa", team="Quality", country="PT")
    with linked.client(look=lambda _url: None) as client:
        yield client


def looks(page: str) -> str:
    """The byline of the post as the page shows it."""
    return page.split('<article class="post looks', 1)[1].split('<p class="small">', 1)[1].split("</p>", 1)[0].strip()


def said_yes(linked: Linked, web: TestClient, path: str, **typed: str) -> str:
    """Say yes as a person does, who reads first."""
    form = fields(web.get(path).text, "yes")
    linked.wait(seconds=30)
    return str(web.post(path, data={**form, **typed}, headers=OURS).text)


def printed(linked: Linked, day: date) -> EditionPost:
    """The post as an edition carries it."""
    with read(linked.engine) as connection:
        [post] = contribution_posts.offered(connection, Config(), day).posts
        author = people.by_ids(connection, [linked.people["ana"]])[linked.people["ana"]]
    return _freeze_post(1, post, {post.by or "": author}, frozenset(), internal=post.visibility == "internal", opens=None)


def test_who_ticks_their_name_sees_it_on_every_page_and_in_the_letter(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked))
    path = mailed(linked.engine, Purpose.CONFIRM)
    asked = web.get(path).text
    assert looks(asked) == NAMELESS
    assert f"Print my name beside what I write: <bdi>{NAMED}</bdi>" in asked
    assert looks(said_yes(linked, web, path, named="1")) == NAMED
    linked.wait(minutes=5)
    edit(linked.engine, 1, BY, Change(new={"why": "Older than most data."}, reason="facts", note=""), site_url=SITE, now=linked.now)
    assert looks(web.get(mailed(linked.engine, Purpose.AGREE)).text) == NAMED
    press(web, mailed(linked.engine, Purpose.AGREE), "yes")
    accept(linked.engine, 1, BY, linked.now)
    post = printed(linked, linked.now.date())
    assert (post.author, post.author_team, post.author_place) == ("Ana Sousa", "Quality", "PT")


def test_who_ticks_nothing_stays_a_colleague_on_every_page_and_in_the_letter(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked))
    assert looks(press(web, mailed(linked.engine, Purpose.CONFIRM), "yes").text) == NAMELESS
    accept(linked.engine, 1, BY, linked.now)
    assert looks(web.get(mailed(linked.engine, Purpose.AGREE)).text) == NAMELESS
    post = printed(linked, linked.now.date())
    assert (post.author, post.author_team, post.author_place) == ("", "Quality", "")


def test_a_draft_is_looked_at_with_the_name_that_is_ticked_and_the_tick_stays(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked), "keep")
    path = mailed(linked.engine, Purpose.CONFIRM)
    assert looks(sent(web, path, "look", "draft", what="https://example.com/a", why="Words.").text) == NAMELESS
    page = sent(web, path, "look", "draft", what="https://example.com/a", why="Words.", named="1").text
    assert looks(page) == NAMED
    assert 'name="named" value="1" checked' in page


def test_inside_posts_are_signed_without_a_place_as_in_the_letter(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked), visibility="internal")
    assert looks(said_yes(linked, web, mailed(linked.engine, Purpose.CONFIRM), named="1")) == "Ana Sousa, Quality"


def test_whoever_has_somebody_elses_letter_sees_neither_name_nor_team(linked: Linked, web: TestClient) -> None:
    linked.change("employee", {"id": linked.people["ana"]}, named=True)
    page = sent(web, give_link(linked), "look").text
    assert looks(page) == "A colleague"
    assert "Ana" not in page
    assert "Quality" not in page
