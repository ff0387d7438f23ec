"""A preview is evidence only when a network's own robot fetched the link that was made for it."""

from __future__ import annotations

import pytest

from digest.domain.ladder import PREVIEWING, RUNGS, fetched_for
from digest.domain.visitor import VisitorClass, classify
from digest.files.networks import load_networks
from tests.conftest import NOW

AGENTS = {
    "linkedin": "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "x": "Twitterbot/1.0",
    "facebook": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "bluesky": "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)",
    "mastodon": "Mastodon/4.3.0 (http.rb/5.2.0; +https://mastodon.example/)",
    "whatsapp": "WhatsApp/2.23.20.0",
    "telegram": "TelegramBot (like TwitterBot)",
    "teams": "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "slack": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
}


@pytest.mark.parametrize(("network", "agent"), AGENTS.items())
def test_a_network_s_own_robot_is_known_as_such_and_as_a_preview(network: str, agent: str) -> None:
    assert network in fetched_for(agent)
    assert classify({"method": "GET", "ua": agent}, NOW).visitor is VisitorClass.PREVIEW


@pytest.mark.parametrize("agent", ["", "Mozilla/5.0 (iPhone) LinkedInApp/9.30", "Discordbot/2.0", "curl/8.5"])
def test_a_person_or_another_robot_is_evidence_for_no_network(agent: str) -> None:
    assert fetched_for(agent) == frozenset()


def test_a_robot_is_told_only_for_networks_that_there_are() -> None:
    assert {network.name for network in load_networks()} >= PREVIEWING
    assert RUNGS == ("intent opened", "preview fetched", "first visit")
