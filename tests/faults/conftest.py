"""Workers on the test's database and mail servers for them, ended with the test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.faults.processes import Sinks, Start, worker
from tests.sink import Sink


@pytest.fixture
def start(database_url: str) -> Iterator[Start]:
    """Starts a worker on the test's database."""
    running: list[subprocess.Popen[str]] = []

    def begin(port: int, **options: Any) -> subprocess.Popen[str]:
        running.append(worker(database_url, port, **options))
        return running[-1]

    yield begin
    for one in running:
        one.kill()
        one.communicate()


@pytest.fixture
def sinks(tmp_path: Path) -> Iterator[Sinks]:
    """Starts mail servers that share one mailbox."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Sink(file=tmp_path / "mail.jsonl", **options))
