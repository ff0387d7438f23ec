"""Where a link may lead, whatever stands in the request, in the database or in the words that travel along."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlsplit

import ada_url
import pytest
from starlette.testclient import TestClient

from digest.domain.frozen import freeze
from digest.files import checks
from tests.asgi import Asked, Client
from tests.linked import ANA, CONTENT, OLD, OURS, POSTS, SITE, Linked, read_link, share_link

QUERIES = ["url=https://evil.example", "redir_url=https://evil.example", "next=//evil.example", "to=//evil", "u=x&url=%2F%2Fevil", "01=%0d%0aa:b"]
BAD = [
    "javascript:alert(1)",
    "JavaScript:alert(1)//https://example.com",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "\x01https://evil.example",
    "\thttps://evil.example",
    "\u00a0https://evil.example",
    "https:\\\\evil.example",
    "https://example.com\\@evil.example",
    "//evil.example",
    "https://good@evil.example",
    "https://good:word@evil.example/",
    "https://\u0430\u0440\u0440\u04cf\u0435.com/",
    "https://ex\u0430mple.com/",
    "https://example.com:0/",
    "https://",
    "mailto:a@example.com",
    "intent://evil#Intent;scheme=https;end",
]


def slug_of(linked: Linked, web: TestClient, letter: str = "2") -> str:
    """The short link of Ana's first post."""
    web.get(share_link(ANA, 1, letter))
    return f"/l/{linked.short_links()[0]['slug']}"


def reword(linked: Linked, *, title: str, caption: str) -> None:
    """Change the frozen words of the first post, as a new plan of the edition would."""
    first = replace(POSTS[0], title=title, captions={"linkedin": (caption,), "x": (caption,)})
    linked.change("edition", {}, content=freeze(replace(CONTENT, posts=(first, *POSTS[1:]))), hash=f"{hash((title, caption)):x}")


@pytest.mark.parametrize("query", QUERIES)
def test_nothing_in_the_query_changes_where_a_link_leads(linked: Linked, web: TestClient, query: str) -> None:
    """B1: read, share and short link, page and form."""
    paths = [read_link(ANA, 1), share_link(ANA, 1, "2"), slug_of(linked, web)]
    assert [web.get(f"{path}?{query}").headers["location"] for path in paths] == [web.get(path).headers["location"] for path in paths]
    assert web.get(f"{share_link(ANA, 1)}?{query}").text == web.get(share_link(ANA, 1)).text
    form = {"network": "2", "words": "x", **dict(parse_qsl(query))}
    answer = web.post(f"{share_link(ANA, 1)}?{query}", data=form, headers=OURS)
    assert answer.headers["location"].startswith("https://x.com/intent/")
    assert "evil" not in answer.headers["location"]


@pytest.mark.parametrize("url", BAD)
def test_an_address_that_is_no_web_page_of_its_name_is_refused_when_stored_and_again_at_the_link(linked: Linked, web: TestClient, url: str) -> None:
    """B2: a row that came into the database by another way leads nowhere either."""
    with pytest.raises(ValueError, match=r"web address|an address"):
        checks.article(SITE)(url)
    slug = slug_of(linked, web)
    linked.change("post", {"id": "cold-room"}, url=url)
    for path in (read_link(ANA, 1), share_link(ANA, 1, "2"), share_link(ANA, 1), read_link(OLD, 1), slug):
        answer = web.get(path)
        assert answer.status_code in {404, 410}, path
        assert "location" not in answer.headers
        assert "evil" not in answer.text


@pytest.mark.parametrize("odd", ["\r\nSet-Cookie: a=b", "%0d%0aSet-Cookie:%20a=b", "\x00", "\u2028x", "\u2029", "\x85", "\x0b", "\x7f", "\ufeff"])
def test_line_breaks_in_words_or_address_never_leave_their_header(linked: Linked, web: TestClient, odd: str) -> None:
    """B3: exactly one Location, in ASCII, with nothing that ends a line."""
    reword(linked, title=f"A title{odd}", caption=f"A caption{odd} goes on")
    linked.change("post", {"id": "cold-room"}, url=f"https://example.com/a{odd}b?c={odd}#d{odd}".replace("\x00", "%00"))
    form = {"network": "1", "words": f"Mine{odd} and more"}
    slug = slug_of(linked, web)
    answers = [web.get(path) for path in (read_link(ANA, 1), share_link(ANA, 1, "1"), share_link(ANA, 1, "2"), slug)]
    answers.append(web.post(share_link(ANA, 1), data=form, headers=OURS))
    for answer in answers:
        raw = [(name.lower(), value) for name, value in answer.headers.raw]
        assert [name for name, _ in raw].count(b"location") == 1
        assert all(32 <= octet < 127 for _, value in raw for octet in value)
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("host", ["bücher.example", "例え.テスト", "пример.рф", "EXAMPLE.com", "faß.example"])
def test_a_target_in_any_script_is_plain_ascii(linked: Linked, web: TestClient, host: str) -> None:
    """B4: the host by IDNA, path and query percent-encoded; a second pass changes nothing."""
    linked.change("post", {"id": "cold-room"}, url=f"https://{host}/straße/日本?q=ü&r=%FC#ñ")
    for path in (read_link(ANA, 1), slug_of(linked, web)):
        target = web.get(path).headers["location"]
        assert target.isascii()
        assert str(ada_url.URL(target).href) == target
        assert urlsplit(target).hostname == ada_url.URL(f"https://{host}/").hostname
        assert unquote(urlsplit(target).path) == "/straße/日本"


