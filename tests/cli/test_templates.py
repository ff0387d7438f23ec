"""`digest templates` at a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from digest.cli.main import main


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text('[site]\ntemplates = "site"\n', encoding="utf-8")
    return tmp_path


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(home / "config.toml"), "templates", *words], standalone_mode=False)


def test_a_template_is_copied_listed_and_checked(home: Path) -> None:
    done = run(home, "copy", "pages/notice.html")
    assert done.exit_code == 0
    assert "notice.html: yours now." in done.output
    listed = run(home, "list").output.splitlines()
    assert [line.split() for line in listed if "pages/notice" in line] == [["pages/notice.html", "yours"]]
    assert [line.split() for line in listed if "digest/body.html" in line] == [["digest/body.html", "ours"]]
    found = {one["path"]: one for one in json.loads(run(home, "list", "--json").output)["templates"]}
    assert found["pages/notice.html"]["copied"] == found["pages/notice.html"]["ours"] != ""
    assert run(home, "check").output == "Every template can be used in every language.\n"


def test_all_problems_are_named_and_exit_with_one(home: Path) -> None:
    run(home, "copy", "pages/notice.html")
    run(home, "copy", "digest/body.txt")
    for path, before, after in (("pages/notice.html", "company=company", "company=compny"), ("digest/body.txt", 'words("turn")', "wrods('turn')")):
        file = home / "site" / path
        file.write_text(file.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    done = run(home, "check")
    assert done.return_value == 1
    lines = done.output.splitlines()
    assert "digest/body.txt:" in lines[0]
    assert "found wrods, which is not there" in lines[0]
    assert "found compny, which is not there" in lines[1]
    assert lines[2] == "2 problems. Mend them before the next `digest edition plan`."
    found = json.loads(run(home, "check", "--json").output)["problems"]
    assert [problem["line"] > 1 for problem in found] == [True, True]


def test_what_mail_programs_break_is_named_with_its_line_and_what_to_write(home: Path) -> None:
    run(home, "copy", "digest/posts.html")
    file = home / "site" / "digest" / "posts.html"
    text = file.read_text(encoding="utf-8").replace('<h3 class="ink headline"', '<h3 class="ink headline" style="position:relative;padding:8px"')
    file.write_text(text, encoding="utf-8")
    line = text.count("\n", 0, text.index("position:relative")) + 1
    done = run(home, "check")
    assert done.return_value == 1
    told = [one for one in done.output.splitlines() if f"digest/posts.html:{line}: found " in one]
    assert len(told) == 2, done.output
    assert "position:relative on <h3>, which Outlook for Windows and Outlook on phones and Gmail ignore" in told[1]
    assert "padding:8px on <h3>, which Outlook for Windows ignores, since it pads table cells alone; write padding on the cell" in told[0]


def test_without_a_folder_copying_says_what_to_set(home: Path) -> None:
    (home / "config.toml").write_text("", encoding="utf-8")
    done = run(home, "copy", "digest/body.html")
    assert 'Set templates = "site" under [site].' in str(done.exception)
    assert "digest/body.html" in run(home, "list").output
