"""The simplest gift: a few sentences are plenty, a draft may be unfinished, and what cannot be opened is said before it is sent."""

from __future__ import annotations

from collections.abc import Iterator

import html5lib
import pytest
from starlette.testclient import TestClient

from digest.domain.capability import Purpose
from digest.domain.contribution import ContributionState
from digest.domain.notice import Notice
from digest.pipeline.contribution_look import Seen
from tests.controlled import controls, path
from tests.giving import POST, count, fields, give_link, mailed, noticed, one, press, sent
from tests.linked import OURS, Linked

SAID = {"what": "We moved the ovens. It took a night.", "why": ""}
UNSEEN = "We could not look at the page"
_S = ContributionState


@pytest.fixture
def web(linked: Linked) -> Iterator[TestClient]:
    def look(url: str) -> Seen | None:
        return Seen(title="Ovens") if url.startswith("https://example.com/") else None

    with linked.client(look=look) as client:
        yield client


def test_a_few_sentences_alone_are_taken_in_one_go_and_stay_inside(linked: Linked, web: TestClient) -> None:
    page = sent(web, give_link(linked), "look", **SAID)
    assert page.status_code == 200
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert "There is no link, so it stays at" in page.text
    assert 'value="internal" checked' in page.text
    done = web.post(give_link(linked), data={**fields(page.text), **POST, **SAID, "do": "send"}, headers=OURS)
    assert "Now look into your mailbox" in done.text
    assert (one(linked.engine).words.visibility, one(linked.engine).words.kind) == ("internal", "story")
    assert "We have it" in press(web, mailed(linked.engine, Purpose.CONFIRM), "yes").text
    assert one(linked.engine).state is _S.PROPOSED


def test_the_page_says_before_anything_is_written_what_becomes_of_a_post_without_a_link(linked: Linked, web: TestClient) -> None:
    assert "Without a link it stays at" in web.get(give_link(linked)).text


def test_who_adds_a_link_may_still_choose_everybody(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked), "look", **SAID)
    sent(web, give_link(linked), what=f"https://example.com/a {SAID['what']}", why="")
    assert one(linked.engine).words.visibility == "public"


def test_a_link_among_the_reasons_is_a_link(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked), what="We moved the ovens.", why="How it went: https://example.com/night.")
    assert (one(linked.engine).words.url, one(linked.engine).words.visibility) == ("https://example.com/night", "public")


@pytest.mark.parametrize(
    "typed", [SAID, {"what": "https://example.com/a", "why": ""}, {"what": "http://127.0.0.1/", "why": ""}, {"what": "", "why": "", "title": "Ovens"}]
)
def test_an_unfinished_draft_is_kept_as_it_is(linked: Linked, web: TestClient, typed: dict[str, str]) -> None:
    assert "Your draft is kept" in sent(web, give_link(linked), "keep", **typed).text
    assert one(linked.engine).state is _S.DRAFT
    assert [told.kind for told in noticed(linked.engine)] == [Notice.KEPT_DRAFT]
    path = mailed(linked.engine, Purpose.CONFIRM)
    draft = web.get(path).text
    html5lib.HTMLParser(strict=True).parse(draft)
    assert all(text in draft for text in typed.values())
    assert "Your draft is kept" in web.post(path, data={**fields(draft, "draft"), **typed, "do": "keep"}, headers=OURS).text


def test_an_unfinished_draft_is_not_proposed(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked))
    path = mailed(linked.engine, Purpose.CONFIRM)
    yes = fields(web.get(path).text, "yes")
    linked.change("contribution", {"id": 1}, state="draft")
    web.post(path, data=yes, headers=OURS)
    assert one(linked.engine).state is _S.DRAFT
    unfinished = web.post(path, data={**fields(web.get(path).text, "draft"), "what": "https://example.com/a", "do": "send"}, headers=OURS)
    assert unfinished.status_code == 422
    assert one(linked.engine).state is _S.DRAFT