@pytest.mark.parametrize(
    "url", [f"{SITE}/l/k7q2m9x4c8v3", f"{SITE}/s/{ANA}/012", f"{SITE.upper()}/R/{ANA}/01", f"{SITE}/%6C/k7q2m9x4c8v3", f"{SITE}/u/{'0' * 36}"]
)
def test_a_post_that_leads_to_our_own_links_is_refused_when_stored_and_again_at_the_link(linked: Linked, web: TestClient, url: str) -> None:
    """B5: no circle, and nobody's own link becomes everybody's."""
    with pytest.raises(ValueError, match="the article's own address, not a link of a letter"):
        checks.article(SITE)(url)
    slug = slug_of(linked, web)
    linked.change("post", {"id": "cold-room"}, url=url)
    for path in (read_link(ANA, 1), share_link(ANA, 1, "2"), slug):
        assert web.get(path).status_code in {404, 410}


@pytest.mark.parametrize("url", ["https://bit.ly/abc", "https://www.bit.ly/abc", "https://lnkd.in/x", "HTTPS://T.CO/x"])
def test_a_shortened_address_is_refused_when_it_is_stored(url: str) -> None:
    """B5: where it leads may change after the letter is out, and a chain of them hides the article."""
    with pytest.raises(ValueError, match="not a shortened one"):
        checks.article(SITE)(url)


@pytest.mark.parametrize(
    "path",
    [
        "http://other.example/",
        "//evil.com/..%2f",
        "/s/..;/admin",
        "/%2e%2e",
        "/s/%2e%2e/%2e%2e/l/x",
        f"/w/..%2fr/{ANA}/01",
        f"/x/../r/{ANA}/01",
        f"//r/{ANA}/01",
        f"/r//{ANA}/01",
        f"/r/{ANA}//01",
        f"/r;x/{ANA}/01",
        "/.well-known/../l",
    ],
)
def test_paths_that_climb_or_name_another_host_lead_nowhere(linked: Linked, path: str) -> None:
    """B11: as they arrive, not as a client tidies them."""
    with Client(linked) as client:
        answer = client(Asked(path=unquote(path.replace("http://other.example", "")), raw_path=path.encode()))
    assert answer.status == 404
    assert linked.clicks() == []


def test_every_redirect_forbids_indexing_and_keeping(linked: Linked, web: TestClient) -> None:
    """B12: 302 (303 after a form), never 301; the message's own links are never stored, short links only by the browser and for no time."""
    slug = slug_of(linked, web)
    answers = {path: web.get(path) for path in (read_link(ANA, 1), share_link(ANA, 1, "2"), read_link(OLD, 1), share_link(OLD, 1), slug)}
    for path, answer in answers.items():
        assert answer.status_code == 302
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert answer.headers["cache-control"] == ("private, max-age=0" if path == slug else "no-store")
    sent = web.post(share_link(ANA, 1), data={"network": "2", "words": "x"}, headers=OURS)
    assert (sent.status_code, sent.headers["cache-control"], sent.headers["x-robots-tag"]) == (303, "no-store", "noindex, nofollow")


def test_a_second_press_reaches_us_again(linked: Linked, web: TestClient) -> None:
    """B12: so that it can be counted; nothing on the way may answer for us."""
    slug = slug_of(linked, web)
    for _ in range(2):
        web.get(slug)
        web.get(read_link(ANA, 1))
    assert (len(linked.visits()), len([click for click in linked.clicks() if click["kind"] == "read"])) == (2, 2)


ADDING = ["?cc=evil@example.com", "?to=evil@example.com", "?bcc=evil@example.com", "?%0abcc:evil@example.com", "?subject=x%0d%0abcc:evil@example.com"]


def fields_of(text: str) -> dict[str, str]:
    """Header -> value of the page's `mailto:` link; its address stands under "to"."""
    start = text.index('href="mailto:') + len('href="')
    link = text[start : text.index('"', start)].replace("&amp;", "&").replace("&#39;", "'").replace("&#34;", '"')
    parts = urlsplit(link)
    pairs = [part.partition("=") for part in parts.query.split("&")]
    assert len({name for name, _, _ in pairs}) == len(pairs)
    return {"to": parts.path, **{unquote(name): unquote(value) for name, _, value in pairs}}


@pytest.mark.parametrize("query", ADDING)
def test_no_query_sets_or_adds_a_recipient(web: TestClient, query: str) -> None:
    """B15: the person chooses whom to write to, in their own mail program."""
    plain = web.get(share_link(ANA, 1, "8"))
    asked = web.get(share_link(ANA, 1, "8") + query)
    assert asked.text == plain.text
    assert set(fields_of(asked.text)) == {"to", "subject", "body"}
    assert fields_of(asked.text)["to"] == ""


@pytest.mark.parametrize(
    "odd", ["&cc=evil@example.com", "?bcc=evil@example.com", "\r\nBcc: evil@example.com", "%0d%0aBcc:%20evil@x.org", "#&to=evil"]
)
def test_no_words_set_or_add_a_recipient(linked: Linked, web: TestClient, odd: str) -> None:
    """B15: neither a title nor what somebody types leaves its field."""
    reword(linked, title=f"A title{odd}", caption="x")
    form = {"network": "8", "words": f"Mine{odd}", "cc": "evil@example.com", "to": "evil@example.com"}
    for page in (web.get(share_link(ANA, 1, "8")), web.post(share_link(ANA, 1), data=form, headers=OURS)):
        found = fields_of(page.text)
        assert set(found) == {"to", "subject", "body"}
        assert found["to"] == ""
        assert "\n" not in found["subject"]
