"""Replaying: what waited on disk while the database was away goes into it, exactly once, whoever does it and however often."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, make_url

from digest.config import Config
from digest.db import replays
from digest.db.session import gone, write, yield_to_others
from digest.errors import StorageError
from digest.files.spool import Record, Spool

_log = logging.getLogger(__name__)
_CHUNK = 500  # records in one transaction: a click waits for no more
CLICK, VISIT, SWITCH = "click", "visit", "switch"  # what a record is; the last is what a person said about the letter itself


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
    """The spool of this installation: beside the SQLite file, else beside config.toml."""
    url = make_url(config.database.url)
    named = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:"
    place = config.home / f"{url.database}.spool" if named else config.home / "digest.spool"
    return Spool(Path(place), most=config.web.spool_megabytes * 2**20)


def of_events(clicks: Iterable[Mapping[str, Any]], visits: Iterable[Mapping[str, Any]]) -> list[Record]:
    """Rows of events as records."""
    return [{"what": what, "row": _plain(row)} for what, rows in ((CLICK, clicks), (VISIT, visits)) for row in rows]


def of_switch(employee: int, at: datetime, *, receive: bool, how: str) -> Record:
    """That a person stopped the letter, or took that back, as a record."""
    return {"what": SWITCH, "row": {"employee": employee, "at": at.isoformat(), "receive": receive, "how": how}}


def replay(engine: Engine, spool: Spool) -> Replayed:
    """Store everything that waits. Raises StorageError when the database is still away; what is left then waits on."""
    stored = refused = damaged = 0
    while True:
        with spool.take() as taken:
            if taken is None:
                break
            for chunk in _chunks(taken.records()):
                done = _store(engine, chunk)
                stored, refused = stored + done, refused + len(chunk) - done
                yield_to_others(engine)
            taken.remove()
            damaged += taken.damaged
    found = Replayed(stored=stored, refused=refused, damaged=damaged)
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


def _chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    rest = iter(records)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _store(engine: Engine, chunk: Sequence[Record]) -> int:
    """How many of them the database took; one that it cannot take spoils no other."""
    try:
        with write(engine) as connection:
            rows: dict[str, list[dict[str, Any]]] = {CLICK: [], VISIT: [], SWITCH: []}
            for record in chunk:
                row = record["row"]
                rows[record["what"]].append({**row, "at": datetime.fromisoformat(row["at"])})
            replays.put_events(connection, rows[CLICK], rows[VISIT], lambda: secrets.token_hex(16))
            for row in rows[SWITCH]:
                replays.switch(connection, **row)
    except (StorageError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, StorageError) and gone(error):
            raise
        return sum(_store(engine, [one]) for one in chunk) if len(chunk) > 1 else 0
    return len(chunk)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
