"""What links are answered by is read once, and again as soon as somebody has changed it, whoever and however."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, insert, update

from digest.db import links, short_links
from digest.db.schema import edition, edition_post, employee, message, post, short_link, token
from digest.db.session import open_database, read, write
from digest.pipeline.fresh import Fresh
from tests.linked import ANA, GROUP, Linked, read_link

SLUG = "0123456789ab"
KEY = ("group:everyone", "cold-room", "x")
CHANGES: dict[str, Callable[[Linked], Any]] = {
    "a person leaves": lambda it: update(employee).where(employee.c.id == it.people["ana"]).values(left_at=it.now),
    "a person turns measuring off": lambda it: update(employee).where(employee.c.id == it.people["ana"]).values(measured=False),
    "a person chooses a language": lambda it: update(employee).where(employee.c.id == it.people["ana"]).values(language="de"),
    "a person names a server": lambda it: update(employee).where(employee.c.id == it.people["ana"]).values(mastodon="example.social"),
    "a person is gone": lambda it: delete(employee).where(employee.c.id == it.people["ana"]),
    "a token is revoked": lambda it: update(token).where(token.c.token == ANA).values(revoked_at=it.now),
    "a token is gone": lambda _: delete(token).where(token.c.token == ANA),
    "a letter goes out again": lambda it: update(message).where(message.c.employee_id == it.people["ana"]).values(sent_at=it.now),
    "a letter has other networks": lambda it: update(message).where(message.c.employee_id == it.people["ana"]).values(networks="7"),
    "a letter is gone": lambda it: delete(message).where(message.c.employee_id == it.people["ana"]),
    "an edition has other words": lambda _: update(edition).values(hash="other"),
    "a post is recalled": lambda _: update(post).where(post.c.id == "cold-room").values(recalled="It was wrong."),
    "an article has moved": lambda _: update(post).where(post.c.id == "cold-room").values(url="https://example.com/new"),
    "a post goes inside": lambda _: update(post).where(post.c.id == "cold-room").values(visibility="internal"),
    "a post is embargoed": lambda it: update(post).where(post.c.id == "cold-room").values(public_from=it.now + timedelta(days=1)),
    "a post is called otherwise": lambda _: update(post).where(post.c.id == "cold-room").values(title="Other"),
    "a post is gone": lambda _: delete(post).where(post.c.id == "cold-room"),
    "a post is inside in that edition": lambda _: update(edition_post).where(edition_post.c.n == 1).values(internal=True),
    "a post is in that edition no more": lambda _: delete(edition_post).where(edition_post.c.n == 1),
    "another post is in that edition": lambda it: insert(edition_post).values(edition_id=it.edition, n=9, post_id="spare", internal=False),
    "a short link is disabled": lambda it: update(short_link).values(disabled_at=it.now),
    "a short link is gone": lambda _: delete(short_link),
}


class Reader:
    """A server's look at what links are answered by, and what its driver was asked."""

    def __init__(self, linked: Linked) -> None:
        self._engine = linked.engine
        self._edition = linked.edition
        self._want = short_links.Want(owner=KEY[0], edition=linked.edition, post=KEY[1], network=KEY[2])
        self._fresh = Fresh()
        self._asked: list[str] = []
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", lambda dbapi, _: dbapi.set_trace_callback(self._asked.append))
            self._engine.dispose()

    def look(self, fresh: Fresh | None = None) -> tuple[Any, ...]:
        """Everything there is to know."""
        known = fresh or self._fresh
        with read(self._engine) as connection:
            known.look(connection)
            return (
                known.tokens(connection, {ANA, GROUP})[0],
                known.links(connection, {SLUG})[0],
                known.slugs(connection, {KEY: self._want}),
                known.hashes(connection, {self._edition}),
                dict(known.posts(connection, {self._edition})),
            )

    def reads(self) -> int:
        """How often a table of links was read since this was asked last."""
        found = sum(f"FROM {table}" in said for said in self._asked for table in ("token", "short_link", "edition"))
        self._asked.clear()
        return found


def with_short_link(engine: Engine) -> Linked:
    made = Linked(engine)
    with write(engine) as connection:
        row = {"slug": SLUG, "owner": KEY[0], "edition_id": made.edition, "post_id": KEY[1], "network": KEY[2], "created_at": made.now}
        connection.execute(insert(short_link).values(**row))
    return made


@pytest.fixture
def linked(engine: Engine) -> Linked:
    return with_short_link(engine)


@pytest.fixture
def on_sqlite(sqlite_url: str) -> Iterator[Linked]:
    """Where changes are marked, and so things remembered."""
    engine = open_database(sqlite_url)
    yield with_short_link(engine)
    engine.dispose()


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_counts_at_once(linked: Linked, change: str) -> None:
    reader = Reader(linked)
    before = reader.look()
    with write(linked.engine) as connection:
        connection.execute(CHANGES[change](linked))
    after = reader.look()
    assert after == reader.look(Fresh())
    assert after != before


def test_what_a_link_leaves_and_letters_that_go_out_make_nobody_read_again(on_sqlite: Linked) -> None:
    with on_sqlite.client() as web:
        web.get(read_link(ANA, 1))
    [clicked] = on_sqlite.clicks()
    on_sqlite.change("message", {"employee_id": on_sqlite.people["ben"]}, sent_at=None)
    reader = Reader(on_sqlite)
    reader.look()
    assert reader.reads() > 0
    with write(on_sqlite.engine) as connection:
        links.put_events(connection, [{name: value for name, value in clicked.items() if name != "id"} | {"event": "another"}], [])
    on_sqlite.change("message", {"employee_id": on_sqlite.people["ben"]}, sent_at=on_sqlite.now, dated_at=on_sqlite.now)
    on_sqlite.change("edition", {"id": on_sqlite.edition}, state="closed")
    reader.look()
    assert reader.reads() == 0


def test_a_token_is_read_again_until_its_letter_is_out(linked: Linked) -> None:
    """A press within seconds is judged by when the mail server had it."""
    linked.change("message", {"employee_id": linked.people["ana"]}, sent_at=None, dated_at=None)
    reader = Reader(linked)
    assert reader.look()[0][ANA].sent_at is None
    linked.change("message", {"employee_id": linked.people["ana"]}, sent_at=linked.now)
    assert reader.look()[0][ANA].sent_at == linked.now


def test_a_database_that_was_put_back_is_another(on_sqlite: Linked, tmp_path: Path) -> None:
    """As many changes as before, and not the same ones."""
    now = str(on_sqlite.engine.url.database)
    on_sqlite.engine.dispose()
    with closing(sqlite3.connect(now)) as source, closing(sqlite3.connect(tmp_path / "before.db")) as kept:
        source.backup(kept)
    on_sqlite.change("post", {"id": "cold-room"}, recalled="It was wrong.")
    reader = Reader(on_sqlite)
    assert reader.look()[4][on_sqlite.edition, 1].recalled
    with closing(sqlite3.connect(tmp_path / "before.db")) as kept, closing(sqlite3.connect(now)) as target:
        kept.execute("UPDATE post SET title = 'Another title' WHERE id = 'cold-room'")
        kept.commit()
        kept.backup(target)
    found = reader.look()[4][on_sqlite.edition, 1]
    assert (found.recalled, found.title) == (None, "Another title")


def test_a_change_that_was_taken_back_is_none(linked: Linked) -> None:
    reader = Reader(linked)
    before = reader.look()
    with linked.engine.connect() as connection:
        connection.execute(CHANGES["a token is revoked"](linked))
        connection.rollback()
    assert reader.look() == before
