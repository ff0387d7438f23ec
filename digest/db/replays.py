"""What waited on disk while the database was away, put where it belongs. Doing it twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ColumnElement, Connection, Executable, String, Table, Text, bindparam, cast, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from digest.db import links, short_links, suppressions
from digest.db.schema import Moment, click, consent_event, short_link, visit
from digest.db.schema import employee as person
from digest.domain.press import ERASED

CLICK_COLUMNS, VISIT_COLUMNS = (("at", *(c.name for c in table.c if c.name not in {"id", "at"})) for table in (click, visit))
_COLUMNS = {click: CLICK_COLUMNS, visit: VISIT_COLUMNS, short_link: tuple(short_link.c.keys())}
_TOKEN = 40  # characters of its column
_MOMENT = 26  # characters of a moment in UTC without its zone, as SQLite keeps it


def put_events(connection: Connection, clicks: Sequence[Mapping[str, Any]], visits: Sequence[Mapping[str, Any]], draw: Callable[[], str]) -> None:
    """Insert clicks and visits; those of people who were erased meanwhile let go of them. `draw` gives letters nobody can guess."""
    there = _there(connection, {row["employee_id"] for row in clicks} - {None})
    nobody: dict[str, str] = {}
    kept = [
        row
        if row["employee_id"] is None or row["employee_id"] in there
        else {**row, "employee_id": None, "token": nobody.setdefault(row["token"], f"{ERASED}{draw()}"[:_TOKEN])}
        for row in clicks
    ]
    links.put_events(connection, [_known(click, row) for row in kept], [_known(visit, row) for row in visits])


def switch(connection: Connection, *, employee: int, at: datetime, receive: bool, how: str) -> None:
    """The person stopped the letter, or took that back, at that moment; what they said since then wins."""
    later = select(consent_event.c.id).where(consent_event.c.employee_id == employee, consent_event.c.switch == "receive", consent_event.c.at > at)
    if connection.execute(later.limit(1)).first() is None:
        (suppressions.come_back if receive else suppressions.leave)(connection, employee, at, how=how)


def put_links(connection: Connection, rows: Sequence[Mapping[str, Any]], draw: Callable[[], str]) -> None:
    """Insert short links; those of people who were erased meanwhile are nobody's. `draw` gives letters nobody can guess."""
    people = {row["owner"]: number for row in rows if (number := _person_of(row["owner"])) is not None}
    gone = set(people.values()) - _there(connection, people.values())
    kept = [{**row, "owner": f"erased:{draw()}"} if people.get(row["owner"]) in gone else row for row in rows]
    short_links.put(connection, kept)


def _person_of(owner: str) -> int | None:
    kind, _, number = owner.partition(":")
    return int(number) if kind == "employee" else None


def bring(connection: Connection, clicks: bytes, visits: bytes, made: bytes) -> None:
    """Insert what these JSON texts hold, with commas between them; the database reads them itself. What is there already stays as it is.

    `clicks`, `visits`: lists with the values of `CLICK_COLUMNS`, `VISIT_COLUMNS`. `made`: objects with the `row` of a short link.
    A moment is in ISO 8601, UTC, to the microsecond.
    """
    for table, texts in ((short_link, made), (click, clicks), (visit, visits)):
        if texts:
            connection.execute(_bringing(table, connection.dialect.name), {"texts": f"[{texts.decode()}]"})


def strangers(connection: Connection, people: bytes) -> bool:
    """Whether one of these people was erased; their numbers, with commas between them. The database reads them itself."""
    return bool(people) and bool(connection.execute(_missing(connection.dialect.name), {"wanted": f"[{people.decode()}]"}).scalar_one())


@lru_cache(maxsize=2)
def _missing(dialect: str) -> Executable:
    wanted = bindparam("wanted", type_=Text)
    reader = func.json_array_elements_text(cast(wanted, JSON)) if dialect == "postgresql" else func.json_each(wanted)
    listed = reader.table_valued("value")
    here = select(person.c.id).where(person.c.id == cast(listed.c.value, BigInteger)).correlate(listed).exists()
    return select(select(listed.c.value).select_from(listed).where(~here).exists())


@lru_cache(maxsize=8)
def _bringing(table: Table, dialect: str) -> Executable:
    texts = bindparam("texts", type_=Text)
    makers: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
    columns = [table.c[name] for name in _COLUMNS[table]]
    places: list[tuple[str | int, ...]] = [("row", column.name) if table is short_link else (n,) for n, column in enumerate(columns)]
    if dialect == "postgresql":
        listed = func.json_array_elements(cast(texts, JSON)).table_valued("value")
        found = [_cast(cast(listed.c.value, JSON)[place], column) for place, column in zip(places, columns, strict=True)]
    else:
        listed = func.json_each(texts).table_valued("value")
        found = [_extracted(listed.c.value, place, column) for place, column in zip(places, columns, strict=True)]
    rows = select(*found).select_from(listed).where(literal(1) == 1)  # SQLite's grammar wants a WHERE before ON CONFLICT
    once = ["event"] if "event" in table.c else None  # a short link has two things that make it one
    made: Executable = makers[dialect](table).from_select(columns, rows).on_conflict_do_nothing(index_elements=once)
    return made


def _cast(value: Any, column: Column[Any]) -> ColumnElement[Any]:  # noqa: ANN401 - a place within JSON
    kind = Text() if isinstance(column.type, String) else column.type  # a cast to VARCHAR(n) would cut what is too long, and say nothing
    return cast(value if isinstance(kind, JSON) else value.as_string(), kind)


def _extracted(value: ColumnElement[Any], place: tuple[str | int, ...], column: Column[Any]) -> ColumnElement[Any]:
    path = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    found = func.json_extract(value, path)
    return func.replace(func.substr(found, 1, _MOMENT), "T", " ") if isinstance(column.type, Moment) else found


def _there(connection: Connection, numbers: Iterable[int]) -> set[int]:
    return set(connection.execute(select(person.c.id).where(person.c.id.in_(list(numbers)))).scalars())


def _known(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without columns that another version knows."""
    return {name: value for name, value in row.items() if name in table.c}
