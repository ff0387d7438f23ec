"""Replaying: what waited on disk while the database was away goes into it, exactly once, whoever does it and however often."""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Engine, make_url

from digest.config import Config
from digest.db import replays
from digest.db.session import gone, write, yield_to_others
from digest.errors import StorageError
from digest.files.spool import Record, Spool

Row = dict[str, Any]
_log = logging.getLogger(__name__)
_CHUNK = 2000  # records in one transaction: some 30 ms, and each page of an index is written once for all of them
CLICK, VISIT, LINK, SWITCH = "click", "visit", "link", "switch"  # what a record is; the last is what a person said about the letter itself
_READY = {
    CLICK: b'{"v":1,"what":"click","row":{"employee_id":',
    VISIT: b'{"v":1,"what":"visit","row":{',
    LINK: b'{"v":1,"what":"link","row":{"slug":"',
}  # how a record for the database alone begins
_ALL_READY = tuple(_READY.values())
_MOMENTS = {CLICK: "at", VISIT: "at", LINK: "created_at", SWITCH: "at"}
_OWNED = re.compile(rb'"owner":"employee:(\d+)"')


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


def of_events(clicks: Iterable[Mapping[str, Any]], visits: Iterable[Mapping[str, Any]]) -> list[Record]:
    """Rows of events as records."""
    return [{"what": what, "row": _plain(row)} for what, rows in ((CLICK, clicks), (VISIT, visits)) for row in rows]


def ready(clicks: Iterable[Mapping[str, Any]], visits: Iterable[Mapping[str, Any]], made: Iterable[Mapping[str, Any]] = ()) -> Iterator[bytes]:
    """Rows of events as JSON that the database can read by itself. A click's `employee_id` comes first, and a short link's slug; `made`: those."""
    for what, rows in ((LINK, made), (CLICK, clicks), (VISIT, visits)):
        moment = _MOMENTS[what]
        for row in rows:
            plain = {**row, moment: row[moment].isoformat(timespec="microseconds")}
            yield to_json({"v": 1, "what": what, "row": plain})


def waiting_links(spool: Spool, slugs: Iterable[str]) -> list[Row]:
    """The rows of those of these short links that were journalled lately and may not be in the database yet."""
    wanted = [_READY[LINK] + slug.encode("ascii") + b'"' for slug in slugs]
    found = [json.loads(text)["row"] for text in spool.lately(wanted)]
    return [{**row, "created_at": datetime.fromisoformat(row["created_at"])} for row in found]


def of_switch(employee: int, at: datetime, *, receive: bool, how: str) -> Record:
    """That a person stopped the letter, or took that back, as a record."""
    return {"what": SWITCH, "row": {"employee": employee, "at": at.isoformat(), "receive": receive, "how": how}}


def replay(engine: Engine, spool: Spool) -> Replayed:
    """Store everything that waits and is not being written. Raises StorageError when the database is away; what is left then waits on."""
    stored = refused = damaged = 0
    while True:
        with spool.take() as taken:
            if taken is None:
                break
            for chunk in _chunks(taken.texts()):
                done = _brought(engine, chunk)
                stored, refused = stored + done, refused + len(chunk) - done
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


def _chunks(texts: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(texts)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _brought(engine: Engine, chunk: Sequence[bytes]) -> int:
    """How many of these texts the database took. What a journal holds it reads by itself; the rest, and whatever it stumbles at, we read."""
    clicks, visits, made = ([text for text in chunk if text.startswith(_READY[what])] for what in (CLICK, VISIT, LINK))
    others = [text for text in chunk if not text.startswith(_ALL_READY)] if len(clicks) + len(visits) + len(made) < len(chunk) else []
    people = {text[len(_READY[CLICK]) :].partition(b",")[0] for text in clicks} - {b"null"}
    people |= {owner for text in made for owner in _OWNED.findall(text)}
    try:
        with write(engine) as connection:
            if replays.strangers(connection, map(int, people)):
                others = list(chunk)
            else:
                replays.bring(connection, clicks, visits, made)
    except (StorageError, ValueError):  # one that the database cannot take, or no database at all: going one by one tells
        others = list(chunk)
    rest = _store(engine, [json.loads(text) for text in others]) if others else 0
    return len(chunk) - len(others) + rest


def _store(engine: Engine, chunk: Sequence[Record]) -> int:
    """How many of them the database took; one that it cannot take spoils no other."""
    try:
        with write(engine) as connection:
            rows: dict[str, list[dict[str, Any]]] = {CLICK: [], VISIT: [], LINK: [], SWITCH: []}
            for record in chunk:
                row, moment = record["row"], _MOMENTS[record["what"]]
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


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
