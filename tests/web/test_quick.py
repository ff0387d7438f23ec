"""The short way for links answers octet for octet as the application does, and leaves the rest to it."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from digest.demo.mailbox import free_port
from digest.files.spool import Spool
from digest.pipeline.replaying import replay
from digest.web import misses
from digest.web.app import make_app
from digest.web.pages import Reply
from digest.web.quick import Heads
from digest.web.signals import Head
from tests.linked import ANA, BEN, BROWSER, GROUP, OLD, PERSON, PHONE, Linked, read_link, share_link
from tests.served import served

PATHS = (
    read_link(ANA, 1),
    read_link(ANA, 3),
    read_link(BEN, 3),
    read_link(OLD, 1),
    read_link(GROUP, 2),
    read_link(ANA, 1).upper(),
    read_link(ANA, 1) + ".",
    read_link(ANA, 1) + "%27",
    read_link(ANA, 1) + "?to=//evil.example",
    read_link(ANA, 1)[:-1],
    share_link(ANA, 1, "1"),
    share_link(ANA, 1, "2"),
    share_link(ANA, 1, "0"),
    share_link(ANA, 3, "1"),
    share_link(BEN, 2, "5"),
    "/l/0123456789ab",
    "/l/short",
    "/r/",
    "/robots.txt",
)


@contextmanager
def over(linked: Linked, **changes: Any) -> Iterator[int]:
    """The port of the application over that edition."""
    port = free_port()
    with served(make_app(linked.engine, linked.settings(**changes), lambda: linked.now), port):
        yield port


def ask(port: int, *lines: str, method: str = "GET", headers: dict[str, str] | None = None) -> bytes:
    """What the server answers to requests that are sent at once on one connection, which it closes after the last."""
    every = {"Host": "letter.example.com", **PERSON, **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in every.items())
    asked = [f"{method} {path} HTTP/1.1\r\n{head}{'Connection: close' if last else 'X-Last: no'}\r\n\r\n" for path, last in _marked(lines)]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("".join(asked).encode())
        found = b""
        while more := connection.recv(65536):
            found += more
    return found


def _marked(lines: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    for place, line in enumerate(lines, start=1):
        yield line, place == len(lines)


def parts(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers without those of the connection, body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(status.split()[1]), {name: value for name, value in headers.items() if name not in {"connection", "transfer-encoding"}}, body


@pytest.mark.parametrize("agent", [BROWSER, PHONE])
def test_every_link_is_answered_as_the_application_answers_it(linked: Linked, agent: str) -> None:
    with over(linked) as port, linked.client() as client:
        for path in PATHS:
            status, headers, body = parts(ask(port, path, headers={"user-agent": agent}))
            wanted = client.get(path, headers={"user-agent": agent})
            assert (status, headers) == (wanted.status_code, dict(wanted.headers)), path
            assert body == wanted.content, path


def test_what_is_no_plain_get_of_a_link_goes_the_ordinary_way(linked: Linked) -> None:
    with over(linked) as port:
        assert parts(ask(port, read_link(ANA, 1), method="HEAD"))[0] == 302
        assert parts(ask(port, read_link(ANA, 1), method="PUT"))[0] == 405
        assert parts(ask(port, share_link(ANA, 1, "0")))[1]["content-type"] == "text/html; charset=utf-8"
    assert [click["kind"] for click in linked.clicks()] == ["share"]


def test_requests_that_come_at_once_are_answered_in_their_order(linked: Linked) -> None:
    order = (read_link(ANA, 1), read_link(ANA, 2), "/robots.txt", read_link(BEN, 1), "/l/short", read_link(BEN, 2))
    with over(linked) as port:
        answer = ask(port, *order)
    found = re.findall(rb"HTTP/1.1 (\d+)|\r\nlocation: https://example.com/blog/([a-z-]+)", answer)
    moved, cold_room, batteries = (b"302", b""), (b"", b"cold-room"), (b"", b"batteries")
    assert found == [moved, cold_room, moved, batteries, (b"200", b""), moved, cold_room, (b"404", b""), moved, batteries]
    assert [(click["n"], click["employee_id"]) for click in linked.clicks()] == [
        (1, linked.people["ana"]),
        (2, linked.people["ana"]),
        (1, linked.people["ben"]),
        (2, linked.people["ben"]),
    ]


def test_a_page_that_cannot_be_made_keeps_nobody_else_waiting(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Presses of one batch are answered one after the other: a bug in one answer is that one's alone."""

    def broken(*_: object, **__: object) -> Reply:
        raise RuntimeError("a bug")

    monkeypatch.setattr("digest.web.links.lead", broken)
    app, port = make_app(linked.engine, linked.settings(), lambda: linked.now), free_port()
    with served(app, port), ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(lambda path: parts(ask(port, path))[0], [share_link(ANA, 1, "2"), read_link(ANA, 1)] * 24))
    assert answers == [503, 302] * 24


