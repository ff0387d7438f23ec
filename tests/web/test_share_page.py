"""The share page: own words first, no script needed, and the words arrive where they were meant to."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, unquote, urlsplit

import html5lib
import pytest
from starlette.testclient import TestClient

from tests.linked import ANA, BEN, DISCLOSURE, OURS, PHONE, Linked, share_link

PAGE = share_link(ANA, 1)


def test_the_page_asks_for_own_words_before_it_offers_any(linked: Linked, web: TestClient) -> None:
    page = web.get(PAGE)
    assert page.status_code == 200
    order = [page.text.index(part) for part in ("What surprised you about it?", "<textarea", DISCLOSURE, "<details", "A thermometer")]
    assert order == sorted(order)
    assert "src=" not in page.text
    assert [(click["kind"], click["network"]) for click in linked.clicks()] == [("share", "")]
    assert linked.short_links() == []


def test_the_page_is_valid_html_in_english_and_german(web: TestClient) -> None:
    for path in (PAGE, share_link(BEN, 1)):
        html5lib.HTMLParser(strict=True).parse(web.get(path).text)
    assert "In deinen Worten" in web.get(share_link(BEN, 1)).text


def test_the_person_s_own_network_is_chosen_first(web: TestClient) -> None:
    assert 'id="k1" value="1" checked' in web.get(PAGE).text
    assert 'id="k5" value="5" checked' in web.get(share_link(BEN, 1)).text


def test_typed_words_go_to_the_network_with_the_disclosure(linked: Linked, web: TestClient) -> None:
    answer = web.post(PAGE, data={"network": "2", "words": "R&D: 50% + “Größe” 🎉"}, headers=OURS)
    assert answer.status_code == 303
    values = parse_qs(urlsplit(answer.headers["location"]).query)
    assert values["text"] == [f"R&D: 50% + “Größe” 🎉\n{DISCLOSURE}"]
    assert values["url"] == [f"https://letter.example.com/l/{linked.short_links()[0]['slug']}"]
    assert [click["network"] for click in linked.clicks()] == ["x"]


def test_ten_thousand_words_are_cut_to_what_the_network_takes(web: TestClient) -> None:
    answer = web.post(PAGE, data={"network": "5", "words": "word " * 9000}, headers=OURS)
    text = parse_qs(urlsplit(answer.headers["location"]).query)["text"][0]
    assert len(text) <= 300
    assert f"…\n{DISCLOSURE} https://letter.example.com/l/" in text


@pytest.mark.parametrize("letter", ["3", "8"])
def test_a_network_that_takes_no_text_gets_a_page_to_copy_from(web: TestClient, letter: str) -> None:
    answer = web.post(PAGE, data={"network": letter, "words": "My <b>words</b>"}, headers=OURS)
    assert answer.status_code == 200
    assert "My &lt;b&gt;words&lt;/b&gt;" in answer.text
    html5lib.HTMLParser(strict=True).parse(answer.text)


def test_copying_gives_words_disclosure_and_link_in_one_text(linked: Linked, web: TestClient) -> None:
    answer = web.post(PAGE, data={"network": "1", "words": "Mine.", "copy": "1"}, headers=OURS)
    assert f"Mine.\n{DISCLOSURE} https://letter.example.com/l/{linked.short_links()[0]['slug']}</div>" in answer.text


def test_a_ready_line_is_put_into_the_box_and_is_no_event(linked: Linked, web: TestClient) -> None:
    answer = web.post(PAGE, data={"network": "2", "words": "", "caption": "linkedin.1"}, headers=OURS)
    assert "What do you do when every certificate agrees with the broken sensor?</textarea>" in answer.text
    assert 'value="2" checked' in answer.text
    assert linked.clicks() == []


def test_words_survive_a_forgotten_network(linked: Linked, web: TestClient) -> None:
    for network in ("", "z", "0", "11"):
        answer = web.post(PAGE, data={"network": network, "words": "Mine."}, headers=OURS)
        assert answer.status_code == 422
        assert "Choose a network first" in answer.text
        assert ">Mine.</textarea>" in answer.text
    assert linked.clicks() == []


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}, {"origin": "null"}, {}]
)
def test_a_form_from_elsewhere_is_refused(linked: Linked, web: TestClient, headers: dict[str, str]) -> None:
    assert web.post(PAGE, data={"network": "2", "words": "x"}, headers=headers).status_code == 403
    assert linked.clicks() == []


def test_an_old_browser_that_names_our_origin_may_send(web: TestClient) -> None:
    assert web.post(PAGE, data={"network": "2", "words": "x"}, headers={"origin": "https://letter.example.com"}).status_code == 303


def test_bodies_that_are_no_form_or_too_big_are_refused(web: TestClient) -> None:
    assert web.post(PAGE, json={"network": "2"}, headers=OURS).status_code == 400
    assert web.post(PAGE, content=b"words=" + b"x" * 70000, headers={**OURS, "content-type": "application/x-www-form-urlencoded"}).status_code == 413
    many = "&".join(f"a{i}=1" for i in range(100))
    assert web.post(PAGE, content=many, headers={**OURS, "content-type": "application/x-www-form-urlencoded"}).status_code == 400


def test_a_body_without_a_length_is_limited_too(web: TestClient) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(100):
            yield b"words=" + b"x" * 1000

    assert web.post(PAGE, content=drip(), headers={**OURS, "content-type": "application/x-www-form-urlencoded"}).status_code == 413


def test_the_page_lets_nothing_in_and_tells_nobody(web: TestClient) -> None:
    headers = web.get(PAGE).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src 'sha256-" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (headers["referrer-policy"], headers["x-frame-options"], headers["cache-control"]) == ("no-referrer", "DENY", "no-store")
    assert "set-cookie" not in headers


def test_the_page_names_nobody(web: TestClient) -> None:
    text = web.get(PAGE).text.lower()
    assert "ana@example.com" not in text
    assert ">ana<" not in text


def test_linkedin_on_a_phone_is_announced_and_copied(web: TestClient) -> None:
    assert "LinkedIn takes no text from outside" in web.get(PAGE, headers={"user-agent": PHONE}).text
    answer = web.post(PAGE, data={"network": "1", "words": "Mine."}, headers={**OURS, "user-agent": PHONE})
    assert answer.status_code == 200
    assert "https%3A%2F%2Fletter.example.com%2Fl%2F" in answer.text


def test_words_full_of_markup_stay_text(web: TestClient) -> None:
    answer = web.post(share_link(ANA, 1), data={"network": "8", "words": "</textarea><script>alert(1)</script>", "copy": "1"}, headers=OURS)
    assert "<script>alert" not in answer.text


def test_without_tracking_the_page_says_so_and_shows_the_article_s_own_address(linked: Linked) -> None:
    with linked.client(tracking="off") as web:
        text = web.get(share_link(ANA, 2)).text
        target = unquote(web.post(share_link(ANA, 2), data={"network": "2", "words": "x"}, headers=OURS).headers["location"])
    assert "Nothing is recorded here." in text
    assert "https://example.com/blog/batteries</p>" in text
    assert target.endswith("url=https://example.com/blog/batteries")
