"""Not for me: one answer a person and post, by a button alone, to be changed and undone; nobody is shown what was answered."""

from __future__ import annotations

import html5lib
import pytest
from starlette.testclient import TestClient

from digest.db import votes
from digest.db.session import read
from digest.domain.vote import VoteReason
from tests.controlled import controls, forms, notices, path, press
from tests.linked import OURS, Linked

SCANNER = {**OURS, "user-agent": "python-requests/2.32"}


def answers(linked: Linked) -> list[tuple[str, str, str]]:
    with read(linked.engine) as connection:
        found = [(name, *row.values()) for name, person in linked.people.items() for row in votes.of_person(connection, person)]
    return [(name, reason, verdict) for name, _, _, reason, verdict in found]


def test_opening_the_page_changes_nothing_however_often(linked: Linked, web: TestClient) -> None:
    """D6: a scanner that opens every vote link has not voted."""
    where = path("v", controls(linked)["ana"], 2)
    for _ in range(20):
        page = web.get(where)
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert "What 40,000 returned batteries taught us" in page.text
    assert answers(linked) == []
    assert web.head(where).status_code == 200


def test_an_answer_can_be_changed_and_taken_back(linked: Linked, web: TestClient) -> None:
    """D7: the last answer counts."""
    where = path("v", controls(linked)["ana"], 2)
    done = press(linked, web, where, "vote", reason="too_salesy")
    assert done.status_code == 200
    assert "This post does not come again" in done.text
    assert answers(linked) == [("ana", "too_salesy", "human")]
    press(linked, web, where, "vote", reason="disagree")
    assert answers(linked) == [("ana", "disagree", "human")]
    assert "Taken back" in press(linked, web, where, "undo").text
    assert answers(linked) == []
    assert notices(linked) == []


def test_a_post_that_no_letter_asks_about_has_no_page(linked: Linked, web: TestClient) -> None:
    mine = controls(linked)["ana"]
    linked.change("message", {"employee_id": linked.people["ana"]}, picks=[[n, ""] for n in (1, 2, 3, 4)], spares=[])
    asked, colleagues, internal, wordless, unknown = (web.get(path("v", mine, n)) for n in (2, 1, 3, 4, 99))
    assert asked.status_code == 200
    assert {page.status_code for page in (colleagues, internal, wordless, unknown)} == {404}
    assert len({page.text for page in (colleagues, internal, wordless, unknown)}) == 1
    form = forms(asked.text)["vote"] | {"reason": "disagree"}
    assert web.post(path("v", mine, 3), data=form, headers=OURS).status_code == 404
    assert answers(linked) == []


def test_whoever_opens_a_forwarded_letter_learns_nothing_of_the_answer_or_its_owner(linked: Linked, web: TestClient) -> None:
    where = path("v", controls(linked)["ana"], 2)
    pages = set()
    for reason in VoteReason:
        press(linked, web, where, "vote", reason=reason.value)
        page = web.get(where).text
        assert "Ana" not in page
        assert "ana@" not in page
        pages.add(page.replace(forms(page)["vote"]["check"], "").replace(forms(page)["undo"]["check"], ""))
    assert len(pages) == 1


@pytest.mark.parametrize("reason", ["", "rubbish", "TOO_SALESY"])
def test_an_unknown_reason_is_no_answer(linked: Linked, web: TestClient, reason: str) -> None:
    assert press(linked, web, path("v", controls(linked)["ana"], 2), "vote", reason=reason).status_code == 422
    assert answers(linked) == []


def test_unknown_forged_and_foreign_links_get_the_very_same_page(linked: Linked, web: TestClient) -> None:
    """D7: a post that is not in the letter is refused."""
    mine = controls(linked)["ana"]
    linked.change("message", {"employee_id": linked.people["ana"]}, picks=[[1, ""], [2, ""]])
    wrong = [path("v", mine, 3), path("v", mine, 99), f"/v/{mine}/zzz", f"/v/{mine}/", path("v", mine[:-1] + "0", 2), path("v", "nobody", 2)]
    found = [web.get(one) for one in wrong]
    assert {page.status_code for page in found} == {404}
    assert len({page.text for page in found}) == 1


def test_a_form_of_another_link_does_nothing(linked: Linked, web: TestClient) -> None:
    """D8: a form is bound to the link it was shown for."""
    tokens = controls(linked)
    linked.change("message", {"employee_id": linked.people["ana"]}, picks=[[2, ""], [5, ""]])
    form = forms(web.get(path("v", tokens["ana"], 2)).text)["vote"]
    for where in (path("v", tokens["ana"], 5), path("v", tokens["ben"], 2)):
        assert web.post(where, data=form | {"reason": "disagree"}, headers=OURS).status_code == 400
    assert web.post(path("v", tokens["ana"], 2), data=form | {"reason": "disagree"}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert answers(linked) == []


def test_a_machine_s_answer_is_marked_and_told_and_gives_way_to_a_person_s(linked: Linked, web: TestClient) -> None:
    token = controls(linked)["ana"]
    where = path("v", token, 2)
    assert press(linked, web, where, "vote", slowly=False, headers=SCANNER, reason="too_salesy").status_code == 200
    assert answers(linked) == [("ana", "too_salesy", "machine")]
    [told] = notices(linked)
    assert (told.kind, told.facts["path"]) == ("voted", where.removeprefix("/"))
    with read(linked.engine) as connection:
        assert votes.reasons(connection, [linked.edition]) == {}
    press(linked, web, where, "vote", reason="already")
    assert answers(linked) == [("ana", "already", "human")]
    press(linked, web, where, "vote", slowly=False, headers=SCANNER, reason="too_salesy")
    assert answers(linked) == [("ana", "already", "human")]


def test_a_shared_mailbox_has_no_vote(linked: Linked, web: TestClient) -> None:
    where = path("v", controls(linked)["ana"], 2)
    linked.change("employee", {"id": linked.people["ana"]}, shared=True)
    page = web.get(where)
    assert page.status_code == 200
    assert "several people" in page.text
    assert web.post(where, data={"action": "vote", "reason": "disagree", "check": "0" * 44}, headers=OURS).status_code == 403
    assert answers(linked) == []


def test_the_page_speaks_the_reader_s_language(linked: Linked, web: TestClient) -> None:
    assert "Nichts für mich" in web.get(path("v", controls(linked)["ben"], 2)).text
