"""What people write back, made to measure, and the office that takes it in as the command does."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select

from digest.config import Config
from digest.db.schema import contribution, employee, notice, question, reply
from digest.db.session import read, write
from digest.pipeline import replies
from digest.pipeline.inbound import Taken, collect
from tests.conftest import NOW
from tests.factories import person
from tests.reports import Office

CONFIG = Config.model_validate(
    {"sender": {"from": "Mara <digest@example.com>", "reply_to": "letter@example.com", "bounces": "*@bounces.example.com"}}
)


def written(
    words: str = "Why is Lyon closed?",
    *,
    sender: str = "Ana <ana@example.org>",
    to: str = "letter@example.com",
    subject: str = "Re: The Weekly Letter",
    answers: str = "",
    identity: str = "<1@mail.example.org>",
    more: str = "",
) -> bytes:
    """A letter by somebody. `answers`: the Message-ID it answers; `more`: further fields, each with its line end."""
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", "Date: Tue, 24 Nov 2026 10:00:00 +0000"]
    lines += [f"Message-ID: {identity}"] if identity else []
    lines += [f"In-Reply-To: <{answers}>", f"References: <{answers}>"] if answers else []
    head = "\r\n".join(["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", *lines])
    return f"{head}\r\n{more}\r\n{words}\r\n".encode()


@dataclass(kw_only=True)
class Answers:
    """Ana and Ben, Ana's letter of this week, and the door that answers come through."""

    engine: Engine
    kept: Path
    config: Config = CONFIG
    office: Office = field(init=False)
    ben: int = 0
    letter: str = ""  # the Message-ID of Ana's letter

    def open(self) -> Answers:
        """Make them."""
        self.office = Office(engine=self.engine, kept=self.kept).open()
        with write(self.engine) as connection:
            row = person("ben@example.org", language="de", name="Ben Berg")
            self.ben = int(connection.execute(insert(employee).values(row).returning(employee.c.id)).scalar_one())
        self.letter = f"{self.office.reference(self.office.send())}@example.com"
        return self

    def take(self, raw: bytes, recipient: str = "", *, days: int = 0) -> Taken:
        """One letter comes in."""
        return collect(
            self.engine,
            "-",
            kept=self.kept,
            clock=lambda: NOW + timedelta(hours=1, days=days),
            stdin=io.BytesIO(raw),
            recipient=recipient,
            settings=replies.settings(self.config),
        )

    def rows(self, table: str) -> list[Any]:
        """Every row of question, contribution, reply or notice."""
        found = {"question": question, "contribution": contribution, "reply": reply, "notice": notice}[table]
        with read(self.engine) as connection:
            return list(connection.execute(select(found).order_by(found.c.id)).all())

    def told(self) -> list[tuple[int, str]]:
        """(person, kind) of every notice."""
        return [(row.employee_id, row.kind) for row in self.rows("notice")]
