"""Replaying: what waited on disk while the database was away goes into it, exactly once, whoever does it and however often."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, make_url

from digest.config import Config
from digest.db import replays
from digest.db.session import gone, write, yield_to_others
from digest.errors import DigestError, StorageError
from digest.files.spool import Record, Spool
from digest.pipeline.records import CLICK, LINK, MOMENTS, SWITCH, VISIT, OnDisk, read, records

_log = logging.getLogger(__name__)
_MOST = 10_000  # events in one transaction: each page of an index is written once for all of them
_PART = 1000  # in one statement, unless one record has more: no other thread can work while a text of megabytes is put together


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What became of records that waited."""

    stored: int = 0
    refused: int = 0  # the database does not take them, and never will
    damaged: int = 0  # their lines were cut short by a crash or a full disk

    def sentence(self) -> str:
        """For people; "" when nothing waited."""
        if not any((self.stored, self.refused, self.damaged)):
            return ""
        lost = [f"{count:,} {word}" for count, word in ((self.refused, "were refused"), (self.damaged, "were damaged")) if count]
        tail = f"; {' and '.join(lost)}" if lost else ""
        return f"{self.stored:,} presses that waited on disk are in the database{tail}."


def spool_of(config: Config) -> Spool:
    """The spool of this installation: in its own folder, or beside the SQLite file, else beside config.toml."""
    url = make_url(config.database.url)
    named = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:"
    place = config.home / (f"{url.database}.spool" if named else "digest.spool")
    folder = config.home / config.web.spool_folder if config.web.spool_folder else place.parent
    return Spool(folder / place.name, most=config.web.spool_megabytes * 2**20)


def journals(config: Config) -> bool:
    """Whether presses are answered once they stand in this host's journal. SQLite is on its disk already; PostgreSQL outlives the host."""
    by_itself = make_url(config.database.url).get_backend_name() == "sqlite"
    return config.tracking.durability == "journal" or (config.tracking.durability == "auto" and by_itself)


def replay(engine: Engine, spool: Spool) -> Replayed:
    """Store everything that waits and is not being written. Raises StorageError when the database is away; what is left then waits on."""
    stored = refused = damaged = 0
    while True:
        with spool.take() as taken:
            if taken is None:
                break
            for chunk in _chunks(map(read, taken.texts()), _MOST):
                done, left = _brought(engine, chunk)
                stored, refused = stored + done, refused + left
                yield_to_others(engine)
            taken.remove()
            damaged += taken.damaged
    return Replayed(stored=stored, refused=refused, damaged=damaged)


def told(found: Replayed) -> Replayed:
    """Say in the log what was replayed."""
    if found.sentence():
        _log.warning(found.sentence())
    return found


def catch_up(engine: Engine, config: Config) -> list[str]:
    """Store what waits beside this installation's database; sentences about it. Raises StorageError."""
    spool = spool_of(config)
    try:
        said = replay(engine, spool).sentence() if spool.octets() else ""
    except OSError as error:
        said = f"{spool.path}: what waits there cannot be read: {error.strerror}."
    return [said] if said else []


def _chunks(found: Iterable[OnDisk], most: int) -> Iterator[list[OnDisk]]:
    chunk: list[OnDisk] = []
    events = 0
    for one in found:
        if chunk and events + one.events > most:
            yield chunk
            chunk, events = [], 0
        chunk.append(one)
        events += one.events
    if chunk:
        yield chunk


def _brought(engine: Engine, chunk: Sequence[OnDisk]) -> tuple[int, int]:
    """How many of these events the database took, and refused. What it can read by itself it does; the rest, and what it stumbles at, we read."""
    ready = [one for one in chunk if one.what]
    others = [one for one in chunk if not one.what]
    try:
        with write(engine) as connection:
            for part in _chunks(ready, _PART):
                if replays.strangers(connection, b",".join(one.people for one in part if one.people)):
                    others += part
                else:
                    replays.bring(connection, _rows(part, CLICK), _rows(part, VISIT), _rows(part, LINK))
    except (StorageError, ValueError):  # one that the database cannot take, or no database at all: going one by one tells
        others = list(chunk)
    found = [(one, records(one.text)) for one in others]
    stored = _store(engine, [record for _, several in found for record in several])
    asked = sum(max(one.events, len(several)) for one, several in found)
    return sum(one.events for one in chunk) - sum(one.events for one in others) + stored, asked - stored


def _rows(ready: Sequence[OnDisk], what: str) -> bytes:
    return b",".join(one.rows for one in ready if one.what == what)


def _store(engine: Engine, chunk: Sequence[Record]) -> int:
    """How many of them the database took; one that it cannot take spoils no other."""
    if not chunk:
        return 0
    try:
        with write(engine) as connection:
            rows: dict[str, list[dict[str, Any]]] = {CLICK: [], VISIT: [], LINK: [], SWITCH: []}
            for record in chunk:
                row, moment = record["row"], MOMENTS[record["what"]]
                rows[record["what"]].append({**row, moment: datetime.fromisoformat(row[moment])})
            replays.put_links(connection, rows[LINK], lambda: secrets.token_hex(16))
            replays.put_events(connection, rows[CLICK], rows[VISIT], lambda: secrets.token_hex(16))
            for row in rows[SWITCH]:
                replays.switch(connection, **row)
    except (DigestError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, StorageError) and gone(error):
            raise
        half = len(chunk) // 2
        yield_to_others(engine)
        return _store(engine, chunk[:half]) + _store(engine, chunk[half:]) if half else 0
    return len(chunk)
