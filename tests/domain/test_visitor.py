"""Who is a person, as far as one request can tell: each rule, and the people it must spare."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.visitor import ScannerNetwork, VisitorClass, audience, classify, network_label
from tests.conftest import NOW

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/155.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1"
OLD_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 15_8 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.6 Mobile/15E148 Safari/604.1"
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
        ({"ua": "SPİDER"}, "machine", "bot_ua"),
        ({"ua": "Uptime Mon\u0131tor"}, "machine", "bot_ua"),
        ({"ua": "Curl/8.5"}, "machine", "bot_ua"),
        ({"ua": "mozilla/5.0"}, "machine", "bot_ua"),
        ({"ua": ""}, "machine", "empty_ua"),
        ({"ua": CHROME, "junk": True}, "machine", "mutated"),
        ({"ua": CHROME, "mutated": True}, "human", None),
        ({"ua": CHROME, "net": "certain:eop"}, "machine", "network_certain"),
        ({"ua": CHROME, "age": 61 * 86400}, "machine", "stale"),
        ({"ua": CHROME, "age": 61 * 86400, **NAVIGATION}, "human", None),
        ({"ua": CHROME, "age": 3, **NAVIGATION}, "probable", "instant"),
        ({"ua": CHROME, "age": 90}, "probable", "silent"),
        ({"ua": CHROME, "age": 90, "mode": "cors"}, "human", None),
        ({"ua": CHROME, "age": 601}, "human", None),
        ({"ua": OLD_IPHONE, "age": 90}, "human", None),
        ({"ua": IPHONE, "age": 90}, "probable", "silent"),
        ({"ua": CHROME, "honeypot": True, **NAVIGATION}, "machine", "honeypot"),
        ({"ua": CHROME, "inside": True}, "probable", "colleague"),
        ({"ua": CHROME, "inside": True, "own": True}, "probable", "own"),
        ({"ua": CHROME, "age": -3}, "human", None),
        ({"ua": CHROME, "age": 90, "net": "probable:mimecast", **NAVIGATION}, "probable", "network_probable"),
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


@pytest.mark.parametrize(
    ("reasons", "whose"),
    [((), "outside"), (("own",), "own"), (["instant", "colleague"], "colleague"), (("own", "colleague"), "own"), (("burst",), "outside")],
)
def test_whose_visit_it_was_stands_in_the_reasons(reasons: Sequence[str], whose: str) -> None:
    assert audience(reasons) == whose


@pytest.mark.parametrize(
    ("address", "label"),
    [("40.107.218.12", "certain:eop"), ("::ffff:40.107.1.1", "certain:eop"), ("192.0.2.1", ""), ("2001:db8::1", ""), ("junk", ""), ("", "")],
)
def test_an_address_is_looked_up_in_the_catalogue(address: str, label: str) -> None:
    catalogue = (ScannerNetwork(label="eop", certain=True, network=ip_network("40.107.0.0/16")),)
    assert network_label(address, catalogue) == label
