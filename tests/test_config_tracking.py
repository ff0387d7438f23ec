"""[tracking] and the table inside it: every mistake named by its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.config import Config, load_config
from digest.errors import ConfigError


def loaded(home: Path, text: str) -> Config:
    (home / "config.toml").write_text(text, encoding="utf-8")
    return load_config(home / "config.toml", {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[tracking.rules]\nbrust = 5", "tracking.rules.brust: no such key, did you mean tracking.rules.burst?"),
        ("[tracking]\nburst = 5", "tracking.burst: no such key, did you mean tracking.rules.burst?"),
        ("[tracking.rules]\nburst = 1", "tracking.rules.burst: found 1, allowed 2 or more"),
        ("[tracking.rules]\nburst = 4.5", "tracking.rules.burst: found 4.5, allowed a whole number"),
        ('[tracking.rules]\nslow_seconds = "600"', "tracking.rules.slow_seconds: found '600', allowed a number"),
        ("[tracking.rules]\nslow_seconds = inf", "tracking.rules.slow_seconds: found inf, allowed 86400 or less"),
        ("[tracking.rules]\nslow_seconds = nan", "tracking.rules.slow_seconds: found nan, allowed 86400 or less"),
        ("[tracking.rules]\nshare_of_links = 60", "tracking.rules.share_of_links: found 60, allowed 1 or less"),
        ("[tracking]\nrules = 5", "tracking.rules: found 5, allowed a table"),
        ('[tracking]\ncompany_networks = ["203.0.113.0/33"]', "tracking.company_networks.0: found '203.0.113.0/33', allowed an address such as"),
        ("[tracking]\nhoneypot = 1", "tracking.honeypot: found 1, allowed true or false"),
    ],
)
def test_a_mistake_in_the_rules_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert problem in str(caught.value)


def test_one_rule_changes_and_the_others_stay(tmp_path: Path) -> None:
    found = loaded(tmp_path, "[tracking.rules]\nburst = 5\nburst_seconds = 20\n").tracking.rules
    assert (found.burst, found.burst_seconds, found.slow_burst) == (5, 20, 8)
