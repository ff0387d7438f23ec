"""What strange clients send to the real server process: pipelines, half requests, slow ones, and what its log says of them."""

from __future__ import annotations

import json
import re
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from digest.cli.logs import discreet
from digest.db.session import open_database
from digest.web import bounded
from tests.faults import pressing
from tests.linked import ANA, BEN, BROWSER_TOKEN, Linked, a_token, read_link, share_link

HOST = "host: letter.example.com\r\n"
ARTICLE = "https://example.com/blog/cold-room?a=1&a=2#door"


class Server:
    """The running process."""

    def __init__(self, home: Path, port: int, engine: Engine, linked: Linked) -> None:
        self.home = home
        self.port = port
        self.engine = engine
        self.linked = linked

    def clicks(self) -> int:
        """How many there are, those included that are on their way into the database."""
        self.linked.settled(self.home)
        return len(self.linked.clicks())

    def open(self) -> socket.socket:
        """A new connection."""
        made = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        made.settimeout(20)
        return made

    def says(self, *requests: str, half: bool = True) -> str:
        """Everything that comes back until the server hangs up or has been silent for a second."""
        with self.open() as connection:
            connection.sendall("".join(requests).encode("latin-1"))
            if half:
                connection.settimeout(1)
            found = b""
            try:
                while part := connection.recv(65536):
                    found += part
            except (TimeoutError, ConnectionResetError):
                pass
        return found.decode("latin-1")

    def log(self) -> str:
        """What the process has said so far."""
        return (self.home / "serve.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("wire")
    (home / "digest.db").write_bytes(sqlite_template.read_bytes())
    engine = open_database(f"sqlite:///{home}/digest.db")
    linked, port = Linked(engine), pressing.port()
    pressing.configure(home, f"sqlite:///{home}/digest.db", port)
    with pressing.serving(home, port, words=["--log", "json"]):
        yield Server(home, port, engine, linked)
    engine.dispose()


def get(path: str, *headers: str, version: str = "1.1", host: str = HOST) -> str:
    return f"GET {path} HTTP/{version}\r\n{host}{''.join(f'{header}{chr(13)}{chr(10)}' for header in headers)}\r\n"


def statuses(said: str) -> list[int]:
    """The status of every answer in the stream."""
    return [int(status) for status in re.findall(r"HTTP/1\.[01] (\d{3}) ", said)]


def test_http_1_0_without_a_host_is_answered_from_the_configuration(server: Server) -> None:
    """F4, F3: old clients get their redirect, and no address is made from what they say."""
    said = server.says(get(read_link(ANA, 1), version="1.0", host=""))
    assert statuses(said) == [302]
    assert f"location: {ARTICLE}" in said


def test_pipelined_requests_are_answered_in_their_order(server: Server) -> None:
    """F4: three at once, each answer belongs to its request."""
    said = server.says(get(read_link(ANA, 1)), get("/r/short/01"), get(read_link(ANA, 2)))
    assert statuses(said) == [302, 404, 302]
    assert said.index("cold-room") < said.index("HTTP/1.1 404") < said.index("/blog/batteries")


SMUGGLED = get("/r/smuggled/01")


@pytest.mark.parametrize(
    "head",
    [
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: +5\r\n",
        "content-length: 5, 6\r\n",
        "content-length: -1\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_two_readers_would_end_at_different_places_is_refused(server: Server, method: str, head: str) -> None:
    """F4: no desync: what follows is never taken for a request of its own, and the connection ends."""
    before = server.clicks()
    path = read_link(ANA, 1) if method == "GET" else server.linked.leave_link()
    said = server.says(f"{method} {path} HTTP/1.1\r\n{HOST}{head}\r\n0\r\n\r\n{SMUGGLED}")
    assert statuses(said) in ([400], []), said
    assert server.clicks() == before


def test_a_get_with_a_body_is_refused_and_its_body_is_no_request(server: Server) -> None:
    """F4: chunked or counted, a GET of ours has no body."""
    before = server.clicks()
    hidden = get(read_link(ANA, 2))
    for head, body in (
        ("transfer-encoding: chunked\r\n", f"{len(hidden):x}\r\n{hidden}\r\n0\r\n\r\n"),
        (f"content-length: {len(hidden)}\r\n", hidden),
    ):
        said = server.says(f"GET {read_link(ANA, 1)} HTTP/1.1\r\n{HOST}{head}\r\n{body}")
        assert statuses(said) == [400]
    assert server.clicks() == before


@pytest.mark.parametrize("host", ["", "host: a.example\r\nhost: b.example\r\n"])
def test_http_1_1_names_its_host_once(server: Server, host: str) -> None:
    """F4: RFC 9112, 3.2: none, or two, is a bad request."""
    assert statuses(server.says(get(read_link(ANA, 1), host=host))) == [400]


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "TRACE", "PATCH", "PROPFIND"])
def test_other_methods_are_refused_by_the_process_too(server: Server, method: str) -> None:
    """F6: 405 with what is allowed, and no click."""
    before = server.clicks()
    said = server.says(f"{method} {read_link(ANA, 1)} HTTP/1.1\r\n{HOST}\r\n")
    assert statuses(said) == [405]
    assert "allow: GET, HEAD" in said
    assert server.clicks() == before


@pytest.mark.parametrize(
    "junk", ["CONNECT example.com:443 HTTP/1.1\r\n" + HOST + "\r\n", "NONSENSE / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02", "GET\r\n\r\n"]
)
def test_what_is_no_request_of_ours_ends_the_connection(server: Server, junk: str) -> None:
    """F4, F6: a tunnel, a TLS hello, nonsense."""
    assert statuses(server.says(junk)) in ([400], [404], [405], [])


def slow_clients() -> int:
    """A thousand, or as many as this process may have sockets for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(1000, soft - 200)


def test_a_thousand_slow_clients_keep_nobody_out(server: Server) -> None:
    """F7: one octet a second each, and a link is still answered at once (fewer where the limit of open files demands it)."""
    count = slow_clients()
    assert count >= 200, "raise the limit of open files: ulimit -n 2048"
    clients = [server.open() for _ in range(count)]
    request = get(read_link(BEN, 1)).encode()
    try:
        waits = []
        for turn in range(4):
            for client in clients:
                client.send(request[turn : turn + 1])
            began = time.monotonic()
            assert statuses(server.says(get(read_link(ANA, 1), "connection: close"), half=False)) == [302]
            waits.append(time.monotonic() - began)
            time.sleep(max(0.0, 1 - waits[-1]))
        assert sorted(waits)[1] < 0.5, waits
    finally:
        for client in clients:
            client.close()


def test_who_never_finishes_a_request_is_hung_up_on(server: Server) -> None:
    """F7: after half a minute, whether it sent nothing, half a head or half a form."""
    assert bounded.PATIENCE == 30
    half = [b"", b"GET /r/x HTTP/1.1\r\nhost:", b"POST /u/x HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\naction"]
    clients = [server.open() for _ in half]
    for client, begun in zip(clients, half, strict=True):
        client.settimeout(bounded.PATIENCE + 15)
        client.sendall(begun)
    began = time.monotonic()
    for client in clients:
        try:
            said = client.recv(65536)
            assert said == b"" or said.startswith(b"HTTP/1.1 "), said
        except ConnectionResetError:
            pass
        client.close()
    assert time.monotonic() - began < bounded.PATIENCE + 5


def test_a_whole_run_leaves_no_token_address_query_or_referrer_in_the_log(server: Server) -> None:
    """A15: good requests, bad ones, and errors of ours; every line is one JSON object."""
    secrets = (ANA, BEN, BROWSER_TOKEN, "203.0.113.99", "ana@example.com", "evil.example", "secretquery", server.linked.leave_link()[3:])
    paths = [read_link(ANA, 1), share_link(BEN, 1, "1"), share_link(ANA, 1), f"/w/{BROWSER_TOKEN}", server.linked.leave_link(), f"/r/{a_token(9)}/01"]
    extra = ("referer: https://evil.example/?q=ana@example.com", "x-forwarded-for: 203.0.113.99", "connection: close")
    for path in paths:
        server.says(get(f"{path}?secretquery={ANA}", *extra), half=False)
    with server.engine.begin() as connection:
        for table in ("click", "token", "key", "edition_post"):
            connection.execute(text(f"ALTER TABLE {table} RENAME TO {table}_gone"))
    try:
        for path in (*paths, read_link(BEN, 2), f"/{ANA}", "/me/" + ANA):
            server.says(get(f"{path}?secretquery={ANA}", *extra), half=False)
        server.says(f"GET {read_link(ANA, 1)} HTTP/1.1\r\nhost\r\n\r\n")
    finally:
        with server.engine.begin() as connection:
            for table in ("click", "token", "key", "edition_post"):
                connection.execute(text(f"ALTER TABLE {table}_gone RENAME TO {table}"))
    log = server.log()
    assert [secret for secret in secrets if secret.lower() in log.lower()] == []
    lines = [line for line in log.splitlines() if not line.startswith("Serving ")]
    assert len(lines) >= 2
    assert all({"at", "level", "logger", "message"} <= set(json.loads(line)) for line in lines)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"GET /r/{ANA}/01 failed", "GET /r/... failed"),
        (f"https://letter.example.com/L/k7q2m9x4c8v3?utm=1 {ANA.upper()}", "https://letter.example.com/L/... ..."),
        ("550 5.1.1 <Ana.Lima@example.org>: unknown", "550 5.1.1 <...@...>: unknown"),
        ("from 192.0.2.7:5000 and [2001:db8::7], ::1", "from ...:5000 and [...], ..."),
        ("/x?url=https://evil.example&a=b", "/x?..."),
        ("2026-W48 at 09:00:00, found 1a2b3c4d5e6f", "2026-W48 at 09:00:00, found 1a2b3c4d5e6f"),
        ('File "/usr/lib/python3/a/b.py", line 5', 'File "/usr/lib/python3/a/b.py", line 5'),
    ],
)
def test_what_a_log_may_not_say_is_taken_out_and_the_rest_stays(said: str, kept: str) -> None:
    """A15: the place where it stood can still be seen."""
    assert discreet(said) == kept
