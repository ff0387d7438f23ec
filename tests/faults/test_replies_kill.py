"""`digest mail inbound` killed while it takes in what people wrote: every letter is entered once and acknowledged once, whatever the instant."""

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
from sqlalchemy import Engine, insert, select

from digest.db import keys
from digest.db.schema import contribution, employee, notice, question, reply
from digest.db.session import open_database, read, write
from tests.answers import written
from tests.conftest import NOW
from tests.factories import person
from tests.faults.processes import ROOT
from tests.reports import maildir

PEOPLE = 60
KILLS = 12

# The command, with a step that kills the process right before or after it is taken for the third time.
DYING = """
import os, signal, sys
from pathlib import Path
from digest.cli.main import run
from digest.db import questions, replies
from digest.pipeline import entries

step, when, *sys.argv = sys.argv[1:]
owner, name = {
    "noted": (replies, "begin"), "stored": (questions, "put"), "told": (entries, "tell"), "kept": (replies, "keep"), "marked": (Path, "rename"),
}[step]
real, taken = getattr(owner, name), []

def dying(*words, **named):
    taken.append(words)
    if len(taken) == 3 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    done = real(*words, **named)
    if len(taken) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return done

setattr(owner, name, dying)
run()
"""


@dataclass(frozen=True, kw_only=True)
class Post:
    """A Maildir full of letters by colleagues, and the database they are for."""

    engine: Engine
    home: Path

    def unread(self) -> int:
        """How many letters the Maildir still calls new."""
        return len(list((self.home / "mail" / "new").iterdir()))

    def start(self, *before: str) -> subprocess.Popen[str]:
        """The command, as cron calls it."""
        words = [sys.executable, *(before or ("-m", "digest"))]
        words += (["digest"] if before else []) + ["--config", str(self.home / "config.toml"), "mail", "inbound"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def finish(self) -> None:
        """Run it to its end; then every letter is entered once and acknowledged once."""
        process = self.start()
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        with read(self.engine) as connection:
            asked = Counter(connection.execute(select(question.c.employee_id)).scalars())
            given = Counter(connection.execute(select(contribution.c.employee_id)).scalars())
            told = Counter(connection.execute(select(notice.c.employee_id)).scalars())
            noted = list(connection.execute(select(reply.c.state)).scalars())
        everybody = set(range(1, PEOPLE + 1))
        assert (set(asked) | set(given), set((asked + given).values())) == (everybody, {1}), "a letter is lost, or entered twice"
        assert (set(told), set(told.values())) == (everybody, {1}), "a letter is not acknowledged, or twice"
        assert noted == ["kept"] * PEOPLE
        assert self.unread() == 0
        self.engine.dispose()


@pytest.fixture
def post(tmp_path: Path, database_url: str) -> Post:
    config = f'[database]\nurl = "{database_url}"\n[inbound]\nmailbox = "mail"\n[sender]\nfrom = "digest@example.com"\n'
    (tmp_path / "config.toml").write_text(config, encoding="utf-8")
    engine = open_database(database_url)
    with write(engine) as connection:
        keys.ensure_keys(connection, lambda size: b"k" * size, NOW)
        connection.execute(insert(employee), [person(f"p{number}@example.org") for number in range(PEOPLE)])
    words = ["Why is Lyon closed?", "Thank you, that was good.", "Worth reading: https://example.com/ovens, it says what ours cost."]
    letters = [
        written(words[number % 3], sender=f"p{number}@example.org", to="digest@example.com", identity=f"<{number}@x>") for number in range(PEOPLE)
    ]
    maildir(tmp_path / "mail", letters)
    return Post(engine=engine, home=tmp_path)


def test_killed_again_and_again_it_loses_and_doubles_nothing(post: Post) -> None:
    dice = random.Random(post.engine.dialect.name)
    killed = 0
    for _ in range(KILLS):
        before = post.unread()
        process = post.start()
        goal = before - dice.randint(1, 4)
        while process.poll() is None and post.unread() > goal:
            time.sleep(0.0005)
        time.sleep(dice.random() * 0.006)  # at any point of one letter
        process.send_signal(signal.SIGKILL)
        said, _ = process.communicate(timeout=60)
        killed += process.returncode == -signal.SIGKILL
        assert "Traceback" not in said, said
    assert killed >= KILLS - 1, "it was done before it could be killed"
    post.finish()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["noted", "stored", "told", "kept", "marked"])
def test_killed_between_storing_and_acknowledging_it_does_both_or_neither(post: Post, step: str, when: str) -> None:
    program = post.home / "dying.py"
    program.write_text(DYING, encoding="utf-8")
    process = post.start(str(program), step, when)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, said
    assert 0 < post.unread() < PEOPLE
    with read(post.engine) as connection:
        entered = len(connection.execute(select(question.c.id)).all()) + len(connection.execute(select(contribution.c.id)).all())
        told = len(connection.execute(select(notice.c.id)).all())
    assert entered == told
    post.finish()


def test_several_at_once_share_the_work(post: Post) -> None:
    running = [post.start() for _ in range(4)]
    for process in running:
        said, _ = process.communicate(timeout=120)
        assert "Traceback" not in said, said
    post.finish()
