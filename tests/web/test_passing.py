"""Passing on: an internal post goes to one colleague inside the wall; nothing is kept, and nobody learns who works here."""

from __future__ import annotations

import html5lib
import pytest
from starlette.testclient import TestClient

from digest.db import suppressions
from digest.db.session import write
from digest.domain.suppression import SuppressionReason
from tests.controlled import controls, notices, path, press
from tests.linked import Linked

INTERNAL, PUBLIC = 3, 1


def test_a_colleague_gets_the_words_and_where_to_read_on(linked: Linked, web: TestClient) -> None:
    where = path("pass", controls(linked)["ana"], INTERNAL)
    page = web.get(where)
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert "The new pay bands" in page.text
    assert "Ana" not in page.text
    assert notices(linked) == []
    assert "Thank you" in press(linked, web, where, "pass", to=" BEN@example.com ").text
    [told] = notices(linked)
    assert (told.kind, told.employee_id) == ("passed", linked.people["ben"])
    assert told.facts["quotes"] == [["", "The new pay bands\n\nInside."]]
    assert told.facts["url"] == "https://intra.example.com/pay"
    assert "ana" not in str(told.facts).lower(), "who passed it on stands nowhere"


def test_only_a_day_s_count_is_kept(linked: Linked, web: TestClient) -> None:
    before = {table: linked.count(table) for table in ("click", "visit", "audit", "correspondence", "vote", "short_link")}
    press(linked, web, path("pass", controls(linked)["ana"], INTERNAL), "pass", to="ben@example.com")
    assert {table: linked.count(table) for table in before} == before
    assert linked.count("quota") == 2


def test_the_answer_is_the_same_whoever_has_the_address(linked: Linked, web: TestClient) -> None:
    where = path("pass", controls(linked)["ana"], INTERNAL)
    linked.change("employee", {"id": linked.people["ana"]}, left_at=None)
    answers = [
        press(linked, web, where, "pass", to=to) for to in ("ben@example.com", "nobody@example.com", "somebody@elsewhere.example", "ben@example.com")
    ]
    assert {page.status_code for page in answers} == {200}
    assert len({page.text.partition('name="check"')[0] for page in answers}) == 1
    assert len(notices(linked)) == 1, "the same post goes to the same person once a day"


@pytest.mark.parametrize("gone", ["left", "unsubscribed"])
def test_who_left_or_wants_no_mail_gets_none(linked: Linked, web: TestClient, gone: str) -> None:
    where = path("pass", controls(linked)["ana"], INTERNAL)
    if gone == "left":
        linked.change("employee", {"id": linked.people["ben"]}, left_at=linked.now)
    else:
        with write(linked.engine) as connection:
            suppressions.suppress(connection, "ben@example.com", SuppressionReason.UNSUBSCRIBED, linked.now)
    assert press(linked, web, where, "pass", to="ben@example.com").status_code == 200
    assert notices(linked) == []


def test_what_is_public_is_shared_and_not_passed_on(linked: Linked, web: TestClient) -> None:
    assert web.get(path("pass", controls(linked)["ana"], PUBLIC)).status_code == 404


def test_a_spare_that_nobody_read_cannot_be_passed_on(linked: Linked, web: TestClient) -> None:
    mine = controls(linked)["ana"]
    linked.change("message", {"employee_id": linked.people["ana"]}, picks=[[1, ""]], spares=[[INTERNAL, ""]])
    found = [web.get(path("pass", mine, INTERNAL)), web.get(path("pass", mine, 99)), web.get(path("pass", "nobody", INTERNAL))]
    assert {page.status_code for page in found} == {404}
    assert len({page.text for page in found}) == 1
    assert "pay bands" not in found[0].text


@pytest.mark.parametrize("typed", ["", "ben", "ben@", "@example.com", "ben @example.com", "a@b.example, c@d.example", "<script>"])
def test_what_is_no_address_comes_back_as_it_was_typed(linked: Linked, web: TestClient, typed: str) -> None:
    page = press(linked, web, path("pass", controls(linked)["ana"], INTERNAL), "pass", to=typed)
    assert page.status_code == 422
    assert f'value="{typed.replace("<", "&lt;").replace(">", "&gt;")}"' in page.text
    assert notices(linked) == []


def test_a_day_has_so_many_turns_whether_or_not_anybody_has_the_address(linked: Linked) -> None:
    where = path("pass", controls(linked)["ana"], INTERNAL)
    with linked.client(passes=2) as web:
        found = [press(linked, web, where, "pass", to=f"{name}@example.com").status_code for name in ("nobody", "ben", "ben")]
    assert found == [200, 200, 429]
    assert len(notices(linked)) == 1
