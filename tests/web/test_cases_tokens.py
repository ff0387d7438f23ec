"""Tokens that were changed on the way, cut, carried to another edition, or grown old."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert
from starlette.testclient import TestClient

from digest.db.schema import edition, edition_post, post
from digest.db.session import write
from digest.domain.link import number
from tests.conftest import NOW
from tests.linked import ANA, BEN, GROUP, OLD, SITE, Linked, a_token, read_link, share_link

SPARE = 5
NUMBERS = ["05", "00", "-1", "1e9", "1", "001", "zz", "zz9", "%D9%A1%D9%A1", "9" * 300, "%00", "0u", "+1", "1_", "", "0%31%31%31"]


def next_week(linked: Linked) -> None:
    """An edition 2026-W49 whose only post has a number that this week does not use."""
    row: dict[str, Any] = {"period": "2026-W49", "state": "sending", "paused": False, "reason": "", "hash": "h2"}
    row |= {"planned_through": 0, "audience": 0, "created_at": NOW}
    with write(linked.engine) as connection:
        found = connection.execute(insert(edition).values(row).returning(edition.c.id)).scalar_one()
        kind = {"origin": "curated", "visibility": "public", "first_seen_at": NOW}
        connection.execute(insert(post).values(id="next", title="Next", url="https://example.com/next", **kind))
        connection.execute(insert(edition_post).values(edition_id=found, n=6, post_id="next", internal=False))
        linked._token(connection, a_token(6), linked.people["ana"], [6])
    linked.change("token", {"token": a_token(6)}, edition_id=found)


def test_another_post_of_the_same_message_works_and_counts_for_that_post(linked: Linked, web: TestClient) -> None:
    """A5: picks and spares of the message open; the number says which post is counted."""
    linked.change("token", {"token": ANA}, numbers=[1, 2, SPARE])
    targets = [web.get(read_link(ANA, n)).headers["location"] for n in (1, 2, SPARE)]
    assert targets == ["https://example.com/blog/cold-room?a=1&a=2#door", "https://example.com/blog/batteries", "https://example.com/spare"]
    assert [click["post_id"] for click in linked.clicks()] == ["cold-room", "batteries", "spare"]


@pytest.mark.parametrize("n", NUMBERS)
def test_any_other_number_is_unknown(linked: Linked, web: TestClient, n: str) -> None:
    """A5: a post outside the message, out of range, in other digits or of any length is a 404 and no event."""
    answers = [web.get(path) for path in (f"/r/{ANA}/{n}", f"/s/{ANA}/{n}2", f"/s/{ANA}/{n}0")]
    assert {answer.status_code for answer in answers} == {404}
    assert linked.clicks() == linked.short_links() == []


@pytest.mark.parametrize("text", [ANA, GROUP])
def test_a_number_of_another_edition_is_unknown(linked: Linked, web: TestClient, text: str) -> None:
    """A6: also for a group's token, which opens every public post of its own edition."""
    next_week(linked)
    assert web.get(read_link(a_token(6), 6)).headers["location"] == "https://example.com/next"
    assert web.get(read_link(text, 6)).status_code == web.get(share_link(text, 6, "2")).status_code == 404
    assert web.get(read_link(a_token(6), 1)).status_code == 404
    assert [click["post_id"] for click in linked.clicks()] == ["next"]


@pytest.mark.parametrize("change", [str.upper, str.title, lambda path: path.replace("0", "O").replace("1", "I"), lambda path: path.replace("1", "L")])
def test_another_case_leads_to_the_same_place_and_is_noted(linked: Linked, web: TestClient, change: object) -> None:
    """A7: read, share and short links; the event says `mutated`, which alone makes nobody a machine."""
    assert callable(change)
    web.get(share_link(ANA, 1, "1"))
    paths = [read_link(ANA, 1), share_link(ANA, 1, "1"), f"/l/{linked.short_links()[0]['slug']}"]
    exact = [web.get(path).headers["location"] for path in paths]
    changed = [path[:3] + change(path[3:]) for path in paths]
    assert [web.get(path).headers["location"] for path in changed] == exact
    events = [*linked.clicks()[3:], linked.visits()[1]]
    assert [event["signals"].get("mutated", False) for event in events] == [new != old for new, old in zip(changed, paths, strict=True)]
    assert {event["class"] for event in events} <= {"human", "probable"}  # the owner's own visit is probable


