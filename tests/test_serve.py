"""`digest serve` as an operator meets it: two processes, one parent, a clean end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from digest.db.schema import message
from digest.db.session import open_database, write
from digest.demo.browser import request
from digest.demo.mailbox import Mailbox, free_port
from digest.pipeline import edition, status
from tests.factories import company, crowd

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Iterator[tuple[Path, Mailbox, str]]:
    """A folder with a config over a database that has a due, approved edition; a mail server; the pages' address."""
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    pages = f"127.0.0.1:{free_port()}"
    text = f'[site]\nurl = "http://{pages}"\n[database]\nurl = "{database_url}"\n[smtp]\nport = {mailbox.port}\n[web]\nlisten = "{pages}"\n'
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    engine = open_database(database_url)
    now = datetime.now(UTC)
    config = company(engine, tmp_path, crowd(20), site={"url": f"http://{pages}"}, smtp={"port": mailbox.port})
    edition.plan(engine, config, now=now)
    edition.approve(engine, now=now, who="mara")
    with write(engine) as connection:
        connection.execute(update(message).values(due_at=now, next_attempt_at=now))
    engine.dispose()
    yield tmp_path, mailbox, pages
    mailbox.stop()


def serve(home: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "digest", "--config", str(home / "config.toml"), "serve", *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(what: object, seconds: float = 30) -> bool:
    assert callable(what)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return False


def answers(pages: str) -> bool:
    try:
        return request(f"http://{pages}/healthz").status == 200
    except OSError:
        return False


def test_it_serves_pages_sends_what_is_due_and_ends_cleanly_on_sigterm(home: tuple[Path, Mailbox, str], database_url: str) -> None:
    folder, mailbox, pages = home
    process = serve(folder)
    try:
        assert wait_for(lambda: answers(pages))
        assert wait_for(lambda: len(mailbox.letters()) == 20)
        cron = subprocess.run(
            [sys.executable, "-m", "digest", "--config", str(folder / "config.toml"), "tick"],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert cron.returncode == 0, cron.stderr
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert len(mailbox.letters()) == 20
    engine = open_database(database_url)
    assert status.status(engine)["sent"] == 20
    engine.dispose()


def test_only_web_sends_nothing(home: tuple[Path, Mailbox, str]) -> None:
    folder, mailbox, pages = home
    process = serve(folder, "--only", "web")
    try:
        assert wait_for(lambda: answers(pages))
        time.sleep(1)
        assert mailbox.letters() == []
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def test_a_dead_child_ends_the_parent_with_a_sentence(home: tuple[Path, Mailbox, str]) -> None:
    folder, _mailbox, pages = home
    process = serve(folder)
    assert wait_for(lambda: answers(pages))
    listing = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True).stdout.split()
    for child in listing:
        os.kill(int(child), signal.SIGKILL)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "stopped by itself" in said
