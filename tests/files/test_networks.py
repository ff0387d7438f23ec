"""The networks file: its order, its letters, and every problem at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.config import Config
from digest.errors import FileProblemsError
from digest.files.networks import BUNDLED, load_networks, networks_named

# Letters stand in links that were mailed: this table only ever grows.
LETTERS = {
    "linkedin": "1",
    "x": "2",
    "facebook": "3",
    "threads": "4",
    "bluesky": "5",
    "mastodon": "6",
    "whatsapp": "7",
    "email": "8",
    "telegram": "9",
}


def test_letters_never_change() -> None:
    assert LETTERS.items() <= {network.name: network.letter for network in load_networks()}.items()


def test_the_networks_that_are_on_are_those_of_the_default_configuration() -> None:
    assert tuple(network.name for network in load_networks() if network.default_on) == Config().sharing.networks


def test_networks_come_in_the_order_they_are_asked_for() -> None:
    assert [network.label for network in networks_named(["email", "x"])] == ["Email", "X"]


def test_an_unknown_network_is_named_with_what_is_allowed() -> None:
    with pytest.raises(FileProblemsError, match="found 'myspace', allowed linkedin, x"):
        networks_named(["myspace"])


def test_only_linkedin_needs_to_know_the_device() -> None:
    assert [network.name for network in load_networks() if network.two_devices] == ["linkedin"]


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    path = tmp_path / "networks.toml"
    text = BUNDLED.read_text(encoding="utf-8").replace("https://x.com/intent", "https://evil.example/intent").replace('letter = "3"', 'letter = "0"')
    path.write_text(text.replace("text={text}", "text={secret}"), encoding="utf-8")
    with pytest.raises(FileProblemsError) as caught:
        load_networks(path)
    assert len(caught.value.problems) >= 4
    assert any("must" in p or "starts with https://x.com/" in p for p in caught.value.problems)
