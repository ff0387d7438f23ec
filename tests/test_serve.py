"""`digest serve` and `digest tick` as an operator meets them: real processes, signals, a clean end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from digest.db.schema import audit, message
from digest.db.session import open_database, read, write
from digest.demo.browser import request
from digest.demo.mailbox import Mailbox, free_port
from digest.pipeline import edition, status
from tests.factories import company, crowd
from tests.sink import Fault, Sink

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Iterator[tuple[Path, Mailbox, str]]:
    """A folder with a config over a database that has a due, approved edition; a mail server; the pages' address."""
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    pages = f"127.0.0.1:{free_port()}"
    text = f'[site]\nurl = "http://{pages}"\n[web]\nlisten = "{pages}"\n[database]\nurl = "{database_url}"\n'
    text += f'[smtp]\nport = {mailbox.port}\n[schedule]\nquiet = ""\n'  # it sends now, whatever the hour is
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
    return start(home, "serve", *more)


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "digest", "--config", str(home / "config.toml"), *words]
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


# --- stop and go by signal ---

CONNECTIONS = 3
PEOPLE = 60
SLOW = 0.25  # seconds a message takes
BUSY = ("tick --now", "serve --only worker", "serve")


@dataclass(frozen=True, kw_only=True)
class Slow:
    """A company whose letters go out slowly: its folder, the relay, the database."""

    folder: Path
    sink: Sink
    engine: Engine

    def start(self, words: str) -> subprocess.Popen[str]:
        """A process that sends, caught with a few letters out."""
        process = start(self.folder, *words.split())
        assert wait_for(lambda: len(self.sink.mails()) >= 2 * CONNECTIONS, 60)
        return process

    def went(self, after: float = 0) -> int:
        """How many letters the relay took after that moment."""
        return sum(mail["at"] > after for mail in self.sink.mails())

    def paused(self) -> bool:
        """Whether the pause is committed."""
        return bool(status.status(self.engine)["paused"])

    def settled(self) -> dict[str, int]:
        """State -> messages, of states that hold any."""
        found = status.status(self.engine)
        return {state: found[state] for state in status.COUNTS if found[state]}


@pytest.fixture
def slow(tmp_path: Path, database_url: str) -> Iterator[Slow]:
    engine = open_database(database_url)
    with Sink(file=tmp_path / "sink", delay=SLOW) as sink:
        relay = {"port": sink.port, "connections": CONNECTIONS}
        pages = f"127.0.0.1:{free_port()}"
        tables = f'[site]\nurl = "http://{pages}"\n[web]\nlisten = "{pages}"\n[database]\nurl = "{database_url}"\n'
        tables += f'[smtp]\nport = {sink.port}\nconnections = {CONNECTIONS}\n[schedule]\nquiet = ""\n'
        (tmp_path / "config.toml").write_text(tables, encoding="utf-8")
        now = datetime.now(UTC)
        config = company(engine, tmp_path, crowd(PEOPLE), site={"url": f"http://{pages}"}, smtp=relay)
        edition.plan(engine, config, now=now)
        edition.approve(engine, now=now, who="mara")
        with write(engine) as connection:
            connection.execute(update(message).where(message.c.state == "queued").values(due_at=now, next_attempt_at=now))
        yield Slow(folder=tmp_path, sink=sink, engine=engine)
    engine.dispose()


