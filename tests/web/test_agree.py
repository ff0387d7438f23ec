"""The author's last word: every change with its reason, yes or no to exactly what was shown, and the way back at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import html5lib
import pytest
from starlette.testclient import TestClient

from digest.config import Config
from digest.db import contributions
from digest.db.session import read
from digest.domain.capability import Purpose
from digest.domain.contribution import ContributionState
from digest.domain.moderation import Roles, Rules
from digest.pipeline import contribution_posts
from digest.pipeline.contribution_moderation import Change, Moderator, accept, decline, edit
from digest.pipeline.contribution_notices import difference
from tests.giving import POST, fields, give_link, mailed, noticed, one, press, sent
from tests.linked import OURS, SITE, Linked

BY = Moderator(who="mara@example.org", roles=Roles(), rules=Rules())
CHANGE = Change(new={"why": "Our ovens are older than most data."}, reason="facts", note="Two are new.")
_S = ContributionState


@pytest.fixture
def web(linked: Linked) -> Iterator[TestClient]:
    with linked.client(look=lambda _url: None) as client:
        sent(client, give_link(linked))
        press(client, mailed(linked.engine, Purpose.CONFIRM), "yes")
        linked.wait(minutes=5)
        yield client


def change(linked: Linked, what: Change = CHANGE) -> str:
    linked.wait(minutes=5)
    edit(linked.engine, 1, BY, what, site_url=SITE, now=linked.now)
    return mailed(linked.engine, Purpose.AGREE)


def posts(linked: Linked) -> tuple[list[str], tuple[str, ...]]:
    with read(linked.engine) as connection:
        found = contribution_posts.offered(connection, Config(), linked.now.date())
    return [post.why for post in found.posts], found.notes


def test_the_author_sees_the_difference_with_its_reason(linked: Linked, web: TestClient) -> None:
    path = change(linked)
    told = noticed(linked.engine)[-1]
    assert told.kind == "changed"
    assert told.facts["values"]["reason"] == "facts"
    assert told.facts["quotes"] == [["field_why", f"\u2212 {POST['why']}\n+ Our ovens are older than most data."], ["their_note", "Two are new."]]
    page = web.get(path)
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert "Do you agree with this change?" in page.text
    assert "Two are new." in page.text
    assert "<del>" in page.text
    assert '<ins><span class="hidden">new: </span>most</ins>' in page.text
    assert one(linked.engine).state is _S.EDITED


def test_looking_at_it_says_nothing(linked: Linked, web: TestClient) -> None:
    path = change(linked)
    for _ in range(20):
        web.get(path)
    assert one(linked.engine).state is _S.EDITED


def test_yes_lets_it_be_decided_and_no_keeps_the_author_s_own_words(linked: Linked, web: TestClient) -> None:
    page = press(web, change(linked), "no", word="They are all old.")
    assert "It has your own words again" in page.text
    found = one(linked.engine)
    assert (found.state, found.words.why) == (_S.PROPOSED, POST["why"])
    with read(linked.engine) as connection:
        assert any("They are all old." in row["detail"] for row in contributions.history(connection, 1))
    page = press(web, change(linked), "yes")
    assert "Your yes is noted" in page.text
    found = one(linked.engine)
    assert (found.state, found.words.why) == (_S.PROPOSED, "Our ovens are older than most data.")


def test_an_edit_after_the_yes_drops_it_out_with_a_reason_until_the_author_agrees(linked: Linked, web: TestClient) -> None:
    accept(linked.engine, 1, BY, linked.now)
    assert posts(linked) == ([POST["why"]], ())
    path = change(linked)
    title = "Our ovens are older than our data."
    said = f'Contribution 1, "{title}", is kept out (not_agreed): it was changed, and its author has not said yes.'
    assert posts(linked) == ([], (said,))
    press(web, path, "yes")
    assert one(linked.engine).state is _S.ACCEPTED
    assert posts(linked) == (["Our ovens are older than most data."], ())
    assert noticed(linked.engine)[-1].kind == "taken"


def test_what_is_accepted_while_it_waits_goes_with_the_yes(linked: Linked, web: TestClient) -> None:
    path = change(linked)
    assert accept(linked.engine, 1, BY, linked.now).state is _S.EDITED
    assert posts(linked)[0] == []
    press(web, path, "yes")
    assert one(linked.engine).state is _S.ACCEPTED


def test_a_yes_to_an_older_version_agrees_to_nothing(linked: Linked, web: TestClient) -> None:
    path = change(linked)
    form = fields(web.get(path).text, "yes")
    change(linked, Change(new={"title": "Another title"}, reason="legal"))
    page = web.post(path, data=form, headers=OURS)
    assert page.status_code == 409
    assert "changed again meanwhile" in page.text
    assert "Another title" in page.text
    assert one(linked.engine).state is _S.EDITED
    assert press(web, path, "yes").status_code == 200
    assert one(linked.engine).state is _S.PROPOSED


def test_the_link_works_once(linked: Linked, web: TestClient) -> None:
    path = change(linked)
    form = fields(web.get(path).text, "yes")
    assert [web.post(path, data=form, headers=OURS).status_code for _ in range(3)] == [200, 409, 409]
    assert 'value="no"' not in web.get(path).text


def test_a_link_that_has_ended_offers_a_new_one_alone(linked: Linked, web: TestClient) -> None:
    path = change(linked)
    linked.wait(days=15)
    page = web.get(path)
    assert page.status_code == 200
    assert not {"yes", "no", "withdraw"} & set(re.findall(r'name="action" value="(\w+)"', page.text))
    assert "A new link is on its way" in press(web, path, "anew").text
    fresh = mailed(linked.engine, Purpose.AGREE)
    assert fresh != path
    assert "Your yes is noted" in press(web, fresh, "yes").text


def test_it_may_be_taken_back_until_it_is_printed(linked: Linked, web: TestClient) -> None:
    accept(linked.engine, 1, BY, linked.now)
    page = press(web, mailed(linked.engine, Purpose.AGREE), "withdraw")
    assert "It is taken back" in page.text
    assert one(linked.engine).state is _S.WITHDRAWN
    assert posts(linked) == ([], ())


def test_a_decline_tells_its_reason_on_the_page_too(linked: Linked, web: TestClient) -> None:
    path = mailed(linked.engine, Purpose.AGREE)
    decline(linked.engine, 1, BY, "We had <b>this</b> last week.", linked.now)
    page = web.get(path)
    assert "We had &lt;b&gt;this&lt;/b&gt; last week." in page.text
    told = noticed(linked.engine)[-1]
    assert (told.kind, told.facts["quotes"]) == ("not_taken", [["", "We had <b>this</b> last week."]])


def test_a_post_of_somebody_who_left_goes_out_under_nobody_s_name(linked: Linked, web: TestClient) -> None:
    accept(linked.engine, 1, BY, linked.now)
    linked.change("employee", {"id": linked.people["ana"]}, left_at=linked.now)
    assert posts(linked)[0] == []
    assert "author_gone" in posts(linked)[1][0]
    assert web.get(mailed(linked.engine, Purpose.AGREE)).status_code == 404


def test_after_four_weeks_or_its_own_end_it_rests(linked: Linked, web: TestClient) -> None:
    del web
    accept(linked.engine, 1, BY, linked.now)
    with read(linked.engine) as connection:
        days = [date(2026, 12, 22), date(2026, 12, 23)]
        found = [contribution_posts.offered(connection, Config(), day) for day in days]
    assert [len(each.posts) for each in found] == [1, 0]
    assert "over" in found[1].notes[0]


def test_the_mail_shows_lines_as_they_were_and_as_they_are() -> None:
    before, after = "First.\n\nTwo of five.\nLast.", "First.\n\nOne of five.\nLast.\nAnd more."
    assert difference(before, after) == "First.\n\n\u2212 Two of five.\n+ One of five.\nLast.\n+ And more."
    assert difference("", "https://example.com") == "+ https://example.com"
    assert difference("x", "") == "\u2212 x"
