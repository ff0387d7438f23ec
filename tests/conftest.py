"""Shared by all tests: one NOW, real databases, and a guard that lets sockets reach loopback only."""

from __future__ import annotations

import shutil
import socket
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from digest.db import migrate
from digest.db.session import open_database
from tests.needs import Postgres, missing

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday, in week 2026-W48

_connect = socket.socket.connect


def _guarded(self: socket.socket, address: Any) -> Any:
    if self.family in {socket.AF_INET, socket.AF_INET6} and str(address[0]) not in {"127.0.0.1", "::1", "localhost"}:
        raise AssertionError(f"a test tried to reach {address[0]}; tests open sockets on loopback only")
    return _connect(self, address)


socket.socket.connect = _guarded  # type: ignore[method-assign, assignment]  # on purpose, for every test


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every table, copied for each test."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    engine = open_database(f"sqlite:///{path}")
    migrate.upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> Iterator[str]:
    """The name of a PostgreSQL database with every table, copied for each test."""
    if not postgres.url:
        missing("PostgreSQL")
    name = f"digest_template_{uuid.uuid4().hex[:8]}"
    _admin(postgres, f"CREATE DATABASE {name}")
    engine = open_database(_url(postgres, name))
    migrate.upgrade(engine)
    engine.dispose()
    yield name
    _admin(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _url(postgres: Postgres, database: str) -> str:
    return make_url(postgres.url).set(database=database).render_as_string(hide_password=False)


def _admin(postgres: Postgres, statement: str) -> None:
    engine = create_engine(postgres.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


_EMPTY = """
DO $$ DECLARE found record; BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
    PERFORM set_config('lock_timeout', '5s', true);
    PERFORM set_config('session_replication_role', 'replica', true);
    FOR found IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('DELETE FROM public.%I', found.tablename);
    END LOOP;
    FOR found IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
        EXECUTE format('ALTER SEQUENCE public.%I RESTART', found.sequencename);
    END LOOP;
END $$
"""
_SHAPE = """
SELECT (SELECT string_agg(version_num, ' ') FROM alembic_version),
    string_agg(format('%s.%s %s', table_name, column_name, data_type), ' ' ORDER BY table_name, ordinal_position)
FROM information_schema.columns WHERE table_schema = 'public'
"""


class Emptied:
    """One database after the other test, emptied in between; a new one when a test has changed its tables. Making one takes far longer."""

    def __init__(self, server: Postgres, template: str) -> None:
        self._server = server
        self._template = template
        self._name = ""
        self._shape: Any = None

    def url(self) -> str:
        """An empty one's."""
        if not self._name:
            self._name = f"digest_{uuid.uuid4().hex[:12]}"
            _admin(self._server, f"CREATE DATABASE {self._name} TEMPLATE {self._template}")
            self._shape = self._ask(_SHAPE)
        return _url(self._server, self._name)

    def empty(self) -> None:
        """Take away what a test left behind: rows, connections and their locks."""
        try:
            if self._ask(_SHAPE) == self._shape:
                self._ask(_EMPTY)
                return
        except DBAPIError:  # its tables or the whole server were harmed; that was the test
            pass
        self.drop()

    def drop(self) -> None:
        """Remove it."""
        name, self._name = self._name, ""
        if name:
            _admin(self._server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _ask(self, statement: str) -> Any:
        engine = create_engine(_url(self._server, self._name), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            found = connection.execute(text(statement))
            return [tuple(row) for row in found] if found.returns_rows else None


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh, migrated SQLite database."""
    path = tmp_path / "digest.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgres_databases(postgres: Postgres, postgres_template: str) -> Iterator[Emptied]:
    """The PostgreSQL databases of this worker's tests."""
    found = Emptied(postgres, postgres_template)
    yield found
    found.drop()


@pytest.fixture
def postgres_url(postgres_databases: Emptied) -> Iterator[str]:
    """The URL of an empty, migrated PostgreSQL database."""
    yield postgres_databases.url()
    postgres_databases.empty()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database's URL; the test runs once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a fresh, migrated database; once on SQLite, once on PostgreSQL."""
    engine = open_database(database_url)
    yield engine
    engine.dispose()
