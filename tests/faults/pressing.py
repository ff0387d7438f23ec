"""A real server under load that may be killed: the process, the crowd that presses its links, and what must be in the database afterwards."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from sqlalchemy import Engine, select

from digest.db.schema import click
from digest.db.session import read
from digest.demo.browser import NAVIGATION
from digest.demo.mailbox import free_port
from digest.pipeline.replaying import replay
from tests.away import wait_for
from tests.linked import ANA, BEN, GROUP, read_link

ROOT = Path(__file__).parent.parent.parent
PATHS = (read_link(ANA, 1), read_link(ANA, 2), read_link(BEN, 1), read_link(GROUP, 2))


def configure(home: Path, url: str, port: int, more: str = "") -> None:
    """A config.toml for the pages alone."""
    text = f'[site]\nurl = "http://127.0.0.1:{port}"\n[database]\nurl = "{url}"\n[web]\nlisten = "127.0.0.1:{port}"\n{more}'
    (home / "config.toml").write_text(text, encoding="utf-8")


@contextmanager
def serving(home: Path, port: int, *, before: Sequence[str] = (), words: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """`digest serve --only web`, answering; its log in `home`. `before` is put in front of the command."""
    with (home / "serve.log").open("ab") as log:
        command = [*before, sys.executable, "-m", "digest", "--config", str(home / "config.toml"), "serve", "--only", "web", *words]
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=log, stderr=log)
    try:
        wait_for(lambda: process.poll() is not None or status(port, "/readyz"), 60)
        assert process.poll() is None, (home / "serve.log").read_text()
        yield process
    finally:
        for child in children(process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, 9)
        process.kill()
        process.wait()
        wait_for(lambda: not status(port, "/readyz"))


def children(pid: int) -> list[int]:
    """The processes that it started."""
    said = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(word) for word in said.split()]


def kill(process: subprocess.Popen[bytes]) -> None:
    """End parent and children as kill -9 does."""
    for pid in (*children(process.pid), process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, 9)
    process.wait()


def status(port: int, path: str, agent: str = "") -> int:
    """The status of one GET; 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={**NAVIGATION, "User-Agent": agent} if agent else NAVIGATION)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def metrics(port: int) -> dict[str, float]:
    """The server's figures by name and labels."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


class Crowd:
    """People who press links all the time, each press with a browser's name of its own; `answered` are those that got a 302."""

    def __init__(self, port: int, *, people: int = 8) -> None:
        self.answered: set[str] = set()
        self.pressed = 0
        self._name = secrets.token_hex(4)
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._press, args=(number,)) for number in range(people)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _press(self, number: int) -> None:
        turn = 0
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._stop.is_set():
            turn += 1
            self.pressed += 1
            agent = f"{NAVIGATION['User-Agent']} {self._name}/{number}/{turn}"
            try:
                connection.request("GET", PATHS[turn % len(PATHS)], headers={**NAVIGATION, "User-Agent": agent})
                answer = connection.getresponse()
                answer.read()
                if answer.status == http.client.FOUND:
                    self.answered.add(agent)
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.01)
        connection.close()


def recorded(engine: Engine) -> list[str]:
    """The browser's name of every click in the database."""
    with read(engine) as connection:
        rows = connection.execute(select(click.c.signals)).scalars().all()
    return [str((json.loads(row) if isinstance(row, str) else row)["ua"]) for row in rows]


def check(engine: Engine, home: Path, answered: set[str]) -> int:
    """After a replay, every answered press is in the database exactly once; how many there are."""
    from digest.config import load_config
    from digest.pipeline.replaying import spool_of

    replay(engine, spool_of(load_config(home / "config.toml")))
    found = recorded(engine)
    assert len(found) == len(set(found)), "a press was recorded twice"
    missing = answered - set(found)
    assert not missing, f"{len(missing)} of {len(answered)} answered presses are lost"
    return len(found)


def port() -> int:
    """A port that is free."""
    return free_port()
