"""Read before share: the note stands exactly while this person has not opened the article; a scanner's click is none."""

from __future__ import annotations

from starlette.testclient import TestClient

from tests.linked import ANA, GROUP, Linked, read_link, share_link

NOTE = "Not read it yet?"
SCANNER = {"user-agent": "Mozilla/5.0 (compatible; LinkScanner/1.0; +https://scanner.example)", "sec-fetch-mode": "", "sec-fetch-dest": ""}


def shown(web: TestClient, token: str = ANA, n: int = 1) -> bool:
    page = web.get(share_link(token, n, "0"))
    assert page.status_code == 200
    return NOTE in page.text


def test_the_note_stands_until_the_article_was_opened(linked: Linked, web: TestClient) -> None:
    assert shown(web)
    linked.wait(minutes=30)
    web.get(read_link(ANA, 1))
    assert [click["class"] for click in linked.clicks() if click["kind"] == "read"] == ["human"]
    assert not shown(web)
    assert shown(web, n=2), "of another article nobody said so"


def test_a_scanner_s_click_is_no_reading(linked: Linked, web: TestClient) -> None:
    linked.wait(minutes=30)
    web.get(read_link(ANA, 1), headers=SCANNER)
    assert [click["class"] for click in linked.clicks() if click["kind"] == "read"] == ["machine"]
    assert shown(web)


def test_of_people_who_are_not_measured_nobody_knows(linked: Linked, web: TestClient) -> None:
    linked.change("employee", {"id": linked.people["ana"]}, measured=False)
    assert not shown(web)
    assert not shown(web, GROUP)
