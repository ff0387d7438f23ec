"""The few statements that run for every message: compiled once, then run by the driver itself.

SQLAlchemy weighs up and wraps every execution, which is right for all the others and costs more than the database takes for
these. They are still written in its language, read and bound by its types, and fail with its errors.
"""

from __future__ import annotations

import json
import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import JSON, BindParameter, Connection, DateTime, Dialect, Executable, Select, Table, TypeDecorator, bindparam
from sqlalchemy.exc import DBAPIError

_VALUES = re.compile(r"VALUES \((?:\?(?:, )?)+\)")
Row = Any  # a named tuple of the statement's columns
_NAMED_TUPLE: Any = namedtuple  # noqa: PYI024 - its fields are known when the statement is


class _Compiled(NamedTuple):
    sql: str
    constants: Mapping[str, Any]  # values within the statement, bound
    order: Sequence[str] | None  # of positional parameters; None when they go by name
    binders: Mapping[str, Callable[[Any], Any]]
    readers: Sequence[tuple[int, Callable[[Any], Any]]]  # of columns whose values the driver gives in another form
    row: Any  # its class
    documents: frozenset[int]  # columns that hold JSON


class Prepared:
    """A statement with named parameters. `statement`: gives it for a dialect's name, where they differ."""

    def __init__(self, statement: Callable[[str], Executable]) -> None:
        self._statement = statement
        self._for = lru_cache(maxsize=8)(self._compile)

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        """The rows of a SELECT. Raises DBAPIError."""
        found = self._for(connection.dialect)
        cursor = _run(connection, found.sql, _laid_out(found, _bound(found, values)))
        read, made = found.readers, []
        for one in cursor.fetchall():
            fields = list(one)
            for place, reader in read:
                fields[place] = reader(fields[place])
            made.append(found.row(*fields))
        return made

    def each(self, connection: Connection, shared: Mapping[str, Any], many: Sequence[Mapping[str, Any]]) -> int:
        """Run an INSERT or UPDATE for each of `many` (all of the same names) with what they share; how many rows changed. Raises DBAPIError."""
        if not many:
            return 0
        found = self._for(connection.dialect)
        return int(_run(connection, found.sql, self._values(found, shared, many), many=True).rowcount)

    @staticmethod
    def _values(found: _Compiled, shared: Mapping[str, Any], many: Sequence[Mapping[str, Any]]) -> list[Any]:
        common = {**found.constants, **_bound(found, shared)}
        if found.order is None:
            return [{**common, **_bound(found, one)} for one in many]
        given = [(place, found.binders[name]) for place, name in enumerate(found.order) if name in many[0] and name in found.binders]
        return [_completed({**common, **one}, found.order, given) for one in many]

    def _compile(self, dialect: Dialect) -> _Compiled:
        statement: Any = self._statement(dialect.name)
        compiled = statement.compile(dialect=dialect)
        names = {name: parameter for parameter, name in compiled.bind_names.items()}  # values within the statement have one as well
        binders = {name: bind for name, parameter in names.items() if (bind := _binder(parameter.type, dialect))}
        columns = list(statement.selected_columns) if isinstance(statement, Select) else []
        readers = [(place, read) for place, column in enumerate(columns) if (read := _reader(column.type, dialect))]
        row = _NAMED_TUPLE("Row", [str(column.key) for column in columns])
        constants = {name: binders[name](parameter.value) if name in binders else parameter.value for name, parameter in names.items()}
        documents = frozenset(place for place, column in enumerate(columns) if isinstance(column.type, JSON))
        return _Compiled(str(compiled), constants, compiled.positiontup, binders, readers, row, documents)


