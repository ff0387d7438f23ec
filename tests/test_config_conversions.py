"""[conversions]: a secret that is long enough and never shown, from the environment or a file, and plain words for events."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.config import Config, load_config
from digest.errors import ConfigError

LONG = "0123456789abcdef" * 2


def load(folder: Path, text: str, env: dict[str, str] | None = None) -> Config:
    (folder / "config.toml").write_text(f"[conversions]\n{text}\n", encoding="utf-8")
    return load_config(folder / "config.toml", env or {})


@pytest.mark.parametrize("line", ['secret = "short-one"', "secret = 12345", f'secret = "{LONG}\\n"', 'secret = ["listed-one"]'])
def test_a_secret_that_cannot_be_taken_is_named_but_not_shown(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, line)
    [problem] = refused.value.problems
    assert "conversions.secret: found" in problem
    assert all(part not in problem for part in ("short-one", "12345", LONG, "listed-one"))


def test_the_environment_and_a_file_it_names_win_over_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{LONG}file\n", encoding="utf-8")
    assert load(tmp_path, f'secret = "{LONG}"', {"DIGEST_CONVERSIONS_SECRET": f"{LONG}env"}).conversions.secret == f"{LONG}env"
    assert load(tmp_path, "", {"DIGEST_CONVERSIONS_SECRET_FILE": str(tmp_path / "secret")}).conversions.secret == f"{LONG}file"
    assert LONG not in repr(load(tmp_path, f'secret = "{LONG}"'))


@pytest.mark.parametrize("line", ['events = ["Lead!"]', 'hosts = ["https://example.com/"]', 'hosts = ["*.example.com"]'])
def test_hosts_are_names_and_events_are_words(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match=r"conversions\.\w+\.0: found .*, allowed a (word|domain)"):
        load(tmp_path, line)
