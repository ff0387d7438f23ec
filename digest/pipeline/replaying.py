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
from digest.errors import StorageError
from digest.files.spool import Record, Spool
from digest.pipeline.records import CLICK, LINK, MOMENTS, SWITCH, VISIT, Waiting, read, records

_log = logging.getLogger(__name__)
_MOST = 10_000  # events in one transaction: each page of an index is written once for all of them
_PART = 1000  # in one statement: no other thread can work while a text of megabytes is put together


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What became of records that waited."""

    stored: int = 0
    refused: int = 0  # the database does not take them, and never will
    damaged: int = 0  # lines that a crash or a full disk cut short

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
                done = _brought(engine, chunk)
                stored, refused = stored + done, refused + sum(waiting.events for waiting in chunk) - done
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


def _chunks(found: Iterable[Waiting], most: int) -> Iterator[list[Waiting]]:
    chunk: list[Waiting] = []
    count = 0
    for waiting in found:
        if chunk and count + waiting.events > most:
            yield chunk
            chunk, count = [], 0
        chunk.append(waiting)
        count += waiting.events
    if chunk:
        yield chunk


def _brought(engine: Engine, chunk: Sequence[Waiting]) -> int:
    """How many of these events the database took. What a journal holds it reads by itself; the rest, and whatever it stumbles at, we read."""
    ready = [waiting for waiting in chunk if waiting.what]
    others = [waiting for waiting in chunk if not waiting.what]
    try:
        with write(engine) as connection:
            for part in _chunks(ready, _PART):
                people = {int(number) for waiting in part for number in waiting.people.split(b",") if number}
                if replays.strangers(connection, people):
                    others += part
                else:
                    replays.bring(connection, _rows(part, CLICK), _rows(part, VISIT), _rows(part, LINK))
    except (StorageError, ValueError):  # one that the database cannot take, or no database at all: going one by one tells
        others = list(chunk)
    stored = _store(engine, [record for waiting in others for record in _records(waiting)])
    return sum(waiting.events for waiting in chunk) - sum(waiting.events for waiting in others) + stored


def _rows(ready: Sequence[Waiting], what: str) -> bytes:
    return b",".join(waiting.rows for waiting in ready if waiting.what == what)


def _records(waiting: Waiting) -> list[Record]:
    try:
        return records(waiting.text)
    except (KeyError, TypeError, ValueError):  # whole, but nothing that we know
        return []


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
    except (StorageError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, StorageError) and gone(error):
            raise
        return sum(_store(engine, [one]) for one in chunk) if len(chunk) > 1 else 0
    return len(chunk)
