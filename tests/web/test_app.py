"""The application around the pages: the edition in a browser, health, errors, and what every answer carries."""

from __future__ import annotations

import logging

import html5lib
import pytest
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from digest.db.session import write
from digest.web.app import make_app
from digest.web.pages import spoken, words
from tests.linked import ANA, BROWSER_TOKEN, SITE, Linked, read_link, share_link


def test_the_edition_in_a_browser_shows_public_posts_without_personal_links(linked: Linked, web: TestClient) -> None:
    page = web.get(f"/w/{BROWSER_TOKEN}")
    assert page.status_code == 200
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert 'href="https://example.com/blog/cold-room?a=1&amp;a=2#door"' in page.text
    for secret in ("/r/", "/s/", "/u/", "/l/", ANA, "pay bands", "canteen", "intra.example.com", "Returns", "3%"):
        assert secret not in page.text
    assert "Inside only" in page.text
    assert "2 more stories" in page.text
    assert "set-cookie" not in page.headers
    assert linked.clicks() == []


def test_a_recalled_or_now_internal_post_leaves_the_edition_at_once(linked: Linked, web: TestClient) -> None:
    linked.change("post", {"id": "cold-room"}, recalled="why")
    linked.change("post", {"id": "batteries"}, visibility="internal")
    page = web.get(f"/w/{BROWSER_TOKEN}").text
    assert "cold room" not in page
    assert "40,000" not in page


def test_a_post_that_became_internal_can_no_longer_be_shared(linked: Linked, web: TestClient) -> None:
    web.get(share_link(ANA, 2, "2"))
    slug = linked.short_links()[0]["slug"]
    linked.change("post", {"id": "batteries"}, visibility="internal")
    assert web.get(share_link(ANA, 2, "2")).status_code == 403
    page = web.get(f"/l/{slug}")
    assert "location" not in page.headers
    assert "40,000" not in page.text


def test_health_answers_while_the_database_does(web: TestClient) -> None:
    assert (web.get("/healthz").status_code, web.get("/healthz").text) == (200, "ok\n")


def test_previews_may_follow_what_people_post(web: TestClient) -> None:
    assert "Allow: /l/" in web.get("/robots.txt").text


def test_an_edition_that_was_forwarded_outside_has_no_link_of_anybody_s_own(web: TestClient) -> None:
    """D11: no personal token, no way to leave, vote, answer or choose, and no cookie."""
    page = web.get(f"/w/{BROWSER_TOKEN}")
    assert [room for room in ("u", "v", "a", "me", "give", "pass", "r", "s", "c", "refer") if f"/{room}/" in page.text] == []
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize("path", ["/", "/admin", "/s/..;/admin", "/%2e%2e/etc", "//evil.example/..%2f", "/r", "/r/", "/s//", "/w/", "/u/", "/l/%00"])
def test_everything_else_is_a_kind_page(web: TestClient, path: str) -> None:
    page = web.get(f"{SITE}{path}")
    assert page.status_code == 404
    assert "This link is not complete" in page.text


def test_pages_answer_in_the_language_of_the_browser(web: TestClient) -> None:
    page = web.get("/r/x", headers={"accept-language": "de-AT,de;q=0.9,en;q=0.1"})
    assert "nicht vollständig" in page.text
    assert (page.headers["content-language"], page.headers["vary"]) == ("de", "Accept-Language")
    assert web.get("/r/x", headers={"accept-language": "tlh"}).headers["content-language"] == "en"


def test_every_language_has_every_word() -> None:
    assert {language: set(words(language).phrases) ^ set(words("en").phrases) for language in spoken()} == {language: set() for language in spoken()}


def test_without_its_tables_every_door_gives_a_page_and_no_bare_error(linked: Linked, web: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    web.get(read_link(ANA, 1))
    leave = linked.leave_link()
    with write(linked.engine) as connection:
        for table in ("click", "token", "key", "edition_post"):
            connection.execute(text(f"ALTER TABLE {table} RENAME TO {table}_gone"))
        connection.execute(text("ALTER TABLE edition RENAME TO edition_gone"))
    with caplog.at_level(logging.WARNING):
        answers = [web.get(path) for path in (read_link(ANA, 1), share_link(ANA, 1), share_link(ANA, 1, "2"), leave, f"/w/{BROWSER_TOKEN}")]
    assert [answer.status_code for answer in answers] == [503] * 5
    assert all("Something is broken on our side" in answer.text and answer.headers["retry-after"] == "30" for answer in answers)
    assert ANA not in caplog.text
    assert BROWSER_TOKEN not in caplog.text


def test_a_fault_of_ours_is_a_page_for_people_and_a_trace_for_the_log(linked: Linked, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_request: Request) -> Response:
        raise RuntimeError("secret words")

    app = make_app(linked.engine, linked.settings(), lambda: linked.now, routes=[Route("/broken/{tail:path}", broken)])
    with TestClient(app, base_url=SITE) as web:
        answer = web.get("/broken/k7q2m9x4c8v3")
    assert answer.status_code == 503
    assert "secret words" not in answer.text
    assert "RuntimeError" in caplog.text


def test_one_bad_press_in_a_batch_spoils_nobody_else_s(linked: Linked, web: TestClient) -> None:
    from concurrent.futures import ThreadPoolExecutor

    linked.change("token", {"token": ANA}, numbers="not a list")  # a row that cannot be read
    from tests.linked import BEN

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda text: web.get(read_link(text, 1)).status_code, [ANA, BEN] * 10))
    assert answers[1::2] == [302] * 10
    assert len(linked.clicks()) == 10
