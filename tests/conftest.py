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
from sqlalchemy import Engine, create_engine, make_url, text

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


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh, migrated SQLite database."""
    path = tmp_path / "digest.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    """The URL of a fresh, migrated PostgreSQL database."""
    name = f"digest_{uuid.uuid4().hex[:12]}"
    _admin(postgres, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield _url(postgres, name)
    _admin(postgres, f"DROP DATABASE {name} WITH (FORCE)")


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
