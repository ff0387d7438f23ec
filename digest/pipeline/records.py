"""Records: presses, short links and switches as they stand on disk while the database is away or not yet given them.

In a journal presses that came together share one record: the names of its columns, the people in it, and a list of values for each press.
So the database reads a thousand of them in one statement, and another version of this program knows what each value is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from pydantic_core import to_json

from digest.db import replays
from digest.files.spool import Record, Spool, counted, framed

Row = dict[str, Any]
CLICK, VISIT, LINK, SWITCH = "click", "visit", "link", "switch"  # what a record is; the last is what a person said about the letter itself
MOMENTS = {CLICK: "at", VISIT: "at", LINK: "created_at", SWITCH: "at"}
_COLUMNS = {CLICK: replays.CLICK_COLUMNS, VISIT: replays.VISIT_COLUMNS}
_REST = {what: itemgetter(*columns[1:]) for what, columns in _COLUMNS.items()}
_HEADS = {what: b'{"v":2,"what":"%b","columns":%b,"people":[' % (what.encode(), to_json(columns)) for what, columns in _COLUMNS.items()}
_EPOCH, _SECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1)
_LINK_HEAD = b'{"v":1,"what":"link","row":{"slug":"'
_TOLD = re.compile(rb'([\d,]*)\],"count":(\d{1,9}),"rows":\[')
_OWNED = re.compile(rb'"owner":"employee:(\d+)"')


class OnDisk(NamedTuple):
    """A record that was read back. `rows`: JSON with commas between them, as `replays.bring` takes it."""

    text: bytes
    what: str = ""  # "": the database cannot read it by itself
    events: int = 1
    people: bytes = b""  # their numbers, with commas between them
    rows: bytes = b""


def of_events(clicks: Iterable[Mapping[str, Any]], visits: Iterable[Mapping[str, Any]]) -> list[Record]:
    """Rows of events as records."""
    return [{"what": what, "row": _plain(row)} for what, rows in ((CLICK, clicks), (VISIT, visits)) for row in rows]


def of_switch(employee: int, at: datetime, *, receive: bool, how: str) -> Record:
    """That a person stopped the letter, or took that back, as a record."""
    return {"what": SWITCH, "row": {"employee": employee, "at": at.isoformat(), "receive": receive, "how": how}}


def lines(clicks: Sequence[Row], visits: Sequence[Row], made: Sequence[Row] = ()) -> bytes:
    """Rows as lines of a journal. `made`: short links; their slug comes first."""
    texts = [to_json({"v": 1, "what": LINK, "row": {**row, "created_at": _moment(row["created_at"])}}) for row in made]
    if clicks:
        texts.append(_together(CLICK, clicks, {row["employee_id"] for row in clicks} - {None}))
    if visits:
        texts.append(_together(VISIT, visits, ()))
    return b"".join(map(framed, texts))


def _together(what: str, rows: Sequence[Row], people: Iterable[int]) -> bytes:
    rest = _REST[what]
    listed = [(_moment(row["at"]), *rest(row)) for row in rows]
    return b'%b%b],"count":%d,"rows":%b}' % (_HEADS[what], ",".join(map(str, people)).encode(), len(rows), to_json(listed))


def read(text: bytes) -> OnDisk:
    """A record as the database takes it, where it can read it by itself."""
    for what, head in _HEADS.items():
        told = _TOLD.match(text, len(head)) if text.startswith(head) and text.endswith(b"]]}") else None
        if told:
            return OnDisk(text=text, what=what, events=int(told[2]), people=told[1], rows=text[told.end() : -2])
    if text.startswith(_LINK_HEAD):
        return OnDisk(text=text, what=LINK, people=b",".join(_OWNED.findall(text)), rows=text)
    return OnDisk(text=text, events=counted(text))


def records(text: bytes) -> list[Record]:
    """Every record in one, each by itself; none where it is whole, but nothing that we know."""
    try:
        found = json.loads(text)
        if "rows" not in found:
            return [found]
        return [{"what": found["what"], "row": dict(zip(found["columns"], row, strict=True))} for row in found["rows"]]
    except (KeyError, RecursionError, TypeError, ValueError):
        return []


def waiting_links(spool: Spool, slugs: Iterable[str]) -> list[Row]:
    """The rows of those of these short links that were journalled lately and may not be in the database yet."""
    found: Iterator[Row] = (json.loads(text)["row"] for text in spool.lately(_LINK_HEAD, (slug.encode("ascii") for slug in slugs)))
    return [{**row, "created_at": datetime.fromisoformat(row["created_at"])} for row in found]


def _moment(at: datetime) -> str:
    """In UTC and to the microsecond always: SQLite keeps what is written. All who come within a second share its name."""
    return f"{_second((at - _EPOCH) // _SECOND)}.{at.microsecond:06d}+00:00"


@lru_cache(maxsize=64)
def _second(since: int) -> str:
    return (_EPOCH + since * _SECOND).isoformat().removesuffix("+00:00")


def _plain(row: Mapping[str, Any]) -> Row:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
