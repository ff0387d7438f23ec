"""Giving a post against bad luck and bad will: floods, forgeries, hostile words, machines, and a database that is away."""

from __future__ import annotations

from collections.abc import Iterator

import html5lib
import pytest
from sqlalchemy import delete, update
from starlette.testclient import TestClient

from digest.db.schema import employee, message
from digest.db.session import read, write
from digest.domain.capability import Purpose
from digest.domain.contribution import ContributionState
from digest.domain.moderation import Rules
from tests.giving import POST, count, fields, give_link, mailed, one, sent
from tests.linked import OURS, Linked


@pytest.fixture
def web(linked: Linked) -> Iterator[TestClient]:
    with linked.client(look=lambda _url: None, moderation=Rules(per_day=3)) as client:
        yield client


HOSTILE = [
    "<script>alert(1)</script>",
    "![x](https://evil.example/pixel.gif)",
    "[click](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "</textarea><form action=https://evil.example>",
    "\u202egnp.exe \x00\x07\ud800".encode("utf-8", "replace").decode(),
    "{{ config }} {% raw %}",
    "*" * 500 + "_" * 500 + "[" * 500,
]


def test_enough_is_enough_for_a_day_and_the_words_stay(linked: Linked, web: TestClient) -> None:
    for n in range(3):
        linked.wait(seconds=30)
        assert sent(web, give_link(linked), why=f"Words {n}").status_code == 200
    linked.wait(seconds=30)
    page = sent(web, give_link(linked), why="The fourth.")
    assert page.status_code == 429
    assert "The fourth." in page.text
    assert count(linked.engine) == 3
    linked.wait(days=1)
    assert sent(web, give_link(linked), why="The fourth.").status_code == 200


def test_a_form_that_is_not_ours_changes_nothing_and_keeps_the_words(linked: Linked, web: TestClient) -> None:
    path, other = give_link(linked), give_link(linked, "ben")
    for check in ("", "0" * 44, fields(web.get(other).text)["check"]):
        page = web.post(path, data={**fields(web.get(path).text), **POST, "check": check, "do": "send"}, headers=OURS)
        assert page.status_code == 400
        assert POST["why"] in page.text
    assert web.post(path, data={**fields(web.get(path).text), **POST}).status_code == 403
    assert count(linked.engine) == 0


def test_ten_megabytes_are_refused_in_words(linked: Linked, web: TestClient) -> None:
    path = give_link(linked)
    page = web.post(path, data={**fields(web.get(path).text), **POST, "why": "x" * 10_000_000, "do": "send"}, headers=OURS)
    assert page.status_code == 413
    assert count(linked.engine) == 0


def test_while_the_database_is_away_the_form_comes_back_whole(linked: Linked, web: TestClient) -> None:
    path = give_link(linked)
    form = {**fields(web.get(path).text), **POST, "do": "send"}
    with write(linked.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE contribution RENAME TO elsewhere")
    page = web.post(path, data=form, headers=OURS)
    assert page.status_code == 503
    assert POST["why"] in page.text
    again = fields(page.text)
    with write(linked.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO contribution")
    assert web.post(path, data={**again, **POST, "do": "send"}, headers=OURS).status_code == 200
    assert count(linked.engine) == 1


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_are_words(linked: Linked, web: TestClient, words: str) -> None:
    page = sent(web, give_link(linked), "look", why=words, title=words)
    assert page.status_code == 200
    html5lib.HTMLParser(strict=True).parse(page.text)
    for part in ("<script>alert", "<img src=x", "evil.example/pixel", 'javascript:alert(1)"', "<form action=https"):
        assert part not in page.text.replace("&lt;", "(").replace("![x](https://evil.example/pixel.gif)", "")
    assert sent(web, give_link(linked), why=words, title=words).status_code == 200
    assert html5lib.HTMLParser(strict=True).parse(web.get(mailed(linked.engine, Purpose.CONFIRM)).text) is not None


def test_a_machine_that_sends_the_form_is_marked_and_harms_nobody(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked))  # at once, as no person can
    with read(linked.engine) as connection:
        [noted] = connection.exec_driver_sql("SELECT detail FROM audit WHERE what = 'contribution.unconfirmed'").scalars()
    assert "machine" in noted
    assert one(linked.engine).state is ContributionState.UNCONFIRMED


def test_the_link_dies_with_the_person(linked: Linked, web: TestClient) -> None:
    sent(web, give_link(linked))
    path = mailed(linked.engine, Purpose.CONFIRM)
    with write(linked.engine) as connection:
        connection.execute(update(message).values(employee_id=None))
        connection.execute(delete(employee).where(employee.c.id == linked.people["ana"]))
    assert web.get(path).status_code == 404


def test_strangers_pages_are_looked_at_so_many_times_a_day(linked: Linked) -> None:
    asked: list[str] = []

    def look(url: str) -> None:
        asked.append(url)

    with linked.client(look=look) as client:
        path = give_link(linked)
        form = {**fields(client.get(path).text), **POST, "do": "look"}
        for _ in range(70):
            assert client.post(path, data=form, headers=OURS).status_code == 200
    assert len(asked) == 60
