"""`digest preview` as an editor types it: a real process, on this machine alone, that ends when it is told to."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.door import Door, door
from tests.factories import company, person
from tests.rehearsed import configured

__all__ = ["door"]
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def running(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process and its port."""
    company(engine, tmp_path, [person("ana@example.org")])
    command = [sys.executable, "-m", "digest", "--config", str(configured(tmp_path, database_url)), "preview", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:(\d+)/ and follows what you save", said)
    assert found, said + process.stdout.read()
    yield process, int(found[1])
    process.kill()
    process.wait()
    process.stdout.close()


def listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex((host, port)) == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_on_this_machine_alone_and_ends_in_peace(running: tuple[subprocess.Popen[str], int], how: signal.Signals) -> None:
    process, port = running
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
        assert "Live preview" in answer.read().decode()
    others = {"127.0.0.2", *(str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET))} - {"127.0.0.1"}
    assert [host for host in others if listens(host, port)] == []
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/changes", timeout=30) as stream:
        assert stream.readline()
        process.send_signal(how)  # while somebody listens
        assert process.wait(timeout=20) == 0
    assert process.stdout is not None
    assert "Traceback" not in process.stdout.read()


def test_a_port_that_is_taken_is_one_sentence(door: Door) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = door("preview", "--port", taken.getsockname()[1])
    assert said.code == 1
    assert "cannot be listened on" in said.err
    assert "digest preview --port 0" in said.err


def test_a_port_that_is_none_is_a_slip_of_the_pen(door: Door) -> None:
    assert door("preview", "--port", "65536").code == 2
