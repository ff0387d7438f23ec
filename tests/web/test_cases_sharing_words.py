"""What people type, and what networks get of it: nothing leaves its parameter, the link and the disclosure are never cut."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from digest.domain.counting import count, graphemes
from digest.domain.share import ELLIPSIS, compose, intent, with_link
from digest.files.networks import load_networks
from tests.linked import ANA, DISCLOSURE, OURS, PHONE, Linked, share_link

PAGE = share_link(ANA, 1)
LINK = "https://go.example.com/l/k7q2m9x4c8v3"
NETWORKS = {network.name: network for network in load_networks()}
EVIL = "&url=https://evil.example#frag %41 %0d%0aSet-Cookie:a=b + ; ' \" 🎉 \u202egnorw \u2028 \x00 \r\n </script>"
BROKEN_ESCAPE = re.compile(r"%(?![0-9A-F]{2})")


def values(location: str) -> dict[str, list[str]]:
    """The parameters of an intent, those behind its # included."""
    parts = urlsplit(location)
    return parse_qs(f"{parts.query}&{parts.fragment}", keep_blank_values=True, strict_parsing=False)


@pytest.mark.parametrize("words", [EVIL, EVIL * 90, "漢" * 3400, "👨‍👩‍👧‍👦" * 400], ids=["evil", "evil, 10 kB", "10 kB of CJK", "10 kB of families"])
@pytest.mark.parametrize("name", ["linkedin", "x", "bluesky", "threads", "mastodon", "whatsapp", "telegram", "teams", "line", "weibo", "engage"])
def test_whatever_a_caption_holds_stays_inside_its_parameter(web: TestClient, name: str, words: str) -> None:
    """B6: &, #, %, +, quotes, emoji, a right-to-left override and 10 kB: one header, our own parameters, the length rule."""
    network = NETWORKS[name]
    answer = web.post(PAGE, data={"network": network.letter, "words": words}, headers=OURS)
    location = answer.headers["location"]
    template = values(network.desktop)
    assert answer.status_code == 303
    assert list(values(location)) == list(template)
    assert location.startswith(network.desktop.partition("{")[0])
    assert location.isascii()
    assert not BROKEN_ESCAPE.search(location)
    assert len(answer.headers.get_list("location")) == 1
    assert "set-cookie" not in answer.headers
    text = next(found[0] for key, found in values(location).items() if {"{text}", "{caption}"} & set(template[key]))
    assert DISCLOSURE in text
    assert "\u202e" not in text
    whole = text if "{text}" in network.desktop else f"{text} {LINK}"
    assert count(network.limit, whole) <= network.limit.most


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("letter", [network.letter for network in NETWORKS.values()])
def test_no_location_is_longer_than_servers_take(linked: Linked, letter: str, *, phone: bool) -> None:
    """B13: words, then the title give way; the link and the disclosure stay whole, and no %XX is cut."""
    article = "https://example.com/" + "%C3%A9" * 330 + "?q=%26%20" + "x" * 30
    assert len(article) < 2048
    linked.change("post", {"id": "cold-room"}, url=article, title="漢字%&" * 1000)
    agent = {"user-agent": PHONE} if phone else {}
    with linked.client(short=False) as web:
        answer = web.post(PAGE, data={"network": letter, "words": "ü% " * 3000}, headers={**OURS, **agent})
        shown = web.get(PAGE[:-1] + letter, headers=agent)
    for found in (answer, shown):
        location = found.headers.get("location", "")
        assert len(location) <= 8000
        assert not BROKEN_ESCAPE.search(location)
        if location:
            assert quote(article, safe="") in location
            assert DISCLOSURE in unquote(location)
        else:
            assert found.status_code == 200
            assert DISCLOSURE in found.text


def test_the_rule_for_shortening_cuts_words_first_then_the_title() -> None:
    """B13: with a short title all of it stays; a long one takes a quarter at most; both end in one ellipsis."""
    mail = NETWORKS["email"]
    caption = compose(mail, words="ä" * 5000, disclosure="#Fernwood", link=LINK, title="Short")
    made = intent(mail, caption=caption, link=LINK, title="Short", phone=False)
    assert made.startswith("mailto:?subject=Short&body=%C3%A4")
    assert 1900 < len(made) <= 2000
    assert unquote(made).endswith(f"ä{ELLIPSIS}\r\n#Fernwood\r\n{LINK}")
    longer = intent(mail, caption="", link=LINK, title="ä" * 5000, phone=False)
    subject = longer.removeprefix("mailto:?subject=").partition("&")[0]
    assert 480 < len(subject) <= 500
    assert unquote(subject).endswith("ä" + ELLIPSIS)


