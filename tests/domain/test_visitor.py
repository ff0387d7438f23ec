"""Who is a person: each rule, the people it must spare, and the bursts that are seen only afterwards."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.visitor import Hit, ScannerNetwork, VisitorClass, classify, classify_all, network_label
from tests.conftest import NOW

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/155.0.0.0 Safari/537.36"
NAVIGATION = {"mode": "navigate", "dest": "document", "user": "?1"}

# In-app browsers and phones that longer lists call bots (share-links, section 4): people, always.
PEOPLE = [
    CHROME,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/520.0]",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP3A.240617.008; wv) AppleWebKit/537.36 Chrome/150.0.0.0 Mobile Safari/537.36 Instagram 350.0.0",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/150.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/500;] MetaIAB Facebook",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [LinkedInApp]/9.30.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Twitter for iPhone/10.60",
    "Mozilla/5.0 (Linux; Android 12; CUBOT P60) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/150.0.0.0 Electron/38 Safari/537.36 Sonic Slack_SSB/4.46",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0 Teams/25290",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 OutlookMobile Line/15.17",
    "Mozilla/5.0 (Linux; Android 13; SM-A536B) AppleWebKit/537.36 Chrome/150.0.0.0 Mobile Safari/537.36 Viber/25.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Pinterest for iOS/13.40",
]


@pytest.mark.parametrize("agent", PEOPLE)
def test_these_are_people(agent: str) -> None:
    assert classify({"method": "GET", "ua": agent}, NOW).visitor is VisitorClass.HUMAN


@pytest.mark.parametrize(
    ("signals", "visitor", "reason"),
    [
        ({"ua": "Slackbot-LinkExpanding 1.0"}, "preview", "unfurler"),
        ({"ua": "Mozilla/5.0 SkypeUriPreview Preview/0.5"}, "preview", "unfurler"),
        ({"ua": "TelegramBot (like TwitterBot)"}, "preview", "unfurler"),
        ({"ua": "http.rb/5.2.0 (Mastodon/4.3.0; +https://mastodon.example/)"}, "preview", "unfurler"),
        ({"ua": CHROME, "method": "HEAD"}, "machine", "method"),
        ({"ua": CHROME, "purpose": "prefetch;prerender"}, "machine", "prefetch"),
        ({"ua": "curl/8.5"}, "machine", "bot_ua"),
        ({"ua": "SomethingBot/1.0"}, "machine", "bot_ua"),
        ({"ua": ""}, "machine", "empty_ua"),
        ({"ua": CHROME, "junk": True}, "machine", "mutated"),
        ({"ua": CHROME, "mutated": True}, "human", None),
        ({"ua": CHROME, "net": "certain:eop"}, "machine", "network_certain"),
        ({"ua": CHROME, "age": 61 * 86400}, "machine", "stale"),
        ({"ua": CHROME, "age": 61 * 86400, **NAVIGATION}, "human", None),
        ({"ua": CHROME, "age": 3}, "probable", "instant"),
        ({"ua": CHROME, "age": -3}, "human", None),
        ({"ua": CHROME, "age": 90, "net": "probable:mimecast"}, "probable", "network_probable"),
        ({"ua": CHROME, "age": 3 * 3600, "net": "probable:mimecast"}, "human", None),
        ({"ua": CHROME.replace("155", "57")}, "probable", "old_ua"),
        ({"ua": CHROME.replace("155", "146")}, "human", None),
        ({"ua": CHROME, "own": True}, "probable", "own"),
    ],
)
def test_one_event_says_this_about_itself(signals: dict[str, Any], visitor: str, reason: str | None) -> None:
    verdict = classify({"method": "GET", **signals}, NOW)
    assert verdict.visitor == visitor
    assert verdict.reasons == ((reason,) if reason else ())


@given(st.dictionaries(st.sampled_from(["ua", "method", "purpose", "mode", "net"]), st.text(max_size=2000)))
def test_any_signals_get_a_verdict(signals: dict[str, str]) -> None:
    assert classify(signals, NOW) == classify(signals, NOW)


def test_a_hostile_browser_name_costs_little() -> None:
    import time

    started = time.perf_counter()
    classify({"ua": "bo" * 4000 + "Chrome/" * 500}, NOW)
    assert time.perf_counter() - started < 0.05


def hit(number: int, seconds: float, n: int, **changes: Any) -> Hit:
    base: dict[str, Any] = {"actor": "ana", "link": "read/", "source": "s1", "signals": {"method": "GET", "ua": CHROME}}
    return Hit(**{**base, "id": number, "at": NOW + timedelta(seconds=seconds), "n": n, **changes})


def classes(hits: list[Hit]) -> list[str]:
    verdicts = classify_all(hits)
    return [str(verdicts[one.id].visitor) for one in hits]


def test_a_scanner_that_follows_everything_leaves_no_human_click() -> None:
    assert set(classes([hit(i, i / 10, i % 10 + 1, link=f"share/{i // 10}") for i in range(70)])) == {"machine"}


def test_a_slow_scanner_with_several_browsers_is_caught_by_its_share_of_the_links() -> None:
    hits = [hit(i, i * 34, i % 10 + 1, link=f"share/{i // 10}", source=f"s{i % 3}", links=70) for i in range(70)]
    assert set(classes(hits)) == {"machine"}


def test_a_person_who_opens_three_posts_in_five_seconds_stays_a_person() -> None:
    assert classes([hit(i, i * 2, i + 1, signals={"method": "GET", "ua": CHROME, **NAVIGATION}, links=4) for i in range(3)]) == ["human"] * 3


def test_a_person_amid_a_burst_stays_a_person_when_alone_and_probable_when_not() -> None:
    scan = [hit(i, i, i + 1) for i in range(6)]
    person = hit(99, 3, 1, source="home", signals={"method": "GET", "ua": CHROME, **NAVIGATION})
    assert classes([*scan, person])[-1] == "human"
    assert classes([*scan, person, hit(100, 60, 2, source="home")])[-2] == "probable"


def test_a_time_of_click_scan_beside_a_person_leaves_one_human_click_per_post() -> None:
    person = hit(1, 0, 1, source="home", signals={"method": "GET", "ua": CHROME, **NAVIGATION})
    scan = hit(2, 12, 1, source="gateway")
    assert classes([person, scan])[0] == "human"


def test_a_whole_company_behind_one_address_is_five_hundred_people() -> None:
    hits = [hit(i, i * 0.6, i % 5 + 1, actor=f"person{i}", signals={"method": "GET", "ua": CHROME, **NAVIGATION}) for i in range(500)]
    assert set(classes(hits)) == {"human"}


def test_other_people_s_links_followed_by_a_scanner_in_the_same_minute_are_only_probable() -> None:
    scan = [hit(i, i, i + 1) for i in range(6)]
    near, far = hit(50, 40, 1, actor="ben"), hit(51, 500, 1, actor="ben")
    assert classes([*scan, near, far])[-2:] == ["probable", "human"]


def test_a_preview_inside_a_burst_stays_a_preview() -> None:
    scan = [hit(i, i, i + 1) for i in range(6)]
    assert classes([*scan, hit(9, 2, 1, signals={"method": "GET", "ua": "LinkedInBot/1.0"})])[-1] == "preview"


@given(st.lists(st.tuples(st.floats(0, 2000), st.integers(1, 9), st.sampled_from("ab"), st.sampled_from("xyz")), max_size=40), st.randoms())
def test_the_order_in_which_events_are_read_changes_no_verdict(rows: list[tuple[float, int, str, str]], dice: Any) -> None:
    hits = [hit(i, seconds, n, actor=actor, source=source) for i, (seconds, n, actor, source) in enumerate(rows)]
    shuffled = list(hits)
    dice.shuffle(shuffled)
    assert classify_all(hits) == classify_all(shuffled)


@pytest.mark.parametrize(
    ("address", "label"),
    [("40.107.218.12", "certain:eop"), ("::ffff:40.107.1.1", "certain:eop"), ("192.0.2.1", ""), ("2001:db8::1", ""), ("junk", ""), ("", "")],
)
def test_an_address_is_looked_up_in_the_catalogue(address: str, label: str) -> None:
    catalogue = (ScannerNetwork(label="eop", certain=True, network=ip_network("40.107.0.0/16")),)
    assert network_label(address, catalogue) == label