@pytest.mark.parametrize(("typed", "says"), [({"what": " ", "why": ""}, "no words yet"), ({"why": "x" * 4001}, "4,000 characters")])
def test_nothing_at_all_and_too_much_are_no_draft(linked: Linked, web: TestClient, typed: dict[str, str], says: str) -> None:
    page = sent(web, give_link(linked), "keep", **{**POST, **typed})
    assert (page.status_code, says in page.text, count(linked.engine)) == (422, True, 0)


INSIDE = [
    "http://127.0.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://localhost:8080/",
    "http://[::1]/",
    "http://2130706433/",
    "http://wiki/",
]
INSIDE += ["http://10.0.0.7/a", "https://pages.intranet/", "https://printer.local/", "http://[fe80::1]/", "http://wiki.home.arpa./a"]


@pytest.mark.parametrize("url", INSIDE)
def test_what_nobody_outside_can_open_is_no_link_of_a_public_post(linked: Linked, web: TestClient, url: str) -> None:
    for do in ("look", "send"):
        page = sent(web, give_link(linked), do, what=url)
        assert page.status_code == 422
        assert "Nobody outside can open that address" in page.text
    assert count(linked.engine) == 0
    page = sent(web, give_link(linked), "look", what=url, visibility="internal")
    assert (page.status_code, UNSEEN in page.text) == (200, True)
    sent(web, give_link(linked), what=url, visibility="internal")
    assert one(linked.engine).words.visibility == "internal"
    assert one(linked.engine).words.url


def test_a_page_that_could_not_be_looked_at_is_said_so(linked: Linked, web: TestClient) -> None:
    assert UNSEEN in sent(web, give_link(linked), "look", what="https://gone.example.org/a").text
    assert UNSEEN not in sent(web, give_link(linked), "look").text
    assert UNSEEN not in sent(web, give_link(linked), "look", **SAID).text


def test_what_is_wrong_with_a_question_stands_above_the_question(linked: Linked, web: TestClient) -> None:
    text = sent(web, give_link(linked), action="ask", ask=" ").text
    html5lib.HTMLParser(strict=True).parse(text)
    assert text.index("Or ask something") < text.index("There is no question yet") < text.index('name="ask"')
    assert text.index('role="alert"') > text.index("Or ask something")
    assert text.index("autofocus") > text.index('name="ask"'), "it is far down the page"
    forged = web.post(give_link(linked), data={"action": "ask", "check": "0", "ask": "Why?"}, headers=OURS).text
    assert forged.index('role="alert"') > forged.index("Or ask something")


def test_the_page_promises_of_each_form_what_is_so(linked: Linked, web: TestClient) -> None:
    text = web.get(give_link(linked)).text
    assert "A post goes nowhere before you have said by mail that it is yours; what you ask goes at once to those who answer." in text


def test_a_shared_mailbox_is_told_why_it_cannot_give_or_ask(linked: Linked, web: TestClient) -> None:
    where = give_link(linked)
    before = web.get(where).text
    linked.change("employee", {"id": linked.people["ana"]}, shared=True)
    page = web.get(where)
    assert page.status_code == 200
    assert "This letter goes to several people" in page.text
    assert web.post(where, data={**fields(before), **POST, "do": "send"}, headers=OURS).status_code == 403
    assert web.post(where, data={**fields(before, "ask"), "ask": "Why?"}, headers=OURS).status_code == 403
    assert count(linked.engine) == linked.count("question") == linked.count("notice") == linked.count("quota") == 0


def test_authors_are_told_kindly_that_a_post_is_their_own(linked: Linked, web: TestClient) -> None:
    own = path("a", controls(linked)["ben"], 1)
    assert "Dieser Beitrag ist von dir selbst" in web.get(own).text
    assert web.post(own, data={"action": "write", "words": "Hello me"}, headers=OURS).status_code == 403
    assert linked.count("correspondence") == 0
    assert "This post is your own" not in web.get(path("a", controls(linked)["ana"], 1)).text