FAMILIES = st.sampled_from(["👨‍👩‍👧‍👦", "👍🏽", "🇩🇪", "e\u0301", "g\u0308\u0323", "漢", "字", "かな", "한", "नि", "\u200d", "\u0600"])
ADDRESSES = st.sampled_from(["https://example.com/a?b=c&d=%20", "http://x.example/" + "p" * 60, "example.com", "see HTTPS://EXAMPLE.ORG/Ü"])
TEXTS = st.lists(FAMILIES | ADDRESSES | st.text(max_size=12) | st.sampled_from([" ", "\n", "\r\n", "…", "#a", "@b@c.example"]), max_size=160)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    parts=TEXTS, name=st.sampled_from(["x", "bluesky", "mastodon", "threads"]), disclosure=st.sampled_from([DISCLOSURE, "#Fernwood", "我在这里工作"])
)
def test_a_thousand_random_texts_fit_and_keep_the_disclosure(parts: list[str], name: str, disclosure: str) -> None:
    """G4: CJK, joined emoji, combining marks and addresses: within the network's limit, disclosure whole, one ellipsis, no half letter."""
    network, words = NETWORKS[name], "".join(parts)
    caption = compose(network, words=words, disclosure=disclosure, link=LINK)
    text = with_link(caption, LINK)
    assert count(network.limit, text) <= network.limit.most
    assert network.limit.octets is None or len(text.encode()) <= network.limit.octets
    assert disclosure in caption
    assert text.endswith(LINK)
    if not caption.endswith(f"\n{disclosure}"):
        return
    kept = caption.removesuffix(f"\n{disclosure}")
    plain = compose(NETWORKS["whatsapp"], words=words, disclosure="", link=LINK)
    if kept == plain:
        return
    assert kept.endswith(ELLIPSIS)
    head = kept.removesuffix(ELLIPSIS).rstrip()
    assert plain.startswith(head)
    letters = graphemes(plain)
    assert any("".join(letters[:end]).rstrip().rstrip(ELLIPSIS) == head for end in range(len(letters) + 1))


def test_a_new_line_is_what_each_network_takes(web: TestClient) -> None:
    """G5: LF for X, LinkedIn and Threads, CRLF in mailto, a space in a title for Reddit."""
    for letter in ("1", "2", "4"):
        location = web.post(PAGE, data={"network": letter, "words": "one\r\ntwo\rthree\u2028four"}, headers=OURS).headers["location"]
        assert "one%0Atwo%0Athree%0Afour%0AI%20work" in location
        assert "%0D" not in location
    page = web.post(PAGE, data={"network": "8", "words": "one\ntwo"}, headers=OURS).text
    assert "one%0D%0Atwo%0D%0AI%20work%20at%20Fernwood%20Instruments.%0D%0Ahttps%3A%2F%2F" in page
    made = intent(NETWORKS["reddit"], caption="one\ntwo", link=LINK, title="one\r\n two\tthree", phone=False)
    assert made.endswith("&title=one%20two%20three")


@pytest.mark.parametrize("words", ["R&D: 100 % sure + more", "Größe “ja” 漢字 🎉", "a=b&cc=evil@example.com&bcc=x", "first\n.\nlast"])
def test_a_mail_is_written_by_rfc_6068(linked: Linked, words: str) -> None:
    """G6: subject and body come out as they went in; a space is %20, and no recipient can be slipped in."""
    mail = NETWORKS["email"]
    made = intent(mail, caption=words, link=LINK, title=words, phone=False)
    assert re.fullmatch(r"mailto:\?subject=[A-Za-z0-9%._~-]*&body=[A-Za-z0-9%._~-]*", made)
    head, _, body = made.removeprefix("mailto:?subject=").partition("&body=")
    assert unquote(head) == " ".join(words.split())
    assert unquote(body) == words.replace("\n", "\r\n") + f"\r\n{LINK}"
    with linked.client() as web:
        page = web.get(PAGE[:-1] + "8")
    assert page.status_code == 200  # a page: mail programs differ on a redirect to mailto
    assert 'href="mailto:?subject=' in page.text