class Packed(Prepared):
    """Whose rows SQLite takes and gives as one JSON text; not for binary values.

    Its driver lets go of the interpreter for each row, and in a process with busy threads waits to get it back each time.
    """

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        """The rows of a SELECT. Raises DBAPIError."""
        if connection.dialect.name != "sqlite":
            return super().rows(connection, values)
        found = self._for(connection.dialect)
        fields = [f'json("{name}")' if place in found.documents else f'"{name}"' for place, name in enumerate(found.row._fields)]
        sql = f"SELECT json_group_array(json_array({', '.join(fields)})) FROM ({found.sql})"  # noqa: S608 - names of our own columns
        cursor = _run(connection, sql, _laid_out(found, _bound(found, values)))
        made = json.loads(cursor.fetchone()[0])
        for place, reader in found.readers:
            if place not in found.documents:  # what they hold was read with the rest
                for one in made:
                    one[place] = reader(one[place])
        return [found.row(*one) for one in made]

    def each(self, connection: Connection, shared: Mapping[str, Any], many: Sequence[Mapping[str, Any]]) -> int:
        """Run an INSERT for each of `many` (all of the same names) with what they share; how many rows were added. Raises DBAPIError."""
        if connection.dialect.name != "sqlite" or not many:
            return super().each(connection, shared, many)
        found = self._for(connection.dialect)
        places = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(found.order or ())))
        sql = _VALUES.sub(f"SELECT {places} FROM json_each(?) WHERE true", found.sql, count=1)  # noqa: S608 - places are numbers
        packed = json.dumps(self._values(found, shared, many), ensure_ascii=False, separators=(",", ":"))
        return int(_run(connection, sql, (packed,)).rowcount)


def columns_of(table: Table, *without: str) -> dict[str, BindParameter[Any]]:
    """A parameter for every column but those, each named as its column: what an INSERT of whole rows sets."""
    return {column.name: bindparam(column.name, type_=column.type) for column in table.c if column.name not in without}


def first(connection: Connection, sql: str) -> Any:  # noqa: ANN401 - of whatever type it is
    """The one value that SQLite answers to a statement as it stands; None where there is no row. Raises DBAPIError."""
    row = _run(connection, sql, ()).fetchone()
    return None if row is None else row[0]


def _run(connection: Connection, sql: str, values: Any, *, many: bool = False) -> Any:  # noqa: ANN401 - the driver's own
    cursor = connection.connection.cursor()
    try:
        (cursor.executemany if many else cursor.execute)(sql, values)
    except Exception as error:
        dbapi = connection.dialect.loaded_dbapi
        if not isinstance(error, dbapi.Error):
            raise
        raise DBAPIError.instance(sql, None, error, dbapi.Error, dialect=connection.dialect) from error
    return cursor


def _binder(kind: Any, dialect: Dialect) -> Callable[[Any], Any] | None:  # noqa: ANN401 - any type of SQLAlchemy
    return _once(kind, kind.dialect_impl(dialect).bind_processor(dialect))


def _reader(kind: Any, dialect: Dialect) -> Callable[[Any], Any] | None:  # noqa: ANN401 - any type of SQLAlchemy
    return _once(kind, kind.dialect_impl(dialect).result_processor(dialect, None))


def _once(kind: Any, found: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:  # noqa: ANN401 - any type of SQLAlchemy
    """Remembers what became of each moment: many rows have the same."""
    if found is None or not (isinstance(kind, TypeDecorator) and isinstance(kind.impl, DateTime)):
        return found
    remembered = lru_cache(maxsize=1024)(found)
    return lambda value: found(value) if getattr(value, "fold", 0) else remembered(value)  # equal to the hour before, as Python compares them


def _bound(found: _Compiled, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found.binders[name](value) if name in found.binders else value for name, value in values.items()}


def _completed(row: Mapping[str, Any], order: Sequence[str], given: Sequence[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    values = list(map(row.__getitem__, order))
    for place, bind in given:
        values[place] = bind(values[place])
    return values


def _laid_out(found: _Compiled, bound: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a tuple or a mapping, as the driver wants it
    said = {**found.constants, **bound}
    return said if found.order is None else tuple([said[name] for name in found.order])
