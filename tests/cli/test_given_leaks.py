"""What employees gave meets the wall where it can still be mended: in `queue check` and when it is accepted, not only in the plan."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Engine

from digest.db import people
from digest.db import privacy as stored
from digest.db.session import write
from digest.errors import FileProblemsError
from digest.pipeline import edition
from tests.conftest import NOW
from tests.door import Door, Said, door
from tests.factories import company, crowd, person

__all__ = ["door"]

INSIDE, OUTSIDE = "We lost 48215 batteries.", "Come and see our 48215 batteries."
FREE = '[[allow]]\nwords = "48215"\nreason = "it stood in the papers"\n'
DORA = '[[post]]\ntitle = "gone"\nurl = "https://example.com/gone"\nwhy = "Words."\nby = "dora@example.org"\n'


class Desk:
    """A terminal over one database."""

    def __init__(self, engine: Engine, door: Door) -> None:
        self.engine, self._door, self.home = engine, door, door.home
        url, home = engine.url.render_as_string(hide_password=False), door.home
        self.config = company(engine, home, [person("dora@example.org"), *crowd(9)])
        text = f'[database]\nurl = "{url}"\n[site]\ncompany = "Example"\naddress = "Example, 1 Road"\n'
        (home / "config.toml").write_text(text, encoding="utf-8")

    def __call__(self, *words: str) -> Said:
        return self._door(*words)

    def give(self, why: str, *more: str) -> None:
        done = self("contributions", "give", "--by", "ana@example.org", "--title", why[:9], "--why", why, *more)
        assert done.code == 0, done.err

    def queue(self, extra: str) -> None:
        file = self.home / "queue.toml"
        file.write_text(file.read_text(encoding="utf-8") + "\n" + extra, encoding="utf-8")


@pytest.fixture
def desk(engine: Engine, door: Door) -> Desk:
    return Desk(engine, door)


def accepted(desk: Desk) -> tuple[Said, Said]:
    """An internal and a public post that share a number, both accepted."""
    desk.give(INSIDE)
    desk.give(OUTSIDE, "--url", "https://example.com/batteries")
    return desk("contributions", "accept", "1"), desk("contributions", "accept", "2")


def test_queue_check_finds_the_leak_that_would_stop_the_plan(desk: Desk) -> None:
    accepted(desk)
    with pytest.raises(FileProblemsError) as caught:
        edition.plan(desk.engine, desk.config, now=NOW)
    said = desk("queue", "check")
    assert said.code == 1
    assert caught.value.problems[0].split(": ", 1)[1] in said.err
    assert "1 problem. Nothing is planned from a queue with problems." in said.err
    assert "the post “Come and”" in said.err
    found = json.loads(desk("queue", "check", "--json").out)
    assert (len(found["given"]["problems"]), found["problems"]) == (1, [])


def test_who_accepts_the_second_of_both_is_told_at_once(desk: Desk) -> None:
    first, second = accepted(desk)
    assert (first.code, first.err) == (0, "")
    assert "Contribution 2 is accepted" in second.out
    assert "found the number “48215”" in second.err
    assert "No edition is planned with it until that is mended." in second.err
    assert len(json.loads(desk("contributions", "show", "2", "--json").out)["history"]) > 1


def test_a_number_that_may_be_said_is_no_leak(desk: Desk) -> None:
    desk.queue(FREE)
    assert "48215" not in "".join(said.err for said in accepted(desk))
    assert desk("queue", "check").code == 0


def test_queue_check_warns_of_a_forgotten_author_by_file_and_line_and_passes(desk: Desk) -> None:
    desk.queue(DORA)
    assert "forgotten" not in desk("queue", "check").err
    with write(desk.engine) as connection:
        dora = people.by_address(connection, "dora@example.org")
        assert dora is not None
        stored.erase(connection, dora, NOW, draw=lambda: "x")
    line = len((desk.home / "queue.toml").read_text(encoding="utf-8").splitlines())
    said = desk("queue", "check")
    assert said.code == 0
    assert f"queue.toml:{line}:6: its author asked to be forgotten" in said.err
    assert json.loads(desk("queue", "check", "--json").out)["warnings"][0]["line"] == line
