"""`digest ledger` at a terminal: everything that is asked has an owner and ends in words, and lint and check name what does not."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, insert, select, update

from digest.cli.main import main
from digest.db import keys
from digest.db.schema import employee, notice, question
from digest.db.session import read, write
from tests.conftest import NOW
from tests.factories import QUEUE, person

RUN = CliRunner()


@pytest.fixture
def home(engine: Engine, tmp_path: Path, database_url: str) -> Path:
    config = f'[database]\nurl = "{database_url}"\n[site]\naddress = "1 Road"\n'
    (tmp_path / "config.toml").write_text(config, encoding="utf-8")
    (tmp_path / "queue.toml").write_text(QUEUE, encoding="utf-8")
    with write(engine) as connection:
        keys.ensure_keys(connection, lambda size: b"k" * size, NOW)
        connection.execute(insert(employee), [person("ana@example.org"), person("ben@example.org")])
    return tmp_path


def run(home: Path, *words: str, piped: str | None = None) -> Result:
    return RUN.invoke(main, ["--config", str(home / "config.toml"), *words], input=piped)


def ledger(home: Path, *words: str, piped: str | None = None) -> Result:
    return run(home, "ledger", *words, piped=piped)


def test_a_question_goes_from_the_corridor_to_its_answer(home: Path, engine: Engine) -> None:
    assert ledger(home, "list").output == "Nothing waits.\n"
    added = json.loads(
        ledger(home, "add", "-", "--asker", "ben@example.org", "--asked", "2026-10-20", "--json", piped="Why is Lyon closed?\n").output
    )
    assert (added["number"], added["state"], added["text"], added["owner"]) == (1, "open", "Why is Lyon closed?", "")
    assert "ben" not in str(added).lower()
    assert "nobody answers" in ledger(home, "list").output
    assert "Jonas Weber answers" in ledger(home, "assign", "1", "Jonas Weber").output
    shown = ledger(home, "show", "1").output
    assert "Version 2." in shown
    answered = ledger(home, "answer", "1", "Because\nof the rent.", "--version", "2")
    assert (answered.exit_code, "answered" in answered.output) == (0, True)
    hard = json.loads(ledger(home, "hard", "1", "--owner", "Irene Holt, CEO", "--json").output)
    assert (hard["hard"], hard["owner"], hard["answer"]) == (True, "Irene Holt, CEO", "Because\nof the rent.")
    assert json.loads(ledger(home, "hard", "1", "--not", "--json").output)["hard"] is False
    with read(engine) as connection:
        assert list(connection.execute(select(notice.c.kind).order_by(notice.c.id)).scalars()) == ["entered", "owned", "answered"]
    assert [one["number"] for one in json.loads(ledger(home, "list", "--json").output)["entries"]] == [1]


def test_what_cannot_be_done_is_said_with_what_to_type(home: Path) -> None:
    ledger(home, "add", "Why?")
    for words, said in (
        (["answer", "1", "Because."], "nobody is named who answers"),
        (["close", "1"], "nothing is closed without words"),
        (["close", "1", " ", "--owner", "Jonas"], "nothing is closed without words"),
        (["show", "9"], "ledger entry 9: not found"),
        (["assign", "1", "Jonas", "--version", "7"], "somebody changed it meanwhile"),
        (["assign", "1", "ben@example.org"], "has not agreed to be named"),
        (["add", ""], "found 0 letters of what was asked"),
    ):
        done = ledger(home, *words)
        assert done.exit_code == 1, words
        assert said in str(done.exception), words
    assert ledger(home, "add", "x", "--asked", "2999-01-01").exit_code == 2
    assert json.loads(ledger(home, "show", "1", "--json").output)["state"] == "open"
    assert "closed" in ledger(home, "close", "1", "Only for you.", "--owner", "Jonas").output
    assert ledger(home, "list").output == "Nothing waits.\n"
    assert "Jonas" in ledger(home, "list", "--all").output


def test_lint_and_check_name_what_is_overdue_and_nobodys(home: Path) -> None:
    ledger(home, "add", "Old?", "--asked", "2026-01-02")
    ledger(home, "add", "Old as well?", "--asked", "2026-01-02")
    ledger(home, "assign", "2", "Jonas")
    checked = run(home, "queue", "check")
    assert (checked.exit_code, "ledger entry 1: open for" in checked.stderr, "ledger entry 2" in checked.stderr) == (0, True, False)
    assert len(json.loads(run(home, "queue", "check", "--json").stdout)["ledger"]) == 1
    linted = RUN.invoke(main, ["--config", str(home / "config.toml"), "edition", "lint"], standalone_mode=False)
    assert linted.return_value == 1
    assert "Problem: ledger: found ledger entry 1: open for" in linted.stdout
    ledger(home, "assign", "1", "Jonas")
    assert "ledger entry" not in run(home, "edition", "lint").stdout


def test_the_report_says_how_long_answers_take(home: Path, engine: Engine) -> None:
    ledger(home, "add", "Why?", "--asked", "2026-01-02")
    ledger(home, "answer", "1", "Because.", "--owner", "Jonas")
    ledger(home, "add", "And?")
    run(home, "edition", "plan")
    with write(engine) as connection:
        asked = connection.execute(select(question.c.answered_at).where(question.c.id == 1)).scalar_one()
        connection.execute(update(question).where(question.c.id == 1).values(asked_at=asked - timedelta(days=6)))
    assert "Questions answered in four weeks: 1, half of them within 6 days. Open: 1." in run(home, "report").output
    assert json.loads(run(home, "report", "--json").output)["ledger"] == {"answered": 1, "median_days": 6, "open": 1, "overdue": 0, "unowned": 0}
