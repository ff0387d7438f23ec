"""Links in the database: share tokens, the events that links leave, and the salts that make sources anonymous."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, String, Table, Text, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY

from digest.db.prepared import Packed, Row, columns_of, first
from digest.db.schema import click, day_salt, edition, edition_post, employee, link_change, message, post, token, visit
from digest.domain.post import Visibility
from digest.domain.press import LinkedPost, LinkToken

_SALT_BYTES = 32
SALT_DAYS = 2  # a salt older than this is destroyed; its sources can then never be told again


def among(column: ColumnElement[Any], dialect: str) -> ColumnElement[bool]:
    """`column` is one of `wanted`, which `_listed` makes: a statement that stays the same however many there are."""
    if dialect == "postgresql":
        return column == func.any(bindparam("wanted", type_=ARRAY(String)))
    return column.in_(select(func.json_each(bindparam("wanted", type_=Text)).table_valued("value").c.value))


def listed(connection: Connection, wanted: Iterable[str]) -> list[str] | str:
    """`wanted` as `among` takes it."""
    return list(wanted) if connection.dialect.name == "postgresql" else json.dumps(list(wanted))


_MARK = str(select(link_change.c.mark))
_ANY_TOKENS = (
    select(
        token.c.token,
        token.c.edition_id,
        token.c.employee_id,
        token.c.group_key,
        token.c.numbers,
        token.c.expires_at,
        token.c.revoked_at,
        employee.c.id.label("person"),
        employee.c.left_at,
        employee.c.measured,
        employee.c.language,
        employee.c.mastodon,
        message.c.networks,
        func.coalesce(message.c.sent_at, message.c.dated_at).label("sent_at"),
        (message.c.sent_at.is_not(None) | token.c.employee_id.is_(None)).label("settled"),
    )
    .select_from(token)
    .outerjoin(employee, employee.c.id == token.c.employee_id)
    .outerjoin(message, (message.c.edition_id == token.c.edition_id) & (message.c.employee_id == token.c.employee_id))
)
_TOKENS = Packed(lambda dialect: _ANY_TOKENS.where(among(token.c.token, dialect)))
_POSTS = (
    select(
        edition_post.c.edition_id,
        edition_post.c.n,
        edition_post.c.post_id,
        edition_post.c.internal,
        post.c.title,
        post.c.url,
        post.c.visibility,
        post.c.recalled,
        post.c.public_from,
    )
    .select_from(edition_post)
    .outerjoin(post, post.c.id == edition_post.c.post_id)
    .where(edition_post.c.edition_id.in_(bindparam("wanted", expanding=True)))
)


def tokens(connection: Connection, wanted: Iterable[str]) -> dict[str, LinkToken]:
    """The share tokens among `wanted` that exist, with what their links must know. Of people who left or are gone they are revoked."""
    return {
        row.token: LinkToken(
            token=row.token,
            edition=row.edition_id,
            employee=row.employee_id,
            group=row.group_key,
            numbers=None if row.numbers is None else frozenset(row.numbers),
            expires_at=row.expires_at,
            revoked=row.revoked_at is not None or row.left_at is not None or (row.employee_id is not None and row.person is None),
            measured=row.measured,
            language=row.language or "",
            networks=row.networks or "",
            sent_at=row.sent_at,
            mastodon=row.mastodon or "",
            settled=bool(row.settled),
        )
        for row in _TOKENS.rows(connection, {"wanted": listed(connection, wanted)})
    }


def posts(connection: Connection, editions: Iterable[int]) -> dict[tuple[int, int], LinkedPost]:
    """(edition, n) -> post, for all posts of `editions`. Internal stays internal even if only one of both rows says so."""
    return {
        (row.edition_id, row.n): linked(row, row.edition_id, row.n, row.post_id, internal=row.internal)
        for row in connection.execute(_POSTS, {"wanted": list(editions)})
    }


def linked(row: Row, edition_id: int, n: int, post_id: str, *, internal: bool = False) -> LinkedPost:
    """A row of the post's own columns as its links see it."""
    return LinkedPost(
        edition=edition_id,
        n=n,
        id=post_id,
        title=row.title or "",
        internal=internal or row.visibility == Visibility.INTERNAL,
        url=row.url,
        recalled=row.recalled,
        public_from=row.public_from,
    )


def version(connection: Connection) -> object:
    """Another one whenever anything in the database has changed; None where that cannot be known (PostgreSQL).

    SQLite tells changes by other connections; what this one has changed the driver counts. So it says something of one connection alone.
    """
    if connection.dialect.name != "sqlite":
        return None
    driver: Any = connection.connection.driver_connection
    return driver.total_changes, first(connection, "PRAGMA data_version")


