"""`digest links` at a terminal: recall, restore, disable, enable, list; and an article that moved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, select

from digest.cli.main import main
from digest.config import Config
from digest.db.schema import audit
from digest.db.session import read
from digest.errors import DigestError
from digest.pipeline import edition, recalling, week
from tests.conftest import NOW
from tests.factories import QUEUE, company, crowd
from tests.linked import ANA, SITE, Linked, read_link, share_link


@pytest.fixture
def linked(engine: Engine) -> Linked:
    return Linked(engine)


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(f'[database]\nurl = "{database_url}"\n', encoding="utf-8")
    return path


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(config), "links", *words])


def audits(engine: Engine) -> list[Mapping[str, Any]]:
    with read(engine) as connection:
        return [dict(row) for row in connection.execute(select(audit.c.what, audit.c.subject, audit.c.detail).order_by(audit.c.id)).mappings()]


def test_a_recall_pauses_every_link_of_a_post_at_once_and_a_restore_ends_it(linked: Linked, config: Path) -> None:
    """B14: what was sent and posted is stopped by one command, while the server runs."""
    with linked.client() as web:
        web.get(share_link(ANA, 1, "2"))
        slug = linked.short_links()[0]["slug"]
        paths = (read_link(ANA, 1), share_link(ANA, 1), share_link(ANA, 1, "1"), f"/l/{slug}")
        said = run(config, "recall", "cold-room", "--why", "A number in it\nwas wrong.")
        assert (said.exit_code, "is recalled" in said.output) == (0, True)
        for path in paths:
            answer = web.get(path)
            assert "location" not in answer.headers
            assert "A number in it was wrong." in answer.text
        assert web.get(read_link(ANA, 2)).status_code == 302
        assert "nothing changed" in run(config, "recall", "cold-room", "--why", "A number in it was wrong.").output
        assert "lead to the article again" in run(config, "restore", "cold-room").output
        assert [web.get(path).status_code for path in paths] == [302, 200, 302, 302]
        assert "not recalled" in run(config, "restore", "cold-room").output
    assert [(row["what"], row["subject"], row["detail"]) for row in audits(linked.engine)] == [
        ("post.recall", "post:cold-room", "A number in it was wrong."),
        ("post.restore", "post:cold-room", ""),
    ]


def test_one_short_link_is_disabled_by_its_slug_or_whole_and_enabled_again(linked: Linked, config: Path) -> None:
    """B14: an operator stops a short link whose place fell into other hands."""
    with linked.client() as web:
        for letter in "12":
            web.get(share_link(ANA, 1, letter))
        one, other = (row["slug"] for row in linked.short_links())
        assert run(config, "disable", f"{SITE}/l/{one.upper()}", "--why", "abused").exit_code == 0
        assert ["location" in web.get(f"/l/{slug}").headers for slug in (one, other)] == [False, True]
        assert "already" in run(config, "disable", one, "--why", "abused").output
        shown = json.loads(run(config, "list", "--json").output)
        assert [(row["slug"], row["why"]) for row in shown["disabled"]] == [(one, "abused")]
        assert "abused" in run(config, "list").output
        assert run(config, "enable", one).exit_code == 0
        assert "location" in web.get(f"/l/{one}").headers
    assert [row["what"] for row in audits(linked.engine)] == ["link.disable", "link.enable"]


def test_the_list_names_posts_and_never_people(linked: Linked, config: Path) -> None:
    with linked.client() as web:
        web.get(share_link(ANA, 1, "2"))
    run(config, "recall", "batteries", "--why", "wrong")
    shown = run(config, "list", "--json").output
    posts = {row["id"]: row for row in json.loads(shown)["posts"]}
    assert (posts["cold-room"]["short_links"], posts["batteries"]["recalled"]) == (1, "wrong")
    assert not any(word in shown for word in ("ana@", "employee", ANA, "click"))
    table = run(config, "list").output
    assert "cold-room" in table
    assert "wrong" in table


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("recall", "cold-rom", "--why", "x"), 1, "Did you mean cold-room?"),
        (("restore", "zzz"), 1, "digest links list"),
        (("disable", "zzz", "--why", "x"), 1, "there is no such short link"),
        (("enable", "k7q2m9x4c8v3"), 1, "there is no such short link"),
        (("recall", "cold-room"), 2, "--why"),
        (("recall", "cold-room", "--why", " "), 2, "say why"),
    ],
)
def test_a_slip_is_told_with_what_to_type(linked: Linked, config: Path, words: tuple[str, ...], code: int, said: str) -> None:
    assert linked.short_links() == []
    found = run(config, *words)
    assert (2 if isinstance(found.exception, SystemExit) else 1) == code
    assert said in (str(found.exception) if isinstance(found.exception, DigestError) else found.output)


def moved(home: Path, url: str) -> None:
    (home / "queue.toml").write_text(QUEUE.replace("https://example.com/cold-room", url), encoding="utf-8")


@pytest.fixture
def planned(engine: Engine, tmp_path: Path) -> Config:
    config = company(engine, tmp_path, crowd(3), site={"url": SITE})
    edition.plan(engine, config, now=NOW - timedelta(hours=3))
    return config


def address(engine: Engine) -> str | None:
    return next(one.url for one in recalling.listed(engine).posts if one.id == "cold-room")


def test_an_article_s_new_address_in_the_queue_takes_effect_with_the_next_tick(engine: Engine, planned: Config) -> None:
    """B14: the letter is frozen, its links are not."""
    moved(planned.home, "https://example.com/new-room")
    done = week.tick(engine, planned, clock=lambda: NOW - timedelta(hours=2))
    assert "cold-room moved: its links lead to its new address." in done.said
    assert address(engine) == "https://example.com/new-room"
    assert ("post.move", "post:cold-room", "https://example.com/cold-room -> https://example.com/new-room") in [
        (row["what"], row["subject"], row["detail"]) for row in audits(engine)
    ]
    assert recalling.follow(engine, planned, now=NOW) == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://good@evil.example", "not an address", f"{SITE}/l/k7q2m9x4c8v3", "https://bit.ly/x"])
def test_an_address_that_the_queue_may_not_have_moves_nothing(engine: Engine, planned: Config, url: str) -> None:
    """B14 with B2 and B5: what is refused in the queue never becomes a target."""
    moved(planned.home, url)
    assert recalling.follow(engine, planned, now=NOW) == []
    assert address(engine) == "https://example.com/cold-room"


def test_a_queue_that_is_away_moves_nothing(engine: Engine, planned: Config) -> None:
    gone = planned.model_copy(update={"content": replace_queue(planned, "nowhere.toml")})
    assert recalling.follow(engine, gone, now=NOW) == []


def replace_queue(config: Config, name: str) -> Any:
    return config.content.model_copy(update={"queue": name})


def test_a_recalled_post_stays_recalled_when_it_moves(engine: Engine, planned: Config) -> None:
    recalling.recall(engine, "cold-room", why="wrong", who="mara", now=NOW)
    moved(planned.home, "https://example.com/new-room")
    recalling.follow(engine, planned, now=NOW)
    [one] = [one for one in recalling.listed(engine).posts if one.id == "cold-room"]
    assert (one.url, one.recalled) == ("https://example.com/new-room", "wrong")
