"""Ready captions: each a few times in an edition, own words always."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from digest.db import captions
from digest.db.schema import caption_use
from digest.db.session import read, write
from digest.pipeline.captions import Captions
from tests.linked import ANA, BEN, DISCLOSURE, GROUP, OURS, PERSON, POSTS, Linked, share_link

READY = POSTS[0].captions["linkedin"]
PAGE, LINKEDIN = share_link(ANA, 1), share_link(ANA, 1, "1")


def words(location: str) -> str:
    """The words of a LinkedIn intent, without what we add."""
    return parse_qs(urlsplit(location).query)["text"][0].partition(DISCLOSURE)[0].strip()


def uses(linked: Linked) -> dict[tuple[str, int], int]:
    with read(linked.engine) as connection:
        return captions.uses(connection, linked.edition, 1)


def take(web: TestClient, link: str, place: int = 0) -> str:
    """Press for a ready caption on the share page; the page that follows."""
    return web.post(link, data={"words": "", "caption": f"linkedin.{place}"}, headers=OURS).text


@pytest.mark.parametrize("agent", [None, "LinkedInBot/1.0", "", "curl/8"])
def test_a_link_that_is_opened_starts_from_the_title_and_uses_nothing_up(linked: Linked, web: TestClient, agent: str | None) -> None:
    """However it looks, a mail filter that opens every link leaves the lines to people."""
    for link in (LINKEDIN, PAGE, share_link(ANA, 2, "1"), share_link(GROUP, 1, "1")):
        answer = web.get(link, headers={} if agent is None else {"user-agent": agent})
        if link == LINKEDIN:
            assert words(answer.headers["location"]) == POSTS[0].title
    assert linked.count("caption_use") == 0


def test_when_all_are_used_up_own_words_remain(linked: Linked) -> None:
    with linked.client(caption_uses=3) as web:
        pages = [take(web, share_link(GROUP, 1), place) for place in (0, 1) for _ in range(5)]
        page = web.get(PAGE).text
    assert ["That line has just been used up." in one for one in pages] == [False] * 3 + [True] * 2 + [False] * 3 + [True] * 2
    assert set(uses(linked).values()) == {3}
    assert "The lines that others wrote are used up for this week." in page
    assert "Use and change it" not in page
    assert "<textarea" in page


def test_showing_a_line_is_no_use_and_taking_it_is(linked: Linked, web: TestClient) -> None:
    page = web.get(PAGE).text
    assert page.count("20 left this week") == 2
    assert linked.count("caption_use") == 0
    answer = web.post(PAGE, data={"words": "", "caption": "linkedin.1"}, headers=OURS)
    assert f">{READY[1]}</textarea>" in answer.text
    assert uses(linked) == {("linkedin", 1): 1}
    assert "19 left this week" in answer.text


def test_a_line_goes_below_words_that_were_typed_before(web: TestClient) -> None:
    answer = web.post(PAGE, data={"network": "2", "words": "Mine first.\r\n", "caption": "linkedin.0"}, headers=OURS)
    assert f">Mine first.\n\n{READY[0]}</textarea>" in answer.text
    assert 'value="2" checked' in answer.text


def test_a_line_that_was_used_up_meanwhile_is_told_and_words_stay(linked: Linked) -> None:
    with linked.client(caption_uses=1) as web:
        web.post(PAGE, data={"words": "", "caption": "linkedin.0"}, headers=OURS)
        answer = web.post(share_link(GROUP, 1), data={"words": "Mine.", "caption": "linkedin.0"}, headers=OURS)
    assert "That line has just been used up." in answer.text
    assert ">Mine.</textarea>" in answer.text
    assert READY[0] not in answer.text
    assert READY[1] in answer.text


@pytest.mark.parametrize("which", ["linkedin.2", "linkedin.-1", "linkedin.99999", "x.0", ".", "linkedin", "linkedin.\u0660", "linkedin.1e1", "0"])
def test_a_line_that_is_not_there_changes_nothing(linked: Linked, web: TestClient, which: str) -> None:
    answer = web.post(PAGE, data={"words": "Mine.", "caption": which}, headers=OURS)
    assert answer.status_code == 200
    assert ">Mine.</textarea>" in answer.text
    assert linked.count("caption_use") == 0


def test_none_is_handed_out_where_the_operator_wants_none(linked: Linked) -> None:
    with linked.client(caption_uses=0) as web:
        assert "Use and change it" not in web.get(PAGE).text
        assert "used up" in web.post(PAGE, data={"words": "", "caption": "linkedin.0"}, headers=OURS).text
    assert linked.count("caption_use") == 0


def test_however_many_ask_at_once_a_caption_is_handed_out_exactly_as_often_as_allowed(linked: Linked) -> None:
    desks = [Captions(linked.engine, 20) for _ in range(4)]  # as many processes
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda turn: desks[turn % 4].take(linked.edition, 1, "linkedin", 0), range(60)))
    assert taken.count(True) == 20
    assert uses(linked) == {("linkedin", 0): 20}


def test_a_caption_is_counted_for_one_edition_and_goes_with_it(linked: Linked) -> None:
    with write(linked.engine) as connection:
        assert captions.take(connection, linked.edition, 1, "linkedin", 0, 1)
        assert not captions.take(connection, linked.edition, 1, "linkedin", 0, 1)
        assert captions.take(connection, linked.edition, 2, "linkedin", 0, 1)
        assert not captions.take(connection, linked.edition, 3, "linkedin", 0, 0)


def test_people_who_are_not_measured_are_handed_captions_too(linked: Linked) -> None:
    linked.change("employee", {"name": "Ana"}, measured=False)
    with linked.client() as web:
        web.headers = PERSON
        assert f">{READY[0]}</textarea>" in take(web, PAGE)
    assert sum(uses(linked).values()) == 1


def test_the_page_in_german_counts_in_german(web: TestClient) -> None:
    text = web.get(share_link(BEN, 1)).text
    assert "noch 20-mal in dieser Woche" in text
    assert "bis zu 2.9" in text


def test_a_database_that_cannot_count_stops_no_share_link(linked: Linked, web: TestClient) -> None:
    with write(linked.engine) as connection:
        caption_use.drop(connection)
    assert words(web.get(LINKEDIN).headers["location"]) == POSTS[0].title
    page = web.get(PAGE)
    assert page.status_code == 200
    assert "<textarea" in page.text
    assert "Use and change it" not in page.text