def mark(connection: Connection) -> int | None:
    """SQLite's own mark on everything that links are answered by, another one after each change; None where there is none."""
    found: int | None = first(connection, _MARK)
    return found


def current(connection: Connection, wanted: Iterable[str]) -> dict[str, LinkedPost]:
    """Post id -> post as it is now, outside any edition."""
    rows = connection.execute(select(post).where(post.c.id.in_(list(wanted))))
    return {row.id: linked(row, 0, 0, row.id) for row in rows}


def hashes(connection: Connection, editions: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Edition -> (period, hash): whether its frozen words are still those that were read before."""
    rows = connection.execute(select(edition.c.id, edition.c.period, edition.c.hash).where(edition.c.id.in_(list(editions))))
    return {row.id: (row.period, row.hash) for row in rows}


def kept(table: Table, *without: str, once: Sequence[str] = ()) -> Packed:
    """An INSERT of every column; nothing happens to a row that is there, by its key `once` or by any."""
    values = columns_of(table, *without)
    makers: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
    return Packed(lambda dialect: makers[dialect](table).values(values).on_conflict_do_nothing(index_elements=once or None))


_CLICKED, _VISITED = (kept(table, "id", once=["event"]) for table in (click, visit))
_LATER = {"country": "", "click_id": None}  # what events in an older spool do not have


def put_events(connection: Connection, clicks: Sequence[Mapping[str, Any]], visits: Sequence[Mapping[str, Any]]) -> None:
    """Insert events; one that is already there (a replayed spool) stays as it is."""
    _CLICKED.each(connection, {}, clicks)
    _VISITED.each(connection, {}, [{**_LATER, **row} for row in visits])


def salt(connection: Connection, now: datetime) -> bytes | None:
    """The salt of `now`'s UTC day, once somebody has made it."""
    found = connection.execute(select(day_salt.c.salt).where(day_salt.c.day == now.date().isoformat())).scalar_one_or_none()
    return None if found is None else bytes(found)


def ensure_salt(connection: Connection, now: datetime, random: Callable[[int], bytes]) -> bytes:
    """The salt of `now`'s UTC day, made once whoever asks first; salts older than two days are destroyed."""
    destroy_salts(connection, now)
    day = now.date().isoformat()
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(day_salt).values(day=day, salt=random(_SALT_BYTES)).on_conflict_do_nothing())
    return bytes(connection.execute(select(day_salt.c.salt).where(day_salt.c.day == day)).scalar_one())


def destroy_salts(connection: Connection, now: datetime) -> int:
    """Destroy salts older than two days: written over, then deleted. Returns how many."""
    oldest = (now - timedelta(days=SALT_DAYS)).date().isoformat()
    old = day_salt.c.day < oldest
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")  # else the page keeps the octets
    connection.execute(update(day_salt).where(old).values(salt=bytes(_SALT_BYTES)))
    return connection.execute(delete(day_salt).where(old)).rowcount


Browser = tuple[int, str]  # an employee, and a day's hash


def pressed(connection: Connection, browsers: Iterable[Browser], since: datetime) -> set[Browser]:
    """Those of `browsers` that followed links of their employee's messages since then: an owner looking at the own short link is no reach."""
    pairs = sorted(browsers)
    if connection.dialect.name == "postgresql":
        asked: dict[str, Any] = {"people": [person for person, _ in pairs], "sources": [source for _, source in pairs]}
    else:
        asked = {"wanted": json.dumps(pairs)}
    return {(row.person, row.browser) for row in _PRESSED.rows(connection, {**asked, "since": since})}


def _pressing(dialect: str) -> Select[Any]:
    person: ColumnElement[Any]
    browser: ColumnElement[Any]
    if dialect == "postgresql":
        lists = bindparam("people", type_=ARRAY(BigInteger)), bindparam("sources", type_=ARRAY(String))
        pairs = func.unnest(*lists).table_valued("person", "browser").render_derived()
        person, browser = pairs.c.person, pairs.c.browser
    else:
        pairs = func.json_each(bindparam("wanted", type_=Text)).table_valued("value")
        person, browser = func.json_extract(pairs.c.value, "$[0]"), func.json_extract(pairs.c.value, "$[1]")
    mine = select(click.c.id).where(click.c.employee_id == person, click.c.source == browser, click.c.at >= bindparam("since", type_=click.c.at.type))
    return select(person.label("person"), browser.label("browser")).select_from(pairs).where(mine.exists())


_PRESSED = Packed(_pressing)
