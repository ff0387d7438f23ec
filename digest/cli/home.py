"""What every command shares: where the config is, the open database, the clock, and how to print."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine

from digest.config import Config, load_config


class Home:
    """Opened lazily, so that `digest --help` and `queue check` need neither config nor database."""

    def __init__(self, config_path: Path, *, verbose: bool) -> None:
        self.config_path = config_path
        self.verbose = verbose

    @cached_property
    def config(self) -> Config:
        """The checked configuration. Raises ConfigError."""
        return load_config(self.config_path)

    @cached_property
    def engine(self) -> Engine:
        """The database at the right revision. Raises StorageError or SchemaError."""
        from digest.db import migrate

        engine = self.unchecked_engine
        migrate.check(engine)
        return engine

    @cached_property
    def unchecked_engine(self) -> Engine:
        """The database at any revision, for `db upgrade` and `init`."""
        from digest.db.session import open_database

        return open_database(self.config.database.url, base=self.config.home)

    def close(self) -> None:
        """Close the database if it was opened: SQLite then folds its log into the one file that people copy."""
        engine = self.__dict__.get("unchecked_engine")
        if engine is not None:
            engine.dispose()

    @staticmethod
    def now() -> datetime:
        """The only clock of the commands."""
        return datetime.now(UTC)


def speak(*, verbose: bool, form: str) -> None:
    """Log to standard error; `-v` makes our own words heard, not those of the libraries beneath."""
    logging.basicConfig(level=logging.WARNING, format=form, stream=sys.stderr)
    logging.getLogger("digest").setLevel(logging.INFO if verbose else logging.WARNING)


pass_home = click.make_pass_decorator(Home)

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def say(data: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print `data` as JSON, or `text` for people."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=plain) if as_json else text)


def plain(value: object) -> str:
    """What JSON has no form for: moments as everywhere (RFC 3339), the rest by name."""
    return value.isoformat() if isinstance(value, datetime) else str(value)
