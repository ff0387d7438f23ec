"""`digest mail inbound` killed while it takes in a Maildir: every report is noted once, every letter kept once, nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select

from digest.db import keys
from digest.db.schema import audit, bounce, edition, employee, message, suppression
from digest.db.session import open_database, read, write
from digest.domain.verp import verp_address
from tests.conftest import NOW
from tests.factories import person
from tests.faults.processes import ROOT
from tests.letters import row
from tests.reports import BOUNCES, dsn, maildir

PEOPLE = 150  # a report for each
LETTERS = 50  # to be kept
KILLS = 20
STEP = 8  # messages that a run may take in before it is killed

# The command, with a step that kills the process right before or after it is taken for the third time.
DYING = """
import os, signal, sys
from pathlib import Path
from digest.cli.main import run
from digest.mail.arrival import Arrival

step, when, *sys.argv = sys.argv[1:]
owner, name = {"keep": (Arrival, "keep"), "name": (Path, "replace"), "mark": (Path, "rename")}[step]
real, taken = getattr(owner, name), []

def dying(*words):
    taken.append(words)
    if len(taken) == 3 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    done = real(*words)
    if len(taken) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return done

setattr(owner, name, dying)
run()
"""


@dataclass(frozen=True, kw_only=True)
class Back:
    """A Maildir full of what came back, and the database that it is about."""

    engine: Engine
    home: Path
    kept: Path

    def unread(self) -> int:
        """How many messages the Maildir still calls new."""
        return len(list((self.home / "mail" / "new").iterdir()))

    def start(self, *before: str) -> subprocess.Popen[str]:
        """The command, as cron calls it."""
        words = [sys.executable, *(before or ("-m", "digest"))]
        words += (["digest"] if before else []) + ["--config", str(self.home / "config.toml"), "mail", "inbound"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def is_right(self) -> None:
        """Every report and every letter once."""
        with read(self.engine) as connection:
            noted = Counter(connection.execute(select(bounce.c.message_id)).scalars())
            stops = Counter(connection.execute(select(suppression.c.address_hash)).scalars())
            told = connection.execute(select(func.count()).select_from(audit).where(audit.c.what == "suppression.add")).scalar_one()
        assert (len(noted), set(noted.values())) == (PEOPLE, {1}), "a report is lost, or noted twice"
        assert (len(stops), set(stops.values()), told) == (PEOPLE, {1}, PEOPLE), "a person is not stopped, or twice"
        letters = [path.read_bytes() for path in self.kept.rglob("*.eml")]
        assert sorted(letters) == sorted(letter(number) for number in range(LETTERS)), "a letter is lost, kept twice, or cut"
        assert self.unread() == 0
        names = [path.name for path in (self.home / "mail" / "cur").iterdir()]
        assert (len(names), all(name.endswith(":2,S") for name in names)) == (PEOPLE + LETTERS, True)


def letter(number: int) -> bytes:
    return f"From: Ana <ana@example.org>\r\nTo: digest@example.com\r\nSubject: Re: {number}\r\n\r\nThank you.\r\n".encode()


@pytest.fixture
def back(tmp_path: Path, database_url: str) -> Back:
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "{database_url}"\n[inbound]\nmailbox = "mail"\n', encoding="utf-8")
    engine = open_database(database_url)
    people = [person(f"p{number}@example.org") for number in range(PEOPLE)]
    with write(engine) as connection:
        keys.ensure_keys(connection, lambda size: b"k" * size, NOW)
        secret = next(iter(keys.signing_keys(connection, "bounce").values()))
        connection.execute(insert(employee), people)
        values = {"period": "2026-W48", "state": "sending", "paused": False, "reason": "", "hash": "", "planned_through": 0, "audience": PEOPLE}
        found = connection.execute(insert(edition).values(**values, created_at=NOW).returning(edition.c.id)).scalar_one()
        ids = list(connection.execute(select(employee.c.id).order_by(employee.c.id)).scalars())
        sent = {"state": "sent", "sent_at": NOW, "dated_at": NOW, "due_at": NOW, "attempts": 1}
        connection.execute(insert(message), [row(int(found), one, **sent) for one in ids])
        numbers = list(connection.execute(select(message.c.id).order_by(message.c.employee_id)).scalars())
    reports = [
        dsn(to=verp_address(BOUNCES, secret, number, NOW), final=who["address"], identity=f"<{number}@mx>")
        for number, who in zip(numbers, people, strict=True)
    ]
    mixed = reports + [letter(number) for number in range(LETTERS)]
    random.Random(48).shuffle(mixed)
    maildir(tmp_path / "mail", mixed)
    return Back(engine=engine, home=tmp_path, kept=tmp_path / "inbound")


def finish(back: Back) -> None:
    process = back.start()
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    back.is_right()
    back.engine.dispose()


def test_killed_again_and_again_it_notes_every_report_exactly_once(back: Back) -> None:
    dice = random.Random(back.engine.dialect.name)
    killed = 0
    for _ in range(KILLS):
        before = back.unread()
        process = back.start()
        goal = before - dice.randint(1, STEP)
        while process.poll() is None and back.unread() > goal:
            time.sleep(0.0005)
        time.sleep(dice.random() * 0.004)  # at any point of one message
        process.send_signal(signal.SIGKILL)
        said, _ = process.communicate(timeout=60)
        killed += process.returncode == -signal.SIGKILL
        assert "Traceback" not in said, said
    assert killed >= KILLS - 1, "it was done before it could be killed"
    print(f"\n{killed} kills; {back.unread()} of {PEOPLE + LETTERS} messages were left for the last run")  # noqa: T201 - shown with -s
    finish(back)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["keep", "name", "mark"])
def test_killed_between_two_steps_of_one_message_it_takes_it_up_again(back: Back, step: str, when: str) -> None:
    """Noted and not kept; kept and not under its name; kept and not marked; marked and not counted."""
    program = back.home / "dying.py"
    program.write_text(DYING, encoding="utf-8")
    process = back.start(str(program), step, when)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, said
    assert PEOPLE + LETTERS - 50 < back.unread() < PEOPLE + LETTERS
    finish(back)
