"""Giving a post: nothing without its owner's yes, nothing twice, and nothing typed is ever lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import html5lib
import pytest
from starlette.testclient import TestClient

from digest.db.schema import consent_event, employee
from digest.db.session import read
from digest.domain.capability import Purpose
from digest.domain.contribution import ContributionState
from digest.domain.moderation import Rules
from digest.pipeline.contribution_look import Seen
from tests.giving import POST, count, fields, give_link, mailed, noticed, one, press, sent
from tests.linked import OURS, Linked

PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
NETWORKS = (("linkedin", "LinkedIn"), ("mastodon", "Mastodon"))


def seen(url: str) -> Seen | None:
    if "gone" in url:
        return None
    return Seen(title="Ovens & data <b>", image="https://example.com/oven.jpg", image_alt="An oven", picture=PIXEL, size=(40, 30))


@pytest.fixture
def web(linked: Linked) -> Iterator[TestClient]:
    with linked.client(look=seen, offered=NETWORKS, moderation=Rules(per_day=3)) as client:
        yield client


def test_looking_changes_nothing(linked: Linked, web: TestClient) -> None:
    path = give_link(linked)
    for _ in range(30):
        page = web.get(path)
    assert page.status_code == 200
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert count(linked.engine) == linked.count("notice") == linked.count("quota") == 0
    assert "Ana" not in page.text
    assert "ana@example.com" not in page.text


def test_a_link_of_no_letter_is_the_very_same_page(linked: Linked, web: TestClient) -> None:
    path = give_link(linked)
    wrong = web.get(path[:-1] + ("0" if path[-1] != "0" else "1"))
    linked.change("employee", {"id": linked.people["ana"]}, left_at=linked.now)
    assert (wrong.status_code, wrong.content) == (404, web.get("/give/x").content)
    assert web.get(path).content == web.get("/give/yes/x").content == web.get("/agree/x").content == wrong.content


def test_the_page_shows_how_it_would_look_with_title_and_picture(linked: Linked, web: TestClient) -> None:
    page = sent(web, give_link(linked), "look")
    assert page.status_code == 200
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert "Ovens &amp; data &lt;b&gt;" in page.text
    assert PIXEL in page.text
    assert "img-src 'self' data:" in page.headers["content-security-policy"]
    assert count(linked.engine) == 0
    again = web.post(give_link(linked), data={**fields(page.text), **POST, "title": "Mine", "do": "send"}, headers=OURS)
    assert again.status_code == 200
    assert one(linked.engine).words.facts == {"image": "https://example.com/oven.jpg", "image_alt": "An oven"}
    assert one(linked.engine).words.title == "Mine"


def test_a_picture_of_another_page_does_not_come_along(linked: Linked, web: TestClient) -> None:
    page = sent(web, give_link(linked), "look")
    typed = {**POST, "what": "https://example.com/other", "title": "Mine", "do": "send"}
    web.post(give_link(linked), data={**fields(page.text), **typed}, headers=OURS)
    assert one(linked.engine).words.facts == {}


def test_it_goes_nowhere_until_the_owner_says_yes_by_mail(linked: Linked, web: TestClient) -> None:
    """D9: whoever was forwarded a letter gives nothing in its owner's name, and sees no part of that name."""
    page = sent(web, give_link(linked))
    assert "Now look into your mailbox" in page.text
    assert one(linked.engine).state is ContributionState.UNCONFIRMED
    [told] = noticed(linked.engine)
    assert (told.kind, told.employee) == ("given", linked.people["ana"])
    path = mailed(linked.engine, Purpose.CONFIRM)
    shown = web.get(path)
    html5lib.HTMLParser(strict=True).parse(shown.text)
    assert "Is this yours?" in shown.text
    assert one(linked.engine).state is ContributionState.UNCONFIRMED
    done = press(web, path, "yes")
    assert "We have it" in done.text
    assert "Friday 27 November 2026" in done.text
    assert one(linked.engine).state is ContributionState.PROPOSED
    assert [told.kind for told in noticed(linked.engine)] == ["given", "promised"]
    assert noticed(linked.engine)[1].facts["values"]["until"] == "Friday 27 November 2026"


def test_the_name_is_shown_only_after_its_owner_ticked_it(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked), named="1")
    path = mailed(linked.engine, Purpose.CONFIRM)
    press(web, path, "yes")
    assert linked.count("consent_event") == 0
    linked.wait(seconds=30)
    sent(web, give_link(linked), what="https://example.com/two")
    path = mailed(linked.engine, Purpose.CONFIRM, 2)
    form = fields(web.get(path).text, "yes") | {"named": "1"}
    linked.wait(seconds=5)
    web.post(path, data=form, headers=OURS)
    with read(linked.engine) as connection:
        assert connection.execute(consent_event.select()).one().switch == "name"
        assert connection.execute(employee.select().where(employee.c.id == linked.people["ana"])).one().named


def test_a_machine_that_says_yes_gives_no_name(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked), named="1")
    press(web, mailed(linked.engine, Purpose.CONFIRM), "yes", named="1")
    assert one(linked.engine).state is not ContributionState.UNCONFIRMED
    assert linked.count("consent_event") == 0