@pytest.mark.parametrize("junk", [".", ",", ")", ">", "'", "%27", "%27/", '"', "%20", "=20", "&gt;", ";", "%E2%80%8B", "/", "//"])
def test_junk_behind_a_share_or_short_link_changes_no_answer(linked: Linked, web: TestClient, junk: str) -> None:
    """A8: for a scanner and for a person the same redirect; the event says `mutated`."""
    web.get(share_link(ANA, 2, "2"))
    slug = linked.short_links()[0]["slug"]
    for path in (share_link(ANA, 2, "2"), f"/l/{slug}", read_link(ANA, 2)):
        answers = [web.get(path + junk, headers={"user-agent": agent}) for agent in ("curl/8", "Mozilla/5.0 (X11) Firefox/150.0")]
        exact = web.get(path)
        assert {(answer.status_code, *answer.headers.multi_items()) for answer in answers} == {(302, *exact.headers.multi_items())}
    events = [*linked.clicks()[1:], *linked.visits()]
    assert [event["signals"].get("mutated", False) for event in events].count(True) == 6


def test_a_link_cut_anywhere_is_a_page_that_says_so(linked: Linked, web: TestClient) -> None:
    """A9: a mail program that breaks lines at 76 columns leaves any beginning of an address."""
    web.get(share_link(ANA, 1, "1"))
    slug = f"/l/{linked.short_links()[0]['slug']}"
    counted = len(linked.clicks())
    for whole in (read_link(ANA, 1), share_link(ANA, 1, "1"), slug, linked.leave_link()):
        for end in range(3, len(whole)):
            page = web.get(whole[:end])
            assert (page.status_code, "This link is not complete" in page.text) == (404, True), whole[:end]
    assert (len(linked.clicks()), linked.visits()) == (counted, [])


def test_a_message_opened_after_years_still_leads_on_and_lets_its_reader_go(linked: Linked, web: TestClient) -> None:
    """A11: an expired share token goes to the article for nobody's account; unsubscribing never expires; neither is a 404."""
    leave = linked.leave_link()
    linked.wait(days=4000)
    for path in (read_link(OLD, 1), read_link(ANA, 1), share_link(ANA, 1, "1"), share_link(BEN, 1)):
        assert (web.get(path).status_code, web.get(path).headers["location"].partition("?")[0]) == (302, "https://example.com/blog/cold-room")
    assert linked.clicks() == linked.short_links() == []
    assert web.get(leave).status_code == 200
    assert web.post(leave, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert linked.count("suppression") == 1


def test_no_unknown_link_tells_a_guesser_anything(linked: Linked, web: TestClient) -> None:
    """A1: an unknown token, one with a wrong check character and a cut one get the same octets and headers, and no event."""
    wrong = ANA[:-1] + ("0" if ANA[-1] != "0" else "1")
    for family, tail in (("r", f"/{number(1)}"), ("s", f"/{number(1)}2"), ("s", f"/{number(1)}0"), ("w", "")):
        answers = [web.get(f"{SITE}/{family}/{text}{tail}") for text in (a_token(99), wrong, ANA[:9])]
        assert {answer.status_code for answer in answers} == {404}
        assert len({(answer.content, *answer.headers.multi_items()) for answer in answers}) == 1
        assert answers[0].headers["cache-control"] == "no-store"
    slugs = [web.get(f"/l/{text}") for text in ("k7q2m9x4c8v3", "k7q2m9x4c8v", "u" * 12)]
    assert len({(answer.content, *answer.headers.multi_items()) for answer in slugs}) == 1
    assert linked.clicks() == linked.visits() == linked.short_links() == []