def test_a_head_that_came_before_is_read_once_and_answered_the_same(linked: Linked) -> None:
    """A gateway sends the same octets with every link; another visitor's are read anew."""
    app = make_app(linked.engine, linked.settings(), lambda: linked.now)
    read, port = [], free_port()
    keep = app.heads.keep
    app.heads.keep = lambda *said, **more: read.append(said) or keep(*said, **more)  # type: ignore[method-assign, func-returns-value]  # told on the way
    with served(app, port):
        answers = [ask(port, path) for path in (read_link(ANA, 1), read_link(ANA, 2), read_link(BEN, 1), read_link(ANA, 1).upper(), "/r/short")]
        other = ask(port, read_link(ANA, 1), headers={"user-agent": "another browser"})
    assert [parts(answer)[0] for answer in (*answers, other)] == [302, 302, 302, 302, 404, 302]
    assert len({said[0] for said in read}) == 2, "two browsers"
    assert len(read) < len(answers), "most were not read again"
    assert [click["signals"]["ua"] for click in linked.clicks()] == [BROWSER] * 4 + ["another browser"]
    assert [click["signals"].get("mutated", False) for click in linked.clicks()] == [False, False, False, True, False]


@pytest.mark.parametrize("sizes", [(1,), (7, 30), (3, 200), (1000,)])
def test_a_known_head_that_comes_in_pieces_is_the_same_request(linked: Linked, sizes: tuple[int, ...]) -> None:
    """Its octets are never taken for a request of their own, wherever the network cuts them, and no answer is lost."""
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "letter.example.com", **PERSON}.items())
    wanted = [read_link(ANA, 1), read_link(ANA, 2), read_link(BEN, 1), read_link(BEN, 2)] * 3
    raw = "".join(f"GET {path} HTTP/1.1\r\n{head}\r\n" for path in wanted).encode()
    with over(linked) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(raw[: len(raw) // 12])
        found = connection.recv(65536)
        place, turn = len(raw) // 12, 0
        while place < len(raw):
            connection.sendall(raw[place : place + sizes[turn % len(sizes)]])
            place, turn = place + sizes[turn % len(sizes)], turn + 1
        while found.count(b"HTTP/1.1 302") < len(wanted):
            found += connection.recv(65536)
    assert len(linked.clicks()) == len(wanted)
    assert sorted(click["n"] for click in linked.clicks()) == [1] * 6 + [2] * 6


@pytest.mark.parametrize(
    "octets",
    [
        b"Host: a\r\n\r\nGET /r/x HTTP/1.1\r\nHost: b\r\n\r\n",
        b"Host: a\n\nGET /r/x HTTP/1.1\r\nHost: b\r\n\r\n",
        b"Host: a\r\n\r\n\r\n",
        b"Host: a\r\n",
        b"",
        b"X: " + b"x" * 5000 + b"\r\n\r\n",
    ],
)
def test_a_head_that_two_readers_might_end_at_different_places_is_not_kept(octets: bytes) -> None:
    heads = Heads()
    heads.keep(octets, Head("GET", ()), keep_alive=True)
    assert heads.get(octets) is None


def test_heads_of_a_thousand_browsers_are_kept_and_no_more() -> None:
    """I8: a million different ones cost no more memory than these."""
    heads = Heads()
    for n in range(1500):
        heads.keep(b"Host: %d\r\n\r\n" % n, Head("GET", ()), keep_alive=True)
    assert sum(heads.get(b"Host: %d\r\n\r\n" % n) is not None for n in range(1500)) == 1000
    assert heads.get(b"Host: 1499\r\n\r\n") is not None


def test_a_press_is_recorded_once_when_its_visitor_hangs_up(linked: Linked) -> None:
    with over(linked) as port:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(f"GET {read_link(ANA, 1)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert parts(ask(port, read_link(BEN, 1)))[0] == 302
    assert len(linked.clicks()) == 21


def test_a_guesser_is_refused_on_the_short_way_too(linked: Linked) -> None:
    """A3: over a real socket."""
    wrong = [f"/l/{n:012d}" for n in range(40)]
    with over(linked) as port:
        for path in wrong:
            assert parts(ask(port, path))[0] == 404
        assert parts(ask(port, read_link(ANA, 1)))[0] == 302


def test_a_press_that_waits_too_long_is_answered_from_memory_and_counted_once(
    linked: Linked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(misses, "_PATIENCE", 0.2)
    monkeypatch.setattr(misses, "_LOOK", 0.05)
    with over(linked, spool=tmp_path / "presses.spool") as port:
        assert parts(ask(port, read_link(ANA, 1)))[0] == 302
        with linked.engine.begin() as connection:  # nobody else can write now
            if linked.engine.dialect.name == "postgresql":
                connection.execute(text("LOCK TABLE click IN ACCESS EXCLUSIVE MODE"))
            assert parts(ask(port, read_link(ANA, 1)))[0] == 302
        until = time.monotonic() + 20
        while len(linked.clicks()) < 2 and time.monotonic() < until:
            time.sleep(0.05)
    replay(linked.engine, Spool(tmp_path / "presses.spool"))
    assert len(linked.clicks()) == 2
