"""A company whose week was really sent: planned, over SMTP, with its pages, and a look at everything the database holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from digest.config import Config
from digest.db.schema import metadata
from digest.db.session import fold, read
from digest.demo.mailbox import Letter, Mailbox
from digest.pipeline import edition, week
from digest.web.serving import application
from tests.factories import company
from tests.linked import PERSON

EVENING = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
SITE = "https://letter.example.com"
TRACKS = ("click", "visit", "short_link", "token", "day_count", "outcome")


class Whole:
    """One company, its mailbox and its pages. `now` is everybody's clock."""

    def __init__(self, engine: Engine, home: Path, mailbox: Mailbox, people: Sequence[Mapping[str, Any]], **tables: Any) -> None:
        self.engine = engine
        self.home = home
        self.mailbox = mailbox
        self.now = EVENING
        site = {"company": "Example", "address": "Example, 1 Road", "url": SITE}
        self.config: Config = company(engine, home, people, site=site, smtp={"port": mailbox.port}, **tables)

    def send(self) -> dict[str, Letter]:
        """Plan and send the week: address -> letter."""
        edition.plan(self.engine, self.config, now=self.now)
        edition.approve(self.engine, now=self.now, who="mara")
        self.tick(at_once=True)
        return {letter.recipient: letter for letter in self.mailbox.letters()}

    def tick(self, *, at_once: bool = False) -> None:
        """As cron does it."""
        week.tick(self.engine, self.config, clock=lambda: self.now, at_once=at_once)

    def wait(self, **span: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(**span)
        return self.now

    @contextmanager
    def pages(self, address: str = "192.0.2.7") -> Iterator[TestClient]:
        """A client of the running pages; redirects are looked at, not followed."""
        app = application(self.engine, self.config, lambda: self.now)
        with TestClient(app, base_url=SITE, follow_redirects=False, client=(address, 50000)) as client:
            client.headers = PERSON
            yield client

    def rows(self, *tables: str) -> str:
        """Everything that stands in these tables (without any: in all), as text."""
        names = tables or tuple(metadata.tables)
        with read(self.engine) as connection:
            return "\n".join(f"{name} {dict(row)}" for name in names for row in connection.execute(select(metadata.tables[name])).mappings())

    def octets(self) -> bytes:
        """SQLite: the file with its log, as somebody who took the disk would read it; "" on PostgreSQL."""
        path = self.engine.url.database
        if self.engine.dialect.name != "sqlite" or path is None:
            return b""
        return b"".join(Path(f"{path}{end}").read_bytes() for end in ("", "-wal", "-shm") if Path(f"{path}{end}").exists())

    def fold(self) -> bool:
        """Empty SQLite's log."""
        return fold(self.engine)


def links_of(letter: Letter, kind: str = "") -> list[str]:
    """The paths of our own links in both parts of a letter; `kind`: "r", "s", "w", "u"."""
    text = letter.part("html") + letter.part("plain")
    return list(dict.fromkeys(re.findall(rf"{re.escape(SITE)}(/{kind or '[a-z]'}/[^\s\"'<>)]*)", text)))
