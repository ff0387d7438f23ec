"""The page of somebody's words in the ledger: looking changes nothing, their owner says what it is, and nobody's name is on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import html5lib
import pytest
from starlette.testclient import TestClient

from digest.db import capabilities, questions
from digest.db.session import read, write
from digest.domain.capability import LIFE, Purpose
from digest.domain.moderation import Rules
from digest.domain.question import Question, QuestionKind
from digest.pipeline import entries, ledger
from digest.pipeline.ledger import Hand
from tests.giving import count, give_link, noticed, press, sent
from tests.linked import OURS, Linked


@pytest.fixture
def web(linked: Linked) -> Iterator[TestClient]:
    with linked.client(moderation=Rules(per_day=1)) as client:
        yield client


def asked(linked: Linked, *, confirmed: bool = True, text: str = "Why is <Lyon> closed?") -> str:
    """Ana asked; the path of the link that was mailed to her."""
    ana = linked.people["ana"]
    with write(linked.engine) as connection:
        number = questions.put(
            connection, key=text, employee=ana, kind=QuestionKind.QUESTION, text=text, language="en", now=linked.now, confirmed=confirmed
        )
        entries.entered(connection, number, linked.now)
        return f"/entry/{capabilities.token_of(connection, ana, Purpose.ENTRY, linked.now, subject=number)}"


def entry(linked: Linked, number: int = 1) -> Question:
    with read(linked.engine) as connection:
        return entries.find(connection, number)


def do(linked: Linked, deed: Any, *words: Any) -> None:
    with write(linked.engine) as connection:
        deed(connection, *words, hand=Hand(who="mara", now=linked.now))


def test_looking_changes_nothing_and_names_nobody(linked: Linked, web: TestClient) -> None:
    path = asked(linked, confirmed=False)
    for _ in range(5):
        page = web.get(path)
    assert page.status_code == 200
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert "Why is &lt;Lyon&gt; closed?" in page.text
    assert "Did you write this?" in page.text
    assert "ana" not in page.text.lower().replace("an answer", "")
    assert entry(linked).state == "unconfirmed"


def test_a_link_of_another_or_forged_leads_to_the_very_same_page(linked: Linked, web: TestClient) -> None:
    path = asked(linked)
    wrong = web.get(path[:-1] + ("0" if path[-1] != "0" else "1"))
    linked.change("employee", {"id": linked.people["ana"]}, left_at=linked.now)
    gone = web.get(path)
    assert (wrong.status_code, wrong.content) == (404, gone.content)
    assert web.post(path, data={"action": "back"}, headers=OURS).status_code == 404


def test_the_person_says_yes_and_is_told_where_it_stands(linked: Linked, web: TestClient) -> None:
    path = asked(linked, confirmed=False)
    done = press(web, path, "as", **{"as": "objection"})
    assert done.status_code == 200
    assert "It stands in the list of questions" in done.text
    assert (entry(linked).state, entry(linked).kind) == ("open", "objection")
    assert [one.kind for one in noticed(linked.engine)] == ["was_you", "entered"]


def test_it_was_not_them_and_nothing_happens(linked: Linked, web: TestClient) -> None:
    path = asked(linked, confirmed=False)
    assert "It is taken back" in press(web, path, "back").text
    assert entry(linked).state == "withdrawn"
    assert "<form" not in web.get(path).text


def test_a_question_becomes_a_post_once_and_leaves_the_ledger(linked: Linked, web: TestClient) -> None:
    path = asked(linked)
    assert "It is a post now" in press(web, path, "as", **{"as": "post"}).text
    assert (entry(linked).state, count(linked.engine)) == ("withdrawn", 1)
    assert [one.kind for one in noticed(linked.engine)] == ["entered", "promised"]
    second = asked(linked, text="Another?")
    refused = press(web, second, "as", **{"as": "post"})
    assert (refused.status_code, entry(linked, 2).state, count(linked.engine)) == (429, "open", 1)


def test_the_page_says_who_answers_and_what(linked: Linked, web: TestClient) -> None:
    path = asked(linked)
    do(linked, ledger.assign, 1, "Irene Holt, CEO")
    assert "Irene Holt, CEO answers it." in web.get(path).text
    do(linked, ledger.answer, 1, "Because <of> the rent.")
    page = web.get(path).text
    assert "Because &lt;of&gt; the rent." in page
    assert 'value="as"' not in page  # what it is may not be changed below an answer
    press(web, path, "back")
    assert entry(linked).state == "withdrawn"


def test_a_form_acts_on_the_version_that_was_shown_or_not_at_all(linked: Linked, web: TestClient) -> None:
    path = asked(linked)
    before = web.get(path).text
    do(linked, ledger.assign, 1, "Irene Holt, CEO")
    from tests.giving import fields

    late = web.post(path, data={**fields(before, "back")}, headers=OURS)
    assert (late.status_code, entry(linked).state) == (409, "open")
    assert web.post(path, data={"action": "back", "check": "x"}, headers=OURS).status_code == 409


def test_an_old_link_shows_and_changes_nothing(linked: Linked, web: TestClient) -> None:
    path = asked(linked)
    linked.wait(days=LIFE[Purpose.ENTRY].days + 1)
    page = web.get(path)
    assert page.status_code == 200
    assert "<form" not in page.text


def test_what_is_asked_on_the_page_of_the_letter_gets_a_receipt_once(linked: Linked, web: TestClient) -> None:
    path = give_link(linked)
    assert sent(web, path, action="ask", ask="Why are the ovens so old?").status_code == 200
    assert [(one.kind, one.employee) for one in noticed(linked.engine)] in ([("entered", linked.people["ana"])], [("was_you", linked.people["ana"])])
    for n in range(25):
        last = sent(web, path, action="ask", ask=f"And why number {n}?")
    assert (last.status_code, linked.count("question")) == (429, 20)
    assert "And why number 24?" in last.text  # nothing typed is lost
