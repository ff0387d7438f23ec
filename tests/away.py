"""A real database that goes away and comes back: SQLite's file is put out of reach, PostgreSQL's server is stopped."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from digest.db.session import read
from digest.errors import StorageError
from tests.needs import Postgres


@dataclass
class Database:
    """A migrated database that a test may take away."""

    engine: Engine
    server: Postgres | None  # of PostgreSQL, private to the test

    @property
    def file(self) -> Path:
        """SQLite's file."""
        return Path(str(self.engine.url.database))

    def go(self) -> None:
        """From now on it does not answer."""
        self.engine.dispose()
        if self.server is not None:
            self.server.control("stop")
            return
        self._aside.mkdir()
        for path in self.file.parent.glob(f"{self.file.name}*"):
            if not path.name.startswith(f"{self.file.name}.spool"):
                path.rename(self._aside / path.name)
        self.file.mkdir()  # so that nobody makes an empty one

    def come_back(self) -> None:
        """It answers again, and knows what it knew."""
        self.engine.dispose()
        if self.server is not None:
            self.server.control("start")
            wait_for(self._answers)
            return
        self.file.rmdir()
        for path in self._aside.iterdir():
            path.rename(self.file.parent / path.name)
        self._aside.rmdir()

    @property
    def _aside(self) -> Path:
        return self.file.parent / "aside"

    def _answers(self) -> bool:
        try:
            with read(self.engine) as connection:
                return bool(connection.execute(text("SELECT 1")).scalar_one())
        except StorageError:
            return False


def wait_for(what: object, seconds: float = 30) -> None:
    """Until `what()` is true; fails the test when it stays false."""
    assert callable(what)
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"{what} stayed false for {seconds} s"
        time.sleep(0.02)
