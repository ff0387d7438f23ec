"""The lint measures what is planned, or what would be; a letter too long loses extras when it is planned."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.db import editions
from digest.db.session import read
from digest.errors import NoSuchWeekError
from digest.mail import overrides
from digest.pipeline import edition, linting
from tests.conftest import NOW
from tests.factories import QUEUE, company, crowd, person

GERMAN = '[post.translations.de]\ntitle = "Zwölf Fragen zum Durchflussmesser"\nwhy = "Eine Seite."\n\n[[post]]\nid = "no-lyon"'


def test_what_would_be_planned_is_measured_and_nothing_is_stored(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, crowd(12))
    found = linting.lint(engine, config, now=NOW)
    assert (found.planned, {letter.language for letter in found.letters}) == (False, {"en", "de"})
    with read(engine) as connection:
        assert editions.newest(connection) is None
    edition.plan(engine, config, now=NOW)
    planned = linting.lint(engine, config, now=NOW)
    assert planned.planned
    assert [letter.sections.keys() for letter in planned.letters] == [letter.sections.keys() for letter in found.letters]
    assert [(letter.kind, letter.language, letter.words, letter.html_bytes) for letter in planned.letters] == [
        (letter.kind, letter.language, letter.words, letter.html_bytes) for letter in found.letters
    ]


def test_a_broken_limit_stops_and_says_what_to_change(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, crowd(12))
    found = linting.lint(engine, config, now=NOW)
    assert found.stops
    assert "words, allowed at least 250. Say more in the note" in found.sentence()
    lenient = company(engine, tmp_path, [person("zoe@example.org")], budget={"words_from": 0, "posts_from": 0})
    assert not linting.lint(engine, lenient, now=NOW).stops
    assert json.loads(json.dumps(found.as_data()))["problems"][0]["allowed"] == "at least 250"


def test_letters_are_longest_and_shortest_by_what_people_get(engine: Engine, tmp_path: Path) -> None:
    one = '\n[[post]]\nid = "more-{n}"\ntitle = "Post {n}"\nurl = "https://example.com/{n}"\nwhy = "{why}"\nby = "ana@example.org"\n'
    more = "".join(one.format(n=n, why="Words. " * 30 * n) + 'only = { teams = ["Lab"] }\n' for n in (1, 2))
    config = company(engine, tmp_path, crowd(12), queue=QUEUE + more)
    letters = {(letter.language, letter.kind): letter for letter in linting.lint(engine, config, now=NOW).letters}
    assert letters["de", "longest"].words > letters["de", "typical"].words
    assert sum(letters["de", "longest"].sections.values()) == letters["de", "longest"].html_bytes


def test_the_plan_says_who_reads_it_in_which_language(engine: Engine, tmp_path: Path) -> None:
    queue = QUEUE.replace('[[post]]\nid = "no-lyon"', GERMAN)
    people = [*crowd(4), person("ida@example.org", language="de-at"), person("ewa@example.org", language="pl")]
    planned = edition.plan(engine, company(engine, tmp_path, people, queue=queue), now=NOW)
    assert planned.languages == (
        "German: 3 readers; posts: 1 translated, 2 in other languages, marked as such.",
        "English: 3 readers (1 asked for Polish, which the letter does not speak); posts: 3 in it.",
    )


def test_a_letter_too_long_is_planned_without_what_it_can_spare(engine: Engine, tmp_path: Path) -> None:
    long = "Because. " * 500
    one = '\n[[answer]]\nquestion = "Why {n}?"\nasked = 2026-01-0{n}\nowner = "Mara"\nanswer = "{long}"\n'
    answers = "".join(one.format(n=n, long=long) for n in range(1, 8))
    config = company(engine, tmp_path, crowd(4), queue=QUEUE + answers, budget={"html_bytes": 40_000})
    planned = edition.plan(engine, config, now=NOW)
    assert "Left out: answers beyond the first 3." in planned.warnings
    found = linting.lint(engine, config, now=NOW)
    assert max(letter.html_bytes for letter in found.letters) <= 40_000
    assert "Left out: answers beyond the first 3." in found.sentence()


def test_a_subject_of_an_earlier_edition_is_told(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, crowd(4))
    edition.plan(engine, config, now=NOW)
    later = linting.lint(engine, config, now=NOW + timedelta(days=7), period="2026-W49")
    assert [finding.allowed for finding in later.findings if finding.where.startswith("subject")] == ["a new one every week"]


def test_a_week_is_written_as_a_week(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(NoSuchWeekError, match="2026-W48"):
        linting.lint(engine, company(engine, tmp_path, crowd(2)), now=NOW, period="next")


def test_what_mail_programs_break_in_the_letters_is_a_problem(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, crowd(12), site={"templates": "site"})
    overrides.copy("digest/body.html", tmp_path / "site")
    file = tmp_path / "site" / "digest" / "body.html"
    assert not [finding for finding in linting.lint(engine, config, now=NOW).findings if "templates check" in finding.change]
    file.write_text(file.read_text(encoding="utf-8").replace('<p class="soft fine">', '<p class="soft fine" style="display:flex">'), encoding="utf-8")
    found = [finding for finding in linting.lint(engine, config, now=NOW).findings if "templates check" in finding.change]
    assert [(finding.found, finding.stops) for finding in found] == [("display:flex on <p>", True)]
