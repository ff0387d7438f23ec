"""What somebody has had already, as far as it matters for the posts that may come now."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event, insert

from digest.db import history
from digest.db.schema import edition, edition_post, employee, message, post
from digest.db.session import open_database, read, write
from digest.domain.selection import History
from tests.conftest import NOW
from tests.factories import person
from tests.letters import row

ANA, BEN = 1, 2


def put(engine: Engine, editions: list[list[str]], letters: list[dict[str, Any]]) -> None:
    """Editions with posts of these ids, and letters with rows of the outbox."""
    with write(engine) as connection:
        connection.execute(insert(employee), [person("ana@example.org"), person("ben@example.org")])
        names = sorted({name for one in editions for name in one})
        common = {"origin": "curated", "visibility": "public", "first_seen_at": NOW}
        connection.execute(insert(post), [{"id": name, "title": name, "url": f"https://example.com/{name}", **common} for name in names])
        for week, posts in enumerate(editions, start=1):
            values = {"period": f"2026-W{week:02}", "state": "closed", "paused": False, "reason": "", "hash": "", "planned_through": 0, "audience": 2}
            connection.execute(insert(edition).values(values | {"created_at": NOW, "envelope": {}}))
            places = [{"edition_id": week, "n": n, "post_id": name, "internal": False} for n, name in enumerate(posts, start=1)]
            connection.execute(insert(edition_post), places)
        connection.execute(insert(message), letters)


def test_a_post_that_may_come_again_was_shown_as_often_as_letters_held_it(engine: Engine) -> None:
    letters = [
        row(1, ANA, state="sent", picks=[[1, ""], [2, "team"]]),
        row(2, ANA, state="in_doubt", picks=[[1, ""], [2, ""]]),
        row(3, ANA, state="queued", picks=[[2, ""]]),
        row(1, BEN, state="suppressed", picks=[[2, ""]]),
    ]
    put(engine, [["old", "oven"], ["oven", "late"], ["new", "oven"]], letters)
    with read(engine) as connection:
        found = history.histories(connection, [ANA, BEN], before_edition=3, posts=["oven", "new"])
    assert found == {ANA: History(shown={"oven": 2})}, "the letter that is being planned does not count, nor one that was never sent"


def test_weeks_that_carried_none_of_the_posts_are_not_read_again(engine: Engine) -> None:
    put(engine, [["one", "two"], ["two", "three"], ["new"]], [row(1, ANA, state="sent"), row(2, ANA, state="sent")])
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: asked.append(statement))
    with read(engine) as connection:
        assert history.histories(connection, [ANA], before_edition=3, posts=["new"]) == {}
    assert asked
    assert not [one for one in asked if "FROM message" in one]


def test_letters_are_found_by_their_reader_however_many_an_edition_has(sqlite_url: str) -> None:
    engine = open_database(sqlite_url)
    put(engine, [["oven"], ["oven"]], [row(1, ANA, state="sent")])
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, values, *_: asked.append((statement, values)))
    with read(engine) as connection:
        assert history.histories(connection, range(1, 501), before_edition=2, posts=["oven"]) == {ANA: History(shown={"oven": 1})}
        statement, values = next(one for one in asked if "FROM message" in one[0])
        steps = [step.detail for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert any(step.startswith("SEARCH message") and "employee_id=?" in step for step in steps), steps
    engine.dispose()
