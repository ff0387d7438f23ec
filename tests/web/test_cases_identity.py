"""Forwarded letters: whose a click or a visit is, and what nobody learns from it."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from digest.db.session import write
from digest.pipeline.tracking import reclassify
from tests.linked import ANA, BEN, PHONE, Linked, read_link, share_link

PEOPLE = ("ana", "ben", "quality", "@example.com")
STRANGER = {"user-agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"}
SCANNER = {"user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/155.0.0.0 Safari/537.36"}


def named(text: str) -> set[str]:
    """Which of the people a page names."""
    words = set(re.findall(r"[\w@.]+", re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL).lower()))
    return {name for name in PEOPLE if any(name == word or ("@" in name and name in word) for word in words)}


def test_a_click_in_a_forwarded_letter_is_one_of_the_letter_s_owner_and_names_nobody(linked: Linked) -> None:
    """E1: a colleague's or a stranger's browser; no login, no cookie, and no page says whose letter it was."""
    with linked.client(address="198.51.100.77") as web:
        for path in (read_link(ANA, 1), read_link(ANA, 3), share_link(ANA, 1, "2"), share_link(ANA, 1), share_link(ANA, 1, "3"), share_link(ANA, 3)):
            for agent in (STRANGER, {"user-agent": PHONE}):
                answer = web.get(path, headers=agent)
                assert answer.status_code in {200, 302, 403}
                assert named(answer.text + answer.headers.get("location", "")) == set(), path
                assert "set-cookie" not in answer.headers
                assert "www-authenticate" not in answer.headers
    assert {click["employee_id"] for click in linked.clicks()} == {linked.people["ana"]}
    assert {row["owner"] for row in linked.short_links()} == {f"employee:{linked.people['ana']}"}


@pytest.mark.parametrize("name", ["ana", "ben"])
def test_the_page_behind_a_forwarded_unsubscribe_link_names_nobody(linked: Linked, web: TestClient, name: str) -> None:
    """E1: who got the forward learns neither name nor address."""
    assert named(web.get(linked.leave_link(name)).text) == set()


def test_an_archive_that_is_scanned_months_later_is_a_machine_and_revives_nothing(linked: Linked, web: TestClient) -> None:
    """E3: age without a person's navigation; who left stays away, and no row but events is written."""
    web.post(linked.leave_link(), data={"List-Unsubscribe": "One-Click"})
    tables = ("employee", "message", "token", "suppression", "consent_event", "audit", "short_link")
    before = {name: linked.count(name) for name in tables}
    linked.wait(days=100)
    paths = [read_link(ANA, n) for n in (1, 2, 3)] + [share_link(ANA, 1), linked.leave_link(), linked.leave_link("ben")]
    for path in paths:
        linked.wait(seconds=700)
        assert web.get(path, headers={"sec-fetch-mode": "", "sec-fetch-dest": "", "sec-fetch-user": "", **SCANNER}).status_code in {200, 302}
    assert {name: linked.count(name) for name in tables} == before
    assert [(click["class"], click["reasons"]) for click in linked.clicks()] == [("machine", ["stale"])] * 4
    with write(linked.engine) as connection:
        counts = reclassify(connection, linked.edition, linked.settings().for_tracking())
    assert (counts["machine"], counts["human"], counts["probable"]) == (4, 0, 0)


def test_a_person_who_opens_an_old_letter_is_still_a_person(linked: Linked, web: TestClient) -> None:
    """E3: the rule looks for navigation, not for age alone."""
    linked.wait(days=100)
    web.get(read_link(ANA, 1))
    assert [click["class"] for click in linked.clicks()] == ["human"]


def test_visits_belong_to_the_owner_of_the_short_link_whoever_posts_it(linked: Linked) -> None:
    """E5: Ana opens Ben's short link and posts it; its visits are Ben's reach, and nothing public says whose link it is."""
    with linked.client(address="192.0.2.8") as bens:
        bens.get(share_link(BEN, 1, "2"))
    [made] = linked.short_links()
    with linked.client(address="192.0.2.9") as anas:
        anas.get(read_link(ANA, 1))
        anas.get(f"/l/{made['slug']}")
    with linked.client(address="203.0.113.5") as strangers:
        answer = strangers.get(f"/l/{made['slug']}", headers=STRANGER)
        strangers.get(f"/l/{made['slug']}", headers={"user-agent": "Twitterbot/1.0"})
    assert made["owner"] == f"employee:{linked.people['ben']}"
    assert linked.short_links() == [made], "posting it by somebody else makes no other link and moves no owner"
    assert [(visit["slug"], visit["class"]) for visit in linked.visits()] == [(made["slug"], kind) for kind in ("human", "human", "preview")]
    said = answer.text + repr(answer.headers.multi_items())
    assert named(said) == set()
    assert f"{linked.people['ben']}" not in re.findall(r"employee:(\d+)", said)
    assert {click["employee_id"] for click in linked.clicks() if click["kind"] == "read"} == {linked.people["ana"]}
