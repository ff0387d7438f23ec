"""`digest contributions` at a terminal: a post from giving to deciding, roles, and two moderators at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, update

from digest.cli.main import main
from digest.db import keys
from digest.db.schema import contribution, employee
from digest.db.session import open_database, write
from tests.conftest import NOW
from tests.factories import person
from tests.giving import noticed

Run = Callable[..., Result]
WHY = "Our ovens are older than our data."


@pytest.fixture
def run(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DIGEST_USER", "mara@example.org")
    engine = open_database(database_url)
    with write(engine) as connection:
        keys.ensure_keys(connection, lambda size: b"k" * size, NOW)
        connection.execute(insert(employee), [person("ana@example.org"), person("ben@example.org", name="Ben Baker")])
    engine.dispose()

    def call(*words: str, moderation: str = "", stdin: str | None = None) -> Result:
        text = f'[database]\nurl = "{database_url}"\n[moderation]\n{moderation}\n'
        (tmp_path / "config.toml").write_text(text, encoding="utf-8")
        return CliRunner().invoke(main, ["--config", str(tmp_path / "config.toml"), "contributions", *words], input=stdin)

    return call


def given(run: Run, *more: str) -> None:
    done = run("give", "--by", "ana@example.org", "--url", "https://example.com/ovens", "--title", "Ovens [red]", "--why", WHY, *more)
    assert done.exit_code == 0, done.output


def state(run: Run, number: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("show", str(number), "--json").output)
    return found


def test_a_post_is_given_listed_shown_and_accepted(run: Run) -> None:
    given(run)
    given(run)
    assert len(json.loads(run("list", "--json").output)["contributions"]) == 1
    listed = run("list").output
    assert "Ovens [red]" in listed
    assert "proposed" in listed
    assert WHY in run("show", "1").output
    done = run("accept", "1")
    assert done.output == "Contribution 1 is accepted.\n"
    found = state(run)
    assert (found["state"], found["decided_by"], found["post_id"]) == ("accepted", "mara@example.org", "ovens-red-c1")
    assert [row["what"] for row in found["history"]] == ["contribution.proposed", "contribution.given", "contribution.accepted"]


def test_words_come_from_standard_input_and_stay_inside_without_a_link(run: Run) -> None:
    assert run("give", "--by", "ana@example.org", "--why", "-", stdin="We moved.\nIt took a night.\n").exit_code == 0
    assert (state(run)["visibility"], state(run)["kind"], state(run)["title"]) == ("internal", "story", "We moved.")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--by", "cleo@example.org", "--why", WHY), "nobody on the roster"),
        (("--by", "ana@example.org", "--why", " "), "found no words"),
        (("--by", "ana@example.org", "--why", WHY, "--url", "https://bit.ly/1"), "--url cannot be used"),
        (("--by", "ana@example.org", "--why", WHY, "--url", "https://example.com", "--network", "myspace"), "no such network"),
    ],
)
def test_what_is_no_post_is_refused_in_words(run: Run, words: tuple[str, ...], says: str) -> None:
    done = run("give", *words)
    assert done.exit_code == 1
    assert says in str(done.exception)


def test_two_moderators_at_once_do_not_overwrite_each_other(run: Run) -> None:
    given(run)
    read = str(state(run)["version"])
    assert run("edit", "1", "--title", "Old ovens", "--reason", "facts", "--version", read).exit_code == 0
    second = run("edit", "1", "--title", "New ovens", "--reason", "facts", "--version", read)
    assert second.exit_code == 1
    assert "somebody changed it meanwhile" in str(second.exception)
    assert "digest contributions show 1" in str(second.exception)
    assert state(run)["title"] == "Old ovens"


def test_tone_is_no_reason(run: Run) -> None:
    given(run)
    done = run("edit", "1", "--why", "Nicer words.", "--reason", "tone")
    assert done.exit_code == 1
    assert "found 'tone', allowed facts, timing, legal" in str(done.exception)
    assert state(run)["why"] == WHY


def test_a_decline_needs_words(run: Run) -> None:
    given(run)
    assert run("decline", "1", "--reason", " ").exit_code == 1
    assert state(run)["state"] == "proposed"
    assert run("decline", "1", "--reason", "We had this last week.").exit_code == 0
    assert (state(run)["state"], state(run)["reason"]) == ("declined", "We had this last week.")
    assert run("decline", "1", "--reason", "Again.").exit_code == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (("--starts-at", "tomorrow"), "--starts-at: found 'tomorrow', allowed a date and time"),
        (("--ends", "soon"), "--ends: found 'soon'"),
        (("--url", "javascript:alert(1)"), "--url: found"),
        (("--url", ""), "needs a link"),
        (("--title", "Ovens [red]"), "these are its words already"),
    ],
)
def test_a_field_that_no_post_may_have_is_refused(run: Run, fields: tuple[str, str], says: str) -> None:
    given(run)
    done = run("edit", "1", *fields, "--reason", "facts")
    assert done.exit_code == 1
    assert says in str(done.exception)
    assert state(run)["version"] == 2


def test_roles_are_kept(run: Run) -> None:
    given(run)
    roles = 'editors = ["mara@example.org"]\napprovers = ["Ben@Example.org"]\nadmins = ["ada@example.org"]'
    assert run("edit", "1", "--title", "Old ovens", "--reason", "facts", moderation=roles).exit_code == 0
    refused = run("accept", "1", moderation=roles)
    assert refused.exit_code == 1
    assert "[moderation] lets ada@example.org, ben@example.org do it" in str(refused.exception)
    done = run("accept", "1", "--as", "ben@example.org", moderation=roles)
    assert done.output == "Contribution 1 is accepted, as soon as its author agrees to the last change.\n"
    assert run("trust", "ana@example.org", "--as", "ben@example.org", moderation=roles).exit_code == 1
    assert run("trust", "ana@example.org", "--as", "ada@example.org", moderation=roles).exit_code == 0
    alone = run("list", moderation='editors = ["mara@example.org"]')
    assert alone.exit_code == 1
    assert "moderation.approvers" in str(alone.exception)


def test_a_trusted_author_goes_without_review_but_not_with_a_customer_a_figure_or_a_name(run: Run) -> None:
    assert run("trust", "ana@example.org").exit_code == 0
    assert run("trust", "ana@example.org").exit_code == 1
    names = 'customers = ["Acme Corp"]\nwords = ["lawsuit"]\npatterns = ["project [a-z]{4}"]'
    said = ["Nothing special.", "We helped acme  corp.", "It saved 3.5 million euros.", "Ben Baker did it.", "No lawsuit.", "See Project Moon."]
    for words in said:
        assert run("give", "--by", "ana@example.org", "--url", "https://example.com/x", "--why", words, moderation=names).exit_code == 0
    found = {one["id"]: one for one in json.loads(run("list", "--all", "--json", moderation=names).output)["contributions"]}
    states = [found[number]["state"] for number in range(1, 7)]
    assert states == ["accepted", *["proposed"] * 5]
    risks = [[risk["trigger"] for risk in found[number]["risks"]] for number in range(1, 7)]
    assert risks == [[], ["customer"], ["figure"], ["person"], ["word"], ["word"]]
    assert found[1]["decided_by"] == "trusted author"
    assert run("untrust", "ana@example.org", "--reason", "Two complaints.").exit_code == 0
    run("give", "--by", "ana@example.org", "--url", "https://example.com/y", "--why", "Nothing special again.")
    assert state(run, 7)["state"] == "proposed"


def test_the_queue_shows_what_employees_gave_and_what_stays_out(run: Run, tmp_path: Path) -> None:
    (tmp_path / "queue.toml").write_text('[[post]]\ntitle = "A"\nurl = "https://example.com/a"\nwhy = "B"\n', encoding="utf-8")
    given(run)
    run("accept", "1")

    def queue(*words: str) -> Result:
        return CliRunner().invoke(main, ["--config", str(tmp_path / "config.toml"), "queue", *words])

    assert "1 post that employees gave goes with them." in queue("check").output
    posts = json.loads(queue("list", "--json").output)["posts"]
    assert [(post["id"], post["given"], post["by"]) for post in posts] == [("a", False, None), ("ovens-red-c1", True, "ana@example.org")]
    run("edit", "1", "--title", "Other", "--reason", "facts")
    out = json.loads(queue("check", "--json").output)["given"]
    assert (out["posts"], len(out["kept_out"])) == (0, 1)
    assert "not_agreed" in queue("list").output
    assert "gave" not in queue("check", str(tmp_path / "queue.toml")).output


def test_those_who_decide_are_told_and_a_promise_that_passed_is_a_problem(run: Run, tmp_path: Path, database_url: str) -> None:
    roles = 'approvers = ["Ben@example.org", "nobody@example.org"]'
    run("give", "--by", "ana@example.org", "--url", "https://example.com/ovens", "--why", WHY, moderation=roles)
    engine = open_database(database_url)
    told = [(each.kind, each.employee, each.facts["values"]) for each in noticed(engine)]
    assert [(kind, employee_id) for kind, employee_id, _ in told] == [("promised", 1), ("to_decide", 2)]
    assert told[1][2]["number"] == "1"
    assert "ana" not in str(told[1][2]).lower()
    with write(engine) as connection:
        connection.execute(update(contribution).values(decide_by=NOW - timedelta(days=400)))
    engine.dispose()
    (tmp_path / "queue.toml").write_text("", encoding="utf-8")
    done = CliRunner().invoke(main, ["--config", str(tmp_path / "config.toml"), "verify"])
    assert "1 post that people gave was promised to be decided by now" in done.output
    assert "digest contributions list" in done.output
