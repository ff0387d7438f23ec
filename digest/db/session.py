"""Engines and transactions: SQLite with one polite writer, or PostgreSQL, behind the same two doors.

SQLite: WAL, synchronous=FULL (a power cut must not undo a commit that a message went out on), BEGIN IMMEDIATE.
SQLite has one writer and its own busy handler sleeps up to 100 ms between looks, so a click could starve while an
edition is planned. Here every writer looks each millisecond and long work leaves a gap between its short
transactions (`yield_to_others`), so a waiting click gets the next gap.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionError

from digest.errors import StorageError

_PATIENCE = 30.0  # seconds a writer waits for its turn
_FOLDING = 0.5  # seconds to wait for readers before the log is left for the next time
_PATIENCE_TO_CONNECT = 10  # seconds; without an end of its own a server that is cut off is waited for two minutes
_LOOK = 0.001  # seconds between looks; one millisecond keeps a click quick and costs nothing measurable


def open_database(url: str, *, base: Path | None = None) -> Engine:
    """An engine for `url`; nothing is connected yet. A relative SQLite path is relative to `base`.

    Raises StorageError for a URL that names no database we know.
    """
    try:
        parsed = _absolute(make_url(url), base)
        if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
            raise StorageError(
                "database.url",
                f"found {parsed.get_backend_name()!r}, allowed sqlite:///FILE or postgresql://USER@HOST/NAME",
            )
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
        patience = {} if "connect_timeout" in parsed.query else {"connect_timeout": _PATIENCE_TO_CONNECT}
        return create_engine(parsed, pool_size=10, max_overflow=30, pool_pre_ping=True, connect_args=patience)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise StorageError(
            "database.url", "not a database URL", hint='Write url = "sqlite:///digest.db" or "postgresql://user@host/name".'
        ) from error
    except ImportError as error:
        raise StorageError("database.url", "PostgreSQL needs its driver", hint="Run `pip install 'weekly-digest[postgres]'`.") from error


def for_reading(url: str, *, base: Path | None = None) -> Engine:
    """An engine whose connections cannot write: the database itself refuses. Raises StorageError; a SQLite file that is not there is not made."""
    engine = open_database(url, base=base)
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").is_file():
        raise StorageError(place(engine), "there is no such file", hint="Run `digest db upgrade`, which makes it.")
    event.listen(engine, "connect", _only_read)
    return engine


def _only_read(dbapi: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection, as SQLAlchemy hands it over
    if isinstance(dbapi, sqlite3.Connection):
        dbapi.execute("PRAGMA query_only=ON")
    else:
        dbapi.read_only = True


def _absolute(url: URL, base: Path | None) -> URL:
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:" or base is None:
        return url
    return url.set(database=str(base / url.database))


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": 0, "check_same_thread": False}, pool_size=10, max_overflow=50)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(dbapi: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection, as SQLAlchemy hands it over
    dbapi.isolation_level = None  # we say BEGIN ourselves
    cursor = dbapi.cursor()
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            mode = cursor.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_LOOK)
    if mode not in {"wal", "memory"}:
        raise StorageError("database", f"SQLite answered journal mode {mode!r}", hint="Put the file on a local disk; network drives cannot hold it.")
    # secure_delete: what is deleted or written over leaves no octets behind in the file
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "busy_timeout=0", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("read_only"):
        connection.exec_driver_sql("BEGIN")
        return
    driver: Any = connection.connection.driver_connection  # SQLAlchemy's own way would cost more than the statement
    deadline = time.monotonic() + connection.get_execution_options().get("patience", _PATIENCE)
    while True:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise OperationalError("BEGIN IMMEDIATE", None, error) from error
            time.sleep(_LOOK)
        else:
            return


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """One short write transaction: committed at the end, rolled back on any error. Raises StorageError."""
    with storage_errors(engine), engine.begin() as connection:
        yield connection


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """One consistent view for reading; never waits for a writer. Raises StorageError."""
    with storage_errors(engine), engine.connect().execution_options(read_only=True) as connection:
        yield connection


def yield_to_others(engine: Engine) -> None:
    """Leave a gap between two transactions of long work, so that a waiting click gets its turn."""
    if engine.dialect.name == "sqlite":
        time.sleep(2 * _LOOK)


def fold(engine: Engine) -> bool:
    """SQLite: bring the log into the file and empty it, because older pages live on in it; False while somebody is reading them."""
    if engine.dialect.name != "sqlite":
        return True
    deadline = time.monotonic() + _FOLDING
    while True:
        if _folded(engine):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK)


def _folded(engine: Engine) -> bool:
    with storage_errors(engine):
        raw = engine.raw_connection()
        try:
            busy, _, _ = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:  # locked, or a disk that is full: whoever works with it is told, and the next tick tries again
            return False
        finally:
            raw.close()
    return not busy


@contextmanager
def storage_errors(engine: Engine) -> Iterator[None]:
    """Turn a driver's errors into one sentence; the driver's own words stay as the cause."""
    try:
        yield
    except DBAPIError as error:
        raise StorageError(place(engine), _first_line(error), hint=_hint(error)) from error
    except SQLAlchemyError as error:
        raise StorageError(place(engine), _first_line(error)) from error


def gone(error: StorageError) -> bool:
    """True when the database is away, locked, full or read-only; False when it is at odds with what was asked of it."""
    cause = error.__cause__
    if isinstance(cause, DBAPIError):
        return not isinstance(cause, (DataError, IntegrityError, NotSupportedError, ProgrammingError))
    return isinstance(cause, NoConnectionError)


def deadlocked(error: StorageError) -> bool:
    """True when PostgreSQL broke a knot of locks by ending this transaction, which may be tried again (SQLSTATE class 40)."""
    cause = error.__cause__
    return str(getattr(getattr(cause, "orig", None), "sqlstate", "") or "").startswith("40")


def place(engine: Engine) -> str:
    """The database's address without its password."""
    return engine.url.render_as_string(hide_password=True)


def _first_line(error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__


def _hint(error: DBAPIError) -> str:
    text = str(error.orig)
    if "no such table" in text or "UndefinedTable" in type(error.orig).__name__:
        return "Run `digest db upgrade`."
    if "unable to open" in text or "readonly" in text:
        return "Check that the folder exists and may be written."
    if "connection" in text and ("refused" in text or "failed" in text):
        return "Check that the server runs and that `database.url` names it."
    return ""
