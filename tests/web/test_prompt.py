"""Presses that are answered in the server's own loop: together, on disk before their answer, and in nobody's way."""

from __future__ import annotations

import errno
import http.client
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from digest.db import links, prepared
from digest.demo.mailbox import free_port
from digest.files.journal import Journal
from digest.files.spool import Spool
from digest.pipeline.records import lines
from digest.web import prompt
from digest.web.app import make_app
from tests.away import wait_for
from tests.linked import ANA, BEN, PERSON, Linked, read_link, share_link
from tests.served import served

LINK = {"slug": "0123456789ab", "owner": "group:everyone", "post_id": "cold-room", "network": "x"}


@contextmanager
def journalled(linked: Linked, folder: Path, **changes: Any) -> Iterator[int]:
    """The port of the application, whose presses go to a journal in that folder."""
    port = free_port()
    with served(make_app(linked.engine, linked.settings(spool=folder / "presses.spool", journal=True, **changes), lambda: linked.now), port):
        yield port
    linked.settled(folder)


def get(port: int, path: str) -> tuple[int, str]:
    """Status, and where it leads."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers=PERSON)
        answer = connection.getresponse()
        answer.read()
        return answer.status, (answer.headers["location"] or "").partition("?")[0]
    finally:
        connection.close()


def test_many_presses_share_a_sync_and_each_is_recorded(linked: Linked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that came in while a disk was busy is served with all the others that did."""
    syncs, sync = [], os.fdatasync

    def slowly(handle: int) -> None:
        syncs.append(handle)
        time.sleep(0.01)
        sync(handle)

    monkeypatch.setattr(os, "fdatasync", slowly)
    paths = [read_link(ANA, 1), read_link(BEN, 2), share_link(ANA, 2, "2"), read_link(ANA, 3)] * 40
    with journalled(linked, tmp_path) as port, ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(lambda path: get(port, path)[0], paths))
    assert answers == [302] * len(paths)
    assert len(linked.clicks()) == len(paths)
    assert len(syncs) < len(paths) / 2


def test_a_slow_disk_keeps_presses_waiting_and_nobody_else(linked: Linked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a sync took long, the next is waited for in a thread."""
    syncing, sync = threading.Event(), os.fdatasync

    def slowly(handle: int) -> None:
        syncing.set()
        time.sleep(1)
        sync(handle)

    with journalled(linked, tmp_path) as port, ThreadPoolExecutor(1) as another:
        assert get(port, read_link(ANA, 1))[0] == 302  # the day's salt is made
        monkeypatch.setattr(os, "fdatasync", slowly)
        assert get(port, read_link(ANA, 1))[0] == 302
        syncing.clear()
        pressed = another.submit(get, port, read_link(BEN, 1))
        assert syncing.wait(10)
        began = time.monotonic()
        assert get(port, "/robots.txt")[0] == 200
        assert time.monotonic() - began < 0.5
        assert not pressed.done()
        assert pressed.result(10)[0] == 302
        monkeypatch.setattr(os, "fdatasync", sync)
    assert len(linked.clicks()) == 3


def test_while_a_disk_hangs_a_visitor_from_elsewhere_lets_nobody_wait_for_it(linked: Linked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown link comes to its end meanwhile: that says nothing about the disk."""
    go_on, sync = threading.Event(), os.fdatasync

    def hanging(handle: int) -> None:
        go_on.wait(10)
        sync(handle)

    monkeypatch.setattr(prompt, "_SLOW", -1.0)  # the disk counts as slow after the first sync
    monkeypatch.setattr(prompt, "_REST", 0.3)
    with journalled(linked, tmp_path) as port, ThreadPoolExecutor(4) as crowd:
        assert get(port, read_link(ANA, 1))[0] == 302
        monkeypatch.setattr(os, "fdatasync", hanging)
        pressed = [crowd.submit(get, port, read_link(BEN, 1))]
        time.sleep(0.5)
        assert get(port, "/l/0123456789ac")[0] in ({404} if linked.engine.dialect.name == "sqlite" else {404, 503})
        pressed.append(crowd.submit(get, port, read_link(BEN, 2)))
        time.sleep(0.2)
        began = time.monotonic()
        assert get(port, "/robots.txt")[0] == 200
        assert time.monotonic() - began < 2
        go_on.set()
        assert [answer.result(20)[0] for answer in pressed] == [302, 302]
    assert len(linked.clicks()) == 3


def test_a_database_that_fails_at_the_first_word_leaves_links_to_memory(linked: Linked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I1: what a server asks first is whether anything has changed; that may fail like everything else."""

    def failing(_connection: Connection) -> object:
        return prepared.first(_connection, "SELECT * FROM a_table_that_is_not_there")

    with journalled(linked, tmp_path) as port:
        assert get(port, read_link(ANA, 1))[0] == 302
        wait_for(lambda: linked.count("click") == 1)
        monkeypatch.setattr(links, "version", failing)
        if linked.engine.dialect.name == "sqlite":
            assert [get(port, read_link(ANA, 1))[0] for _ in range(3)] == [302] * 3
            wait_for(lambda: linked.count("click") == 4)


def test_a_journal_that_cannot_be_written_leaves_presses_to_the_database(linked: Linked, tmp_path: Path) -> None:
    """I2: and they are there before the answer."""
    with journalled(linked, tmp_path / "nowhere") as port:
        for count in range(1, 4):
            assert get(port, read_link(ANA, 1))[0] == 302
            assert linked.count("click") == count


def test_a_full_disk_leaves_no_empty_files_behind(linked: Linked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I2: links that stand in another server's journal are looked for in a few files only."""

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with journalled(linked, tmp_path) as port:
        assert get(port, read_link(ANA, 1))[0] == 302
        with monkeypatch.context() as patched:
            patched.setattr(os, "fdatasync", full)
            assert [get(port, read_link(ANA, 1))[0] for _ in range(10)] == [302] * 10
            assert len(list(tmp_path.glob("presses*"))) <= 2
        assert get(port, read_link(ANA, 1))[0] == 302
    assert len(linked.clicks()) == 12


def test_a_link_that_stands_in_another_server_s_journal_alone_leads_on(linked: Linked, tmp_path: Path) -> None:
    journal = Journal(Spool(tmp_path / "presses.spool"))
    row = {**LINK, "edition_id": linked.edition, "created_at": linked.now}
    journal.append(lines([], [], [row]), 0)
    with journalled(linked, tmp_path) as port:
        if linked.engine.dialect.name == "sqlite":
            assert get(port, "/l/0123456789ab") == (302, "https://example.com/blog/cold-room")
        assert get(port, "/l/0123456789ac")[0] == 404
        journal.close()
        wait_for(lambda: linked.count("short_link") == 1)
        assert get(port, "/l/0123456789ab") == (302, "https://example.com/blog/cold-room")


def test_a_connection_that_rests_is_hung_up_and_one_that_asks_again_is_not(linked: Linked, tmp_path: Path) -> None:
    """Uvicorn's five seconds, counted from the last answer."""
    with journalled(linked, tmp_path) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for wait in (0, 3, 3):
            time.sleep(wait)
            connection.request("GET", read_link(ANA, 1), headers=PERSON)
            assert connection.getresponse().read() == b""
        began = time.monotonic()
        assert connection.sock.recv(1) == b""
        assert 3 < time.monotonic() - began < 8
        connection.close()
