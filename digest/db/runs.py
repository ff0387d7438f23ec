"""A delivering run: its row, and the operating-system lock that dies with it.

SQLite: `flock` on a file beside the database; one run delivers at a time. PostgreSQL: an advisory lock held by the very
connection that commits the run's work, so a run whose lock is gone cannot commit either; several runs may deliver.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, select, update

from digest.db import sweeps
from digest.db.schema import run
from digest.db.session import storage_errors
from digest.errors import StorageError

_KEYS = 2**62


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that holds its lock. `connection` commits its work, from one thread at a time."""

    id: str
    connection: Connection


@contextmanager
def delivering(engine: Engine, clock: Callable[[], datetime]) -> Iterator[Run | None]:
    """Hold the lock of a new run; None when another run delivers already (SQLite). Raises StorageError."""
    with _lock_file(engine) as free:
        if not free:
            yield None
            return
        with storage_errors(engine), engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.detach()  # closing it must end the session, and with it the lock
            key = secrets.randbelow(_KEYS)
            _hold(connection, key)
            found = Run(id=str(uuid.uuid4()), connection=connection)
            _begin(connection, found.id, key, clock())
            yield found
            with connection.begin():
                connection.execute(update(run).where(run.c.id == found.id).values(ended_at=clock()))


def _begin(connection: Connection, run_id: str, key: int, now: datetime) -> None:
    with connection.begin():
        connection.execute(insert(run).values(id=run_id, lock_key=key, host=socket.gethostname(), pid=os.getpid(), started_at=now))


def _hold(connection: Connection, key: int) -> None:
    if connection.dialect.name == "postgresql":
        with connection.begin():
            connection.execute(select(func.pg_advisory_lock(key)))


@dataclass(kw_only=True)
class Slots:
    """Places for open connections to a transport, shared by all runs: its limit holds for all of them together.

    PostgreSQL: advisory locks of the run's own session, which die with it. SQLite has one run at a time.
    """

    run: Run
    _held: dict[str, set[int]] = field(default_factory=dict)

    def take(self, transport: str, most: int) -> bool:
        """Hold one of `most` places; False when other runs hold the rest."""
        mine = self._held.setdefault(transport, set())
        for number in range(most):
            if number not in mine and self._lock("pg_try_advisory_lock", transport, number):
                mine.add(number)
                return True
        return False

    def give(self, transport: str) -> None:
        """Let go of one place."""
        self._lock("pg_advisory_unlock", transport, self._held[transport].pop())

    def _lock(self, what: str, transport: str, number: int) -> bool:
        connection = self.run.connection
        if connection.dialect.name != "postgresql":
            return True
        with connection.begin():
            return bool(connection.execute(select(getattr(func, what)(_key(transport), number))).scalar_one())


def _key(transport: str) -> int:
    """A number of 31 bits; the two-part keys of advisory locks are a space of their own."""
    return int.from_bytes(hashlib.sha256(transport.encode()).digest()[:4], "big") >> 1


@contextmanager
def _lock_file(engine: Engine) -> Iterator[bool]:
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path == ":memory:":
        yield True
        return
    place = Path(f"{path}.delivering.lock")
    try:
        handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError(place, f"the lock cannot be made: {error.strerror}", hint="Check that the folder may be written.") from error
    try:
        yield _flock(handle)
    finally:
        os.close(handle)  # ends the lock; the file stays, because removing it would race with the next run


def _flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def dead(connection: Connection, mine: str) -> set[str | None]:
    """The runs that hold messages and live no more: on SQLite all but ours, on PostgreSQL those whose lock is free.

    Their locks are ours until the transaction ends, so that two runs do not recover the same one.
    """
    others = sweeps.holders(connection) - {mine}
    if connection.dialect.name != "postgresql" or not others:
        return others
    keys = {row.id: row.lock_key for row in connection.execute(select(run.c.id, run.c.lock_key).where(run.c.id.in_(others - {None})))}
    return {one for one in others if one not in keys or connection.execute(select(func.pg_try_advisory_xact_lock(keys[one]))).scalar_one()}
