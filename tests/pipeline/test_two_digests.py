"""Two digests that have each other on the roster: whatever a gateway between them takes away, they do not talk for ever."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from digest.config import Config
from digest.db import people
from digest.db.schema import notice, question
from digest.db.session import open_database, read, write
from digest.demo.mailbox import Mailbox
from digest.domain.reply import UNSURE_A_DAY
from digest.pipeline import edition, notices, replies, week
from digest.pipeline.inbound import collect
from tests.answers import written
from tests.conftest import NOW
from tests.factories import QUEUE, company, person

ROUNDS = 30
MONDAY = NOW - timedelta(days=1)
Gateway = Callable[[bytes], bytes]


@dataclass(kw_only=True)
class Side:
    """One digest: its database, its address, and a real mail server that takes what it sends."""

    engine: Engine
    home: Path
    name: str
    config: Config = field(init=False)
    mailbox: Mailbox = field(init=False)
    seen: int = 0

    def open(self, other: str) -> Side:
        """A roster with nobody on it but the other digest."""
        self.home.mkdir(exist_ok=True)
        self.mailbox = Mailbox(self.home / "sent")
        self.mailbox.start()
        self.config = company(
            self.engine,
            self.home,
            [person(f"digest@{other}.example")],
            queue=QUEUE.replace('by = "ana@example.org"\nnamed = true\n', ""),
            smtp={"port": self.mailbox.port},
            sender={"from": f"Digest <digest@{self.name}.example>"},
            mix={"at_least": 1},
        )
        return self

    def new(self) -> list[bytes]:
        """What it sent since the last look."""
        sent = [letter.raw for letter in self.mailbox.letters()]
        self.seen, found = len(sent), sent[self.seen :]
        return found

    def take(self, raw: bytes) -> None:
        """A letter comes in; then the tick sends what is due."""
        settings = replies.settings(self.config)
        collect(self.engine, "-", kept=self.home / "in", clock=lambda: NOW, stdin=io.BytesIO(raw), settings=settings)
        notices.send_due(self.engine, self.config, clock=lambda: NOW)


@pytest.fixture
def sides(engine: Engine, sqlite_template: Path, tmp_path: Path) -> Iterator[tuple[Side, Side]]:
    shutil.copy(sqlite_template, tmp_path / "second.db")
    second = open_database(f"sqlite:///{tmp_path / 'second.db'}")
    one = Side(engine=engine, home=tmp_path / "one", name="one").open("two")
    two = Side(engine=second, home=tmp_path / "two", name="two").open("one")
    yield one, two
    one.mailbox.stop()
    two.mailbox.stop()
    second.dispose()


def as_it_is(raw: bytes) -> bytes:
    return raw


def without_marks(raw: bytes) -> bytes:
    """A gateway that keeps no field that says what a letter is."""
    head, _, body = raw.partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?=[^ \t])", head)
    kept = [one for one in fields if re.match(rb"(?i)(?:from|to|subject|date|message-id|mime-version|content-[a-z-]+):", one)]
    return b"\r\n".join(kept) + b"\r\n\r\n" + body


def without_names(raw: bytes) -> bytes:
    """One that makes Message-IDs of its own as well."""
    return re.sub(
        rb"(?im)^message-id:[^\r]*\r\n(?:[ \t][^\r]*\r\n)*", b"Message-ID: <%d@gateway.example>\r\n" % abs(hash(raw)), without_marks(raw), count=1
    )


def talk(sides: tuple[Side, Side], gateway: Gateway) -> list[int]:
    """Carry letters between them until both are silent; how many there were in each round."""
    one, two = sides
    rounds: list[int] = []
    for _ in range(ROUNDS):
        batch = [(side, raw) for side, other in ((two, one), (one, two)) for raw in other.new()]
        rounds.append(len(batch))
        if not batch:
            return rounds
        for side, raw in batch:
            side.take(gateway(raw))
    return rounds


@pytest.mark.parametrize(("gateway", "most"), [(as_it_is, 1), (without_marks, 1), (without_names, 1 + 2 * UNSURE_A_DAY)])
def test_they_fall_silent(sides: tuple[Side, Side], gateway: Gateway, most: int) -> None:
    one, _ = sides
    edition.plan(one.engine, one.config, now=MONDAY, period="2026-W48")
    edition.approve(one.engine, one.config, now=MONDAY, who="mara")
    week.tick(one.engine, one.config, clock=lambda: NOW)
    rounds = talk(sides, gateway)
    assert (rounds[0], rounds[-1]) == (1, 0)
    assert sum(rounds) <= most
    for side in sides:
        with read(side.engine) as connection:
            states = set(connection.execute(select(question.c.state)).scalars())
        assert states <= {"unconfirmed"}  # nothing a machine wrote is anybody's question


def test_a_person_between_them_is_answered_once_by_each(sides: tuple[Side, Side]) -> None:
    for side in sides:
        with write(side.engine) as connection:
            people.add(connection, [{**person("ana@example.org"), "networks": []}], NOW)
        side.take(written(to=f"digest@{side.name}.example", identity=f"<{side.name}@x>"))
    assert talk(sides, as_it_is) == [2, 0]
    for side in sides:
        with read(side.engine) as connection:
            assert list(connection.execute(select(notice.c.kind)).scalars()) == ["was_you"]