def test_the_same_form_twice_is_one_post_and_one_mail(linked: Linked, web: TestClient) -> None:
    path = give_link(linked)
    form = {**fields(web.get(path).text), **POST, "do": "send"}
    pages = [web.post(path, data=form, headers=OURS) for _ in range(3)]
    assert {page.status_code for page in pages} == {200}
    assert (count(linked.engine), len(noticed(linked.engine))) == (1, 1)
    confirm = mailed(linked.engine, Purpose.CONFIRM)
    yes = fields(web.get(confirm).text, "yes")
    pages = [web.post(confirm, data=yes, headers=OURS) for _ in range(3)]
    assert all("We have it" in page.text for page in pages)
    assert [told.kind for told in noticed(linked.engine)] == ["given", "promised"]


def test_who_goes_back_and_changes_words_has_one_post_with_the_last_words(linked: Linked, web: TestClient) -> None:
    path = give_link(linked)
    form = {**fields(web.get(path).text), **POST, "do": "send"}
    web.post(path, data=form, headers=OURS)
    linked.wait(minutes=5)
    web.post(path, data={**form, "why": "Better words."}, headers=OURS)
    assert count(linked.engine) == 1
    assert one(linked.engine).words.why == "Better words."


def test_no_throws_it_away(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked))
    path = mailed(linked.engine, Purpose.CONFIRM)
    assert "It is taken back" in press(web, path, "no").text
    assert one(linked.engine).state is ContributionState.WITHDRAWN
    assert "It is taken back" in web.get(path).text


def test_a_link_that_has_ended_sends_a_new_one_and_nothing_is_lost(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked))
    path = mailed(linked.engine, Purpose.CONFIRM)
    linked.wait(days=8)
    page = web.get(path)
    assert "This link has come to its end" in page.text
    assert POST["why"] not in page.text
    press(web, path, "anew")
    fresh = mailed(linked.engine, Purpose.CONFIRM)
    assert fresh != path
    assert "We have it" in press(web, fresh, "yes").text


def test_a_draft_comes_back_by_mail_alone(linked: Linked, web: TestClient) -> None:
    path = give_link(linked)
    page = sent(web, path, "keep", network=["linkedin"])
    assert "Your draft is kept" in page.text
    assert POST["why"] not in web.get(path).text
    link = mailed(linked.engine, Purpose.CONFIRM)
    draft = web.get(link)
    html5lib.HTMLParser(strict=True).parse(draft.text)
    assert POST["why"] in draft.text
    form = fields(draft.text, "draft")
    kept = web.post(link, data={**form, **POST, "why": "Later words.", "do": "keep"}, headers=OURS)
    assert "Your draft is kept" in kept.text
    assert "Later words." in web.get(link).text
    form = fields(web.get(link).text, "draft")
    done = web.post(link, data={**form, **POST, "why": "Last words.", "do": "send", "named": "1"}, headers=OURS)
    assert "We have it" in done.text
    found = one(linked.engine)
    assert (found.state, found.words.why) == (ContributionState.PROPOSED, "Last words.")
    assert "Last words." in web.get(link).text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"what": "", "why": ""}, "no words yet"),
        ({"what": "https://bit.ly/x"}, "cannot use that address"),
        ({"what": "https://letter.example.com/r/x"}, "cannot use that address"),
        ({"what": "https://ana:word@example.com/x"}, "cannot use that address"),
        ({"what": "http://127.0.0.1/"}, "Nobody outside can open that address"),
        ({"why": "x" * 4001}, "4,000 characters"),
        ({"why": " ".join(f"https://example.com/{n}" for n in range(9))}, "Too many links"),
    ],
)
def test_what_is_wrong_is_said_and_every_word_stays(linked: Linked, web: TestClient, typed: dict[str, str], says: str) -> None:
    page = sent(web, give_link(linked), network=["mastodon"], **typed)
    assert page.status_code == 422
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert says in page.text
    for text in {**POST, **typed}.values():
        assert text.strip() in page.text
    assert 'value="mastodon" checked' in page.text
    assert count(linked.engine) == 0


def test_a_few_sentences_stay_inside(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked), what="We moved the ovens. It took a night.", why="", visibility="internal")
    words = one(linked.engine).words
    assert (words.visibility, words.kind, words.url, words.title) == ("internal", "story", "", "We moved the ovens.")


def test_a_question_is_entered_once(linked: Linked, web: TestClient) -> None:
    path = give_link(linked)
    form = {**fields(web.get(path).text, "ask"), "kind": "objection", "ask": "Why are the ovens so old?"}
    linked.wait(seconds=30)
    for _ in range(2):
        assert "We have it" in web.post(path, data=form, headers=OURS).text
    with read(linked.engine) as connection:
        [row] = connection.exec_driver_sql("SELECT kind, text FROM question").all()
    assert tuple(row) == ("objection", "Why are the ovens so old?")
    empty = sent(web, path, action="ask", ask=" ")
    assert empty.status_code == 422
    assert "no question yet" in empty.text


def test_the_promise_knows_weekends_and_days_off(linked: Linked, web: TestClient) -> None:
    del web
    with linked.client(look=seen, moderation=Rules(decide_days=5, closed=("2026-11-26",), country="DE")) as client:
        sent(client, give_link(linked))
        press(client, mailed(linked.engine, Purpose.CONFIRM), "yes")
    due = one(linked.engine).decide_by
    assert due is not None
    assert due.date() == date(2026, 12, 2)


def test_a_day_later_the_same_form_sends_the_link_again(linked: Linked, web: TestClient) -> None:
    path = give_link(linked)
    form = {**fields(web.get(path).text), **POST, "do": "send"}
    for days in (0, 0, 2):
        linked.wait(days=days)
        assert web.post(path, data=form, headers=OURS).status_code == 200
    assert (count(linked.engine), [told.kind for told in noticed(linked.engine)]) == (1, ["given", "given"])