def end(process: subprocess.Popen[str]) -> str:
    """Stop it if it still runs; what it said."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert "Traceback" not in said, said
    return said


@pytest.mark.parametrize("words", BUSY)
def test_sigusr1_pauses_within_one_message_per_connection_and_sigusr2_goes_on(slow: Slow, words: str) -> None:
    process = slow.start(words)
    try:
        process.send_signal(signal.SIGUSR1)
        assert wait_for(slow.paused)
        committed = time.time()
        time.sleep(4 * SLOW)
        assert slow.went(committed) <= CONNECTIONS
        stood = slow.went()
        time.sleep(4 * SLOW)
        assert slow.went() == stood < PEOPLE, "nothing moves while it is paused"
        with read(slow.engine) as connection:
            assert connection.execute(select(audit.c.who, audit.c.detail).where(audit.c.what == "edition.pause")).all() == [
                ("signal", "paused by signal")
            ]
        if words.startswith("serve"):
            process.send_signal(signal.SIGUSR2)
            assert wait_for(lambda: slow.went() == PEOPLE, 60)
        else:
            process.wait(timeout=60)  # it has nothing more to send; a signal now would meet it on its way out
    finally:
        said = end(process)
    assert process.returncode == 0, said
    if words.startswith("tick"):
        assert slow.settled() == {"sent": stood, "queued": PEOPLE - stood}
    recipients = [mail["to"] for mail in slow.sink.mails()]
    assert len(recipients) == len(set(recipients)), "somebody got it twice"


@pytest.mark.parametrize("words", BUSY)
def test_the_first_sigterm_finishes_what_is_on_the_wire_and_leaves_the_rest_queued(slow: Slow, words: str) -> None:
    process = slow.start(words)
    said = end(process)
    assert process.returncode == 0, said
    sent = slow.went()
    assert slow.settled() == {"sent": sent, "queued": PEOPLE - sent}
    assert 0 < sent < PEOPLE


def test_a_tick_says_what_it_did_before_it_was_stopped(slow: Slow) -> None:
    process = slow.start("tick --now")
    said = end(process)
    assert f"{slow.went()} sent" in said


def test_the_second_signal_breaks_off_and_loses_nothing(slow: Slow) -> None:
    slow.sink.faults.append(Fault(at="dot", do="hang", keep=True))  # from now on no answer comes
    process = start(slow.folder, "tick", "--now")
    assert wait_for(lambda: len(slow.sink.mails()) == CONNECTIONS)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None, "the grace period holds"
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=20)
    assert (process.returncode, said.strip()) == (130, "Interrupted.")
    assert slow.settled() == {"in_doubt": CONNECTIONS, "queued": PEOPLE - CONNECTIONS}


def test_the_second_signal_breaks_off_a_service_too(slow: Slow) -> None:
    slow.sink.faults.append(Fault(at="dot", do="hang", keep=True))
    process = start(slow.folder, "serve", "--only", "worker")
    assert wait_for(lambda: len(slow.sink.mails()) == CONNECTIONS)
    process.send_signal(signal.SIGTERM)
    time.sleep(1)
    assert process.poll() is None, "the grace period holds"
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert "Traceback" not in said
    assert slow.settled() == {"sending": CONNECTIONS, "queued": PEOPLE - CONNECTIONS}, "the next run calls them in doubt"


def test_a_service_manager_that_signals_everybody_stops_it_gently(slow: Slow) -> None:
    """As systemd does with SIGTERM, and `systemctl kill` with SIGUSR1."""
    process = slow.start("serve")
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True).stdout.split()
    everybody = [process.pid, *map(int, children)]
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM):
        for one in everybody:
            os.kill(one, number)
        time.sleep(0.3)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert set(slow.settled()) == {"sent", "queued"}


def test_a_burst_of_the_same_signal_is_no_deadlock(slow: Slow) -> None:
    """The next one may come while the last is still being taken in, on the same thread."""
    process = slow.start("serve --only worker")
    children = processes_of(process.pid)
    process.send_signal(signal.SIGTERM)
    for _ in range(500):
        for one in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said


# --- a parent that is killed ---


def processes_of(parent: int) -> list[int]:
    """The parent's children, those of the library that started them with them."""
    return [int(word) for word in subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=True).stdout.split()]


def runs(process: int) -> bool:
    """False once it ended; nobody may be there to bury it."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False).stdout.strip()
    return bool(found) and not found.startswith("Z")


@pytest.mark.parametrize("words", ["serve", "serve --only worker"])
def test_children_of_a_killed_parent_finish_what_is_on_the_wire_and_end(slow: Slow, words: str) -> None:
    process = slow.start(words)
    children = processes_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    killed = time.time()
    assert wait_for(lambda: not any(map(runs, children)), 15)
    said, _ = process.communicate(timeout=10)
    assert "Traceback" not in said, said
    assert slow.went(killed + 4 * SLOW) == 0, "it went on sending"
    sent = slow.went()
    assert slow.settled() == {"sent": sent, "queued": PEOPLE - sent}, "what was on the wire is not known to have arrived"
    again = start(slow.folder, *words.split())
    assert wait_for(lambda: slow.went() > sent), "the port is free, and the rest goes out"
    said = end(again)
    assert again.returncode == 0, said


def test_children_of_a_killed_parent_do_not_wait_longer_than_the_grace_period(slow: Slow) -> None:
    config = slow.folder / "config.toml"
    config.write_text(config.read_text(encoding="utf-8") + "[delivery]\ngrace_seconds = 2\n", encoding="utf-8")
    slow.sink.faults.append(Fault(at="dot", do="hang", keep=True))
    process = start(slow.folder, "serve")
    assert wait_for(lambda: len(slow.sink.mails()) == CONNECTIONS)
    listening = config.read_text(encoding="utf-8").partition('listen = "')[2].partition('"')[0].rpartition(":")
    with socket.create_connection((listening[0], int(listening[2]))) as visitor:
        visitor.sendall(b"POST /u/x HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n")  # and never says the rest
        children = processes_of(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        assert wait_for(lambda: not any(map(runs, children)), 15)
    process.communicate(timeout=10)
    assert slow.settled() == {"in_doubt": CONNECTIONS, "queued": PEOPLE - CONNECTIONS}
