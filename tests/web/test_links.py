"""Following links: where they lead, what they leave behind, and what damages they survive."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from tests.linked import ANA, BEN, DISCLOSURE, GROUP, OLD, PERSON, PHONE, SITE, Linked, read_link, share_link

ARTICLE = "https://example.com/blog/cold-room?a=1&a=2#door"


def test_a_read_link_leads_to_the_article_and_is_counted(linked: Linked, web: TestClient) -> None:
    answer = web.get(read_link(ANA, 1))
    assert (answer.status_code, answer.headers["location"]) == (302, ARTICLE)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["referrer-policy"] == "no-referrer"
    [click] = linked.clicks()
    assert (click["employee_id"], click["n"], click["post_id"], click["kind"], click["class"]) == (
        linked.people["ana"],
        1,
        "cold-room",
        "read",
        "human",
    )
    assert click["signals"]["age"] == 3600


def test_the_address_and_the_browser_are_kept_only_as_a_hash(linked: Linked, web: TestClient) -> None:
    web.get(read_link(ANA, 1))
    assert "192.0.2.7" not in repr(linked.clicks())
    assert len(linked.clicks()[0]["source"]) == 8


def test_only_junk_that_no_linkifier_adds_is_a_machine(linked: Linked, web: TestClient) -> None:
    web.get(read_link(ANA, 1) + ".")
    web.get(read_link(ANA, 1) + "%27")
    assert [click["class"] for click in linked.clicks()] == ["human", "machine"]


def test_a_wrong_check_character_asks_no_database(linked: Linked, web: TestClient) -> None:
    """A2: counted at the engine."""
    asked: list[str] = []
    event.listen(linked.engine, "checkout", lambda *_parts: asked.append("a connection"))  # whoever asks takes one first
    wrong = ANA[:-1] + ("0" if ANA[-1] != "0" else "1")
    for path in (f"/r/{wrong}/01", f"/s/{wrong}/011", f"/s/{wrong}/010", f"/w/{wrong}", "/l/short"):
        assert web.get(path).status_code == 404
    assert asked == []


@pytest.mark.parametrize("path", ["/r/{token}/0", "/r/{token}/", "/r/{token}", "/s/{token}/01", "/s/{token}/0", "/s/{token}/0112"])
def test_a_cut_link_is_never_another_valid_one(web: TestClient, path: str) -> None:
    """A9: a cut inside the number."""
    assert web.get(path.format(token=ANA)).status_code == 404


def test_nothing_in_the_query_changes_the_target(web: TestClient) -> None:
    for query in ("?url=https://evil.example", "?next=//evil.example", "?to=//evil", "?redir_url=https://evil.example"):
        assert web.get(read_link(ANA, 1) + query).headers["location"] == ARTICLE


@pytest.mark.parametrize(
    "path", [read_link(ANA, 1), share_link(ANA, 1, "2"), share_link(ANA, 1, "3"), share_link(ANA, 1), "/r/nothing", "/w/nothing"]
)
def test_head_says_what_get_says_and_is_no_event(linked: Linked, web: TestClient, path: str) -> None:
    head = web.head(path)
    counted = len(linked.clicks())
    got = web.get(path)
    assert counted == 0
    assert (head.status_code, dict(head.headers)) == (got.status_code, dict(got.headers))
    assert head.content == b""


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "TRACE", "PATCH"])
@pytest.mark.parametrize("path", [read_link(ANA, 1), share_link(ANA, 1, "2"), share_link(ANA, 1), "/l/k7q2m9x4c8v3", "/w/x", "/healthz", "/nowhere"])
def test_other_methods_are_refused_without_an_event(linked: Linked, web: TestClient, method: str, path: str) -> None:
    assert web.request(method, path).status_code == 405
    assert linked.clicks() == []


def test_a_post_to_a_click_link_is_refused(web: TestClient) -> None:
    assert web.post(read_link(ANA, 1), headers={"sec-fetch-site": "same-origin"}).status_code == 405


def test_an_expired_or_revoked_link_still_leads_on_but_counts_for_nobody(linked: Linked, web: TestClient) -> None:
    linked.change("token", {"token": BEN}, revoked_at=linked.now)
    for path in (read_link(OLD, 1), share_link(OLD, 1, "2"), share_link(OLD, 1), read_link(BEN, 1), share_link(BEN, 1)):
        assert (web.get(path).status_code, web.get(path).headers["location"]) == (302, ARTICLE)
    assert linked.clicks() == []
    assert linked.short_links() == []


def test_a_new_address_of_an_article_takes_effect_at_once(linked: Linked, web: TestClient) -> None:
    web.get(read_link(ANA, 1))
    linked.change("post", {"id": "cold-room"}, url="https://example.com/moved")
    assert web.get(read_link(ANA, 1)).headers["location"] == "https://example.com/moved"


def test_a_recalled_post_says_that_it_is_paused_and_why(linked: Linked, web: TestClient) -> None:
    slug = unquote(web.get(share_link(ANA, 1, "2")).headers["location"]).rpartition("/")[2]
    linked.change("post", {"id": "cold-room"}, recalled="A number in it was <wrong>.")
    for path in (read_link(ANA, 1), share_link(ANA, 1), share_link(ANA, 1, "1"), f"/l/{slug}"):
        answer = web.get(path)
        assert "location" not in answer.headers
        assert "This link is paused" in answer.text
        assert "A number in it was &lt;wrong&gt;." in answer.text
    assert len(linked.clicks()) == 1


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//evil.example",
        "https://good@evil.example",
        "https:\\\\evil.example",
        "https://",
    ],
)
def test_an_address_that_is_no_web_page_is_never_a_target(linked: Linked, web: TestClient, url: str) -> None:
    linked.change("post", {"id": "cold-room"}, url=url)
    for path in (read_link(ANA, 1), share_link(ANA, 1, "2"), share_link(ANA, 1)):
        assert web.get(path).status_code == 404


def test_a_target_is_ascii_and_one_header(linked: Linked, web: TestClient) -> None:
    linked.change("post", {"id": "cold-room"}, url="https://bücher.example/straße\r\nSet-Cookie: a=b")
    answer = web.get(read_link(ANA, 1))
    assert answer.headers["location"] == "https://xn--bcher-kva.example/stra%C3%9FeSet-Cookie:%20a=b"
    assert "set-cookie" not in answer.headers


def test_an_internal_post_can_be_read_but_not_shared(linked: Linked, web: TestClient) -> None:
    assert web.get(read_link(ANA, 3)).headers["location"] == "https://intra.example.com/pay"
    for letter in "012":
        answer = web.get(share_link(ANA, 3, letter))
        assert answer.status_code == 403
        assert "stays inside" in answer.text
    assert web.get(read_link(ANA, 4)).status_code == 404
    assert [click["kind"] for click in linked.clicks()] == ["read"]
    assert linked.short_links() == []


def test_a_group_link_works_for_every_public_post_and_for_no_internal_one(linked: Linked, web: TestClient) -> None:
    assert [web.get(read_link(GROUP, n)).status_code for n in (1, 2, 3, 5)] == [302, 302, 404, 302]
    assert {(click["employee_id"], click["group_key"]) for click in linked.clicks()} == {(None, "team:Quality")}


def test_a_share_link_opens_the_network_with_title_disclosure_and_short_link(linked: Linked, web: TestClient) -> None:
    answer = web.get(share_link(ANA, 1, "1"))
    assert answer.status_code == 302
    assert answer.headers["vary"] == "User-Agent, Sec-CH-UA-Mobile"
    [made] = linked.short_links()
    text = parse_qs(urlsplit(answer.headers["location"]).query)["text"][0]
    assert text.endswith(f"\n{DISCLOSURE} {SITE}/l/{made['slug']}")
    assert text.partition("\n")[0] == "The cold room that lied to us", "ready captions are the share page's"
    assert (made["owner"], made["network"], made["post_id"]) == (f"employee:{linked.people['ana']}", "linkedin", "cold-room")
    assert [(click["kind"], click["network"]) for click in linked.clicks()] == [("share", "linkedin")]


def test_the_same_share_link_always_gives_the_same_short_link(linked: Linked, web: TestClient) -> None:
    assert len({web.get(share_link(ANA, 1, "2")).headers["location"] for _ in range(3)}) == 1
    web.get(share_link(BEN, 1, "2"))
    assert len(linked.short_links()) == 2


def test_linkedin_on_a_phone_takes_no_text_so_a_page_offers_it_for_copying(web: TestClient) -> None:
    answer = web.get(share_link(ANA, 1, "1"), headers={"user-agent": PHONE})
    assert answer.status_code == 200
    assert "https://www.linkedin.com/sharing/share-offsite/?url=" in answer.text
    assert DISCLOSURE in answer.text
    assert "User-Agent, Sec-CH-UA-Mobile" in answer.headers["vary"]


def test_email_is_a_page_with_a_mailto_link(web: TestClient) -> None:
    answer = web.get(share_link(ANA, 1, "8"))
    assert answer.status_code == 200
    assert 'href="mailto:?subject=The%20cold%20room%20that%20lied%20to%20us&amp;body=' in answer.text


def test_a_short_link_leads_to_the_article_with_utm_as_text(linked: Linked, web: TestClient) -> None:
    web.get(share_link(ANA, 1, "1"))
    slug = linked.short_links()[0]["slug"]
    for path in (f"/l/{slug}", f"/L/{slug.upper()}"):
        answer = web.get(path, headers={"referer": "https://lnkd.in/feed/?who=ana"})
        assert answer.status_code == 302
        assert answer.headers["location"] == (
            "https://example.com/blog/cold-room?a=1&a=2&utm_source=linkedin&utm_medium=social&utm_campaign=2026-w48&utm_content=cold-room#door"
        )
        assert answer.headers["cache-control"] == "private, max-age=0"
    assert [visit["referrer_host"] for visit in linked.visits()] == ["lnkd.in", "lnkd.in"]


@pytest.mark.parametrize(
    "agent",
    ["LinkedInBot/1.0 (compatible)", "facebookexternalhit/1.1", "Twitterbot/1.0", "WhatsApp/2.23", "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1)"],
)
def test_a_link_preview_gets_the_same_redirect_and_is_evidence_not_reach(linked: Linked, web: TestClient, agent: str) -> None:
    web.get(share_link(ANA, 1, "1"))
    answer = web.get(f"/l/{linked.short_links()[0]['slug']}", headers={"user-agent": agent})
    assert answer.status_code == 302
    assert [visit["class"] for visit in linked.visits()] == ["preview"]


def test_the_owner_looking_at_the_own_short_link_is_no_reach(linked: Linked, web: TestClient) -> None:
    web.get(share_link(ANA, 1, "1"))
    web.get(f"/l/{linked.short_links()[0]['slug']}")
    assert [(visit["class"], visit["reasons"]) for visit in linked.visits()] == [("probable", ["own"])]


def test_a_disabled_short_link_is_paused(linked: Linked, web: TestClient) -> None:
    web.get(share_link(ANA, 1, "1"))
    slug = linked.short_links()[0]["slug"]
    linked.change("short_link", {"slug": slug}, disabled_at=linked.now)
    assert "paused" in web.get(f"/l/{slug}").text


def test_an_unknown_slug_and_a_damaged_one_look_the_same(web: TestClient) -> None:
    assert web.get("/l/k7q2m9x4c8v3").content == web.get("/l/k7q2").content == web.get("/l/../admin").content


def test_who_said_no_leaves_nothing_behind_and_every_link_works(linked: Linked, web: TestClient) -> None:
    linked.change("employee", {"id": linked.people["ana"]}, measured=False)
    assert web.get(read_link(ANA, 1)).status_code == 302
    assert "cold-room" in web.get(share_link(ANA, 1, "2")).headers["location"]
    assert (linked.clicks(), linked.short_links()) == ([], [])


def test_opt_in_measures_only_who_said_yes(linked: Linked) -> None:
    linked.change("employee", {"id": linked.people["ben"]}, measured=True)
    with linked.client(opt_in=True) as web:
        web.get(read_link(ANA, 1))
        web.get(read_link(BEN, 1))
    assert [click["employee_id"] for click in linked.clicks()] == [linked.people["ben"]]


def test_in_aggregate_mode_even_an_older_personal_token_names_nobody(linked: Linked) -> None:
    with linked.client(tracking="aggregate") as web:
        web.get(read_link(ANA, 1))
        web.get(share_link(GROUP, 1, "2"))
    assert [click["employee_id"] for click in linked.clicks()] == [None, None]
    assert [made["owner"] for made in linked.short_links()] == ["group:team:Quality"]


def test_with_tracking_off_links_work_and_nothing_is_kept(linked: Linked) -> None:
    with linked.client(tracking="off") as web:
        assert web.get(read_link(ANA, 1)).headers["location"] == ARTICLE
        target = unquote(web.get(share_link(ANA, 2, "2")).headers["location"])
    assert target.endswith("&url=https://example.com/blog/batteries")
    assert linked.clicks() == linked.short_links() == []
    assert linked.count("day_salt") == 0


def test_with_canonical_links_the_shared_text_carries_the_article_with_utm(linked: Linked) -> None:
    with linked.client(short=False) as web:
        target = unquote(web.get(share_link(ANA, 2, "2")).headers["location"])
    assert "url=https://example.com/blog/batteries?utm_source=x&utm_medium=social" in target
    assert linked.short_links() == []


def test_forwarded_addresses_count_only_from_a_trusted_proxy(linked: Linked) -> None:
    def sources(**changes: Any) -> int:
        with linked.client(**changes) as web:
            for host in (1, 2, 3):
                web.get(read_link(ANA, 1), headers={"x-forwarded-for": f"198.51.100.{host}"})
        return len({click["source"] for click in linked.clicks()[-3:]})

    assert sources() == 1
    assert sources(trusted_proxies=("192.0.2.0/24",)) == 3


def test_a_filter_s_network_is_a_machine_and_a_person_beside_it_is_not(linked: Linked) -> None:
    with linked.client(trusted_proxies=("192.0.2.7",)) as web:
        for address in ("40.107.218.12", "198.51.100.1"):
            web.get(read_link(ANA, 1), headers={"x-forwarded-for": address})
    assert [(click["class"], click["reasons"]) for click in linked.clicks()] == [("machine", ["network_certain"]), ("human", [])]


@pytest.mark.parametrize("agent", [b"", b"x" * 70000, b"a\x00b", b"\xb7\xff\xfe", "🎉".encode(), b"\xed\xa0\x80"])
def test_any_browser_name_is_stored_cut_and_clean(linked: Linked, web: TestClient, agent: bytes) -> None:
    assert web.get(read_link(ANA, 1), headers=[(b"user-agent", agent)]).status_code == 302
    stored = linked.clicks()[0]["signals"]["ua"]
    assert len(stored) <= 512
    assert stored.isprintable()


@pytest.mark.parametrize("header", [{"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}, {"x-moz": "prefetch"}])
def test_a_prefetch_is_no_click_and_the_navigation_after_it_is(linked: Linked, web: TestClient, header: dict[str, str]) -> None:
    web.get(read_link(ANA, 1), headers=header)
    web.get(read_link(ANA, 1))
    assert [click["class"] for click in linked.clicks()] == ["machine", "human"]


def test_many_at_once_make_one_short_link_and_an_event_each(linked: Linked, web: TestClient) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(20) as pool:
        targets = list(pool.map(lambda _: web.get(share_link(ANA, 1, "2"), headers=PERSON).headers["location"], range(50)))
    assert len(set(targets)) == len(linked.short_links()) == 1
    assert len(linked.clicks()) == 50


def test_yesterday_s_browser_cannot_be_recognised_today(linked: Linked, web: TestClient) -> None:
    web.get(read_link(ANA, 1))
    linked.wait(days=1)
    web.get(read_link(ANA, 1))
    first, second = linked.clicks()
    assert first["source"] != second["source"]
    linked.wait(days=3)
    web.get(read_link(ANA, 1))
    assert linked.count("day_salt") == 1


def test_a_host_header_builds_no_address(web: TestClient) -> None:
    answer = web.get(share_link(ANA, 1, "2"), headers={"host": "evil.example"})
    assert "evil.example" not in answer.headers["location"]
    assert "evil.example" not in web.get(share_link(ANA, 1), headers={"host": "evil.example"}).text
