"""Alembic without its command line: upgrade, check, and where the migrations live (checkout or wheel)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from digest.db.session import place, read, storage_errors, write
from digest.errors import SchemaError


def migrations_folder() -> Path:
    """`migrations/` beside the package in a checkout, inside the package in a wheel."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables to `revision`. Raises StorageError."""
    _run(engine, lambda config: command.upgrade(config, revision))


def downgrade(engine: Engine, revision: str) -> None:
    """Take the tables back to `revision`. Raises StorageError."""
    _run(engine, lambda config: command.downgrade(config, revision))


def check(engine: Engine) -> None:
    """Raises SchemaError unless the database stands at the newest revision."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    with read(engine) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != newest:
        raise SchemaError(place(engine), f"found {found or 'no tables'}, needed {newest}", hint="Run `digest db upgrade`.")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


def _run(engine: Engine, work: Callable[[Config], None]) -> None:
    config = _config()
    with storage_errors(engine), write(engine) as connection:
        config.attributes["connection"] = connection
        work(config)
