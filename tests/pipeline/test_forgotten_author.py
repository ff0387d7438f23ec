"""Somebody who was forgotten stops nothing: their posts of the queue are left out with a word, and every other goes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.config import Config
from digest.db import editions, people
from digest.db import privacy as stored
from digest.db.session import read, write
from digest.domain.suppression import address_hash
from digest.errors import FileProblemsError
from digest.pipeline import edition, linting, queue, recalling, rehearsing
from tests.conftest import NOW
from tests.factories import company, crowd, person

POST = '[[post]]\ntitle = "{title}"\nurl = "https://example.com/{title}"\nwhy = "Words."\nby = "{by}"\n'
KEPT = ("kept", "second", "third")
QUEUE = "".join(POST.format(title=title, by="ana@example.org") for title in KEPT) + POST.format(title="gone", by="Dora@example.org")
LEFT_OUT = "queue.toml:20:6: its author asked to be forgotten, so this post is left out"


@pytest.fixture
def config(engine: Engine, tmp_path: Path) -> Config:
    return company(
        engine,
        tmp_path,
        [person("dora@example.org", name="Dora Dune"), *crowd(8)],
        queue=QUEUE,
        schedule={"approval": "automatic"},
    )


def forget(engine: Engine, address: str = "dora@example.org") -> None:
    with write(engine) as connection:
        somebody = people.by_address(connection, address)
        assert somebody is not None
        stored.erase(connection, somebody, NOW, draw=lambda: "x", who="the person")


def test_the_week_goes_on_without_the_post_and_the_plan_names_its_place(engine: Engine, config: Config) -> None:
    forget(engine)
    done = edition.plan(engine, config, now=NOW)
    with read(engine) as connection:
        assert [post.title for post in editions.content(connection, done.edition.id).posts] == list(KEPT)
    [said] = [warning for warning in done.warnings if LEFT_OUT in warning]
    assert "dora" not in said.lower().replace(str(config.home).lower(), "")


def test_the_tick_plans_it_too(engine: Engine, config: Config) -> None:
    forget(engine)
    assert "2026-W48" in edition.open_due(engine, config, now=NOW)[0]
    with read(engine) as connection:
        assert editions.newest(connection) is not None


def test_lint_and_preview_name_the_place_and_go_on(engine: Engine, config: Config) -> None:
    forget(engine)
    linted = linting.lint(engine, config, now=NOW)
    assert [finding.stops for finding in linted.findings if LEFT_OUT in f"{finding.where}: {finding.found}"] == [False]
    take, troubles = rehearsing.rehearse(engine, config, now=NOW)
    assert troubles == ()
    assert take is not None
    assert [note.place for note in take.notes if "forgotten" in note.said] == ["queue.toml:20:6"]


def test_links_that_are_out_go_on_following_the_queue(engine: Engine, config: Config) -> None:
    edition.plan(engine, config, now=NOW)
    forget(engine)
    config.queue_path.write_text(QUEUE.replace("example.com/kept", "example.com/moved"), encoding="utf-8")
    assert recalling.follow(engine, config, now=NOW) == ["kept moved: its links lead to its new address."]


def test_an_address_that_nobody_ever_had_is_still_a_problem(engine: Engine, config: Config) -> None:
    forget(engine)
    config.queue_path.write_text(QUEUE.replace("ana@", "anna@", 1), encoding="utf-8")
    with pytest.raises(FileProblemsError) as caught:
        edition.plan(engine, config, now=NOW)
    assert [problem.split(": ", 1)[1] for problem in caught.value.problems] == [
        'found "anna@example.org", allowed the address of somebody on the roster; did you mean ana@example.org?'
    ]


def test_who_is_on_the_roster_again_is_an_author_again(tmp_path: Path) -> None:
    path = tmp_path / "queue.toml"
    path.write_text(QUEUE, encoding="utf-8")
    erased = frozenset({address_hash("dora@example.org")})
    both = frozenset({"ana@example.org", "dora@example.org"})
    assert len(queue.check(path, people=both, erased=erased).queue.posts) == 4
    left = queue.check(path, people=None, erased=erased)
    assert (len(left.queue.posts), left.problems, [warning.line for warning in left.warnings]) == (3, (), [20])
