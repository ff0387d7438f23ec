"""Raw bytes into the real server: it answers in HTTP or hangs up, goes on serving, and its log holds no trace of a fault."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.db.session import open_database
from digest.demo.mailbox import free_port
from tests.linked import ANA, BEN, BROWSER_TOKEN, GROUP, POSTS, Linked, read_link, share_link

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = int(os.environ.get("DIGEST_FUZZ", "0")) // 10
FUZZ = settings(
    max_examples=EXAMPLES or 150,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CHATTER = re.compile(
    r"^Serving http|Invalid HTTP request received|Unsupported upgrade request|No supported WebSocket library|python -m pip install|pip install"
)
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@dataclass(frozen=True, kw_only=True)
class Server:
    """The server as an operator starts it, over a small edition."""

    port: int
    linked: Linked
    process: subprocess.Popen[bytes]
    log: Path

    def ask(self, raw: bytes, patience: float = 0.2) -> bytes:
        """What comes back for `raw`: until the server hangs up, or has said nothing for a while (it may wait for more)."""
        found = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as wire:
            try:
                wire.sendall(raw)
                wire.settimeout(patience)
                while part := wire.recv(65536):
                    found += part
                    wire.settimeout(min(patience, 0.05))
            except (ConnectionResetError, BrokenPipeError, TimeoutError):  # it hung up on what it would not read, or waits
                pass
        return found

    def get(self, path: str, *more: str) -> bytes:
        """The answer to a plain request."""
        lines = [f"GET {path} HTTP/1.1", "host: x", "connection: close", "user-agent: Mozilla/5.0", *more, "", ""]
        return self.ask("\r\n".join(lines).encode("latin-1"), patience=10)


@pytest.fixture
def server(sqlite_url: str, tmp_path: Path) -> Iterator[Server]:
    engine = open_database(sqlite_url)
    linked = Linked(engine)
    linked.change("edition", {}, hash="h")
    port = free_port()
    text = f'[site]\nurl = "http://127.0.0.1:{port}"\n[web]\nlisten = "127.0.0.1:{port}"\n[database]\nurl = "{sqlite_url}"\n'
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "digest", "--config", str(tmp_path / "config.toml"), "serve", "--only", "web"]
    log = tmp_path / "log"  # a file, not a pipe that somebody must empty
    with log.open("wb") as out:
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=out, stderr=subprocess.STDOUT)
    found = Server(port=port, linked=linked, process=process, log=log)
    try:
        _wait(found)
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        engine.dispose()


def _wait(server: Server) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if b"200" in server.get("/healthz")[:15]:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not start")


def _plain(method: str, path: str, *more: bytes, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode(), b"host: letter.example.com", b"user-agent: Mozilla/5.0", *more]
    return b"\r\n".join([*lines, b"", body])


FORM = (b"sec-fetch-site: same-origin", b"content-type: application/x-www-form-urlencoded")
SEEDS = (
    _plain("GET", read_link(ANA, 1)),
    _plain("GET", share_link(ANA, 1, "2")),
    _plain("HEAD", share_link(BEN, 1)),
    _plain("GET", f"/w/{BROWSER_TOKEN}"),
    _plain("POST", share_link(ANA, 1), b"content-length: 17", b"content-type: application/x-www-form-urlencoded", body=b"network=2&words=x"),
    _plain("POST", share_link(ANA, 1), *FORM, b"content-length: 17", body=b"network=2&words=x"),
    _plain("POST", share_link(ANA, 1), *FORM, b"content-length: 17", b"expect: 100-continue", body=b"network"),
    _plain("POST", share_link(ANA, 1), *FORM, b"transfer-encoding: chunked", body=b"5\r\nwords\r\n0\r\n\r\n"),
    _plain("GET", "//evil.example/..%2f"),
    _plain("GET", "http://evil.example/l/k7q2m9x4c8v3"),
    _plain("GET", "/healthz", b"upgrade: websocket", b"connection: upgrade", b"sec-websocket-key: x", b"sec-websocket-version: 13"),
    b"GET /healthz HTTP/1.0\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)
BITS = (
    b"\r\n",
    b"\n",
    b"\0",
    b"%0d%0a",
    b"%",
    b"/..",
    b" ",
    b":",
    b"\xff",
    b"content-length: -1\r\n",
    b"expect: 100-continue\r\n",
    b"x" * 9000,
    b"a: b\r\n" * 200,
)


@st.composite
def bytes_on_the_wire(draw: st.DrawFn) -> bytes:
    """A request with a few octets put in, left out or exchanged."""
    raw = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 3))):
        at, span = draw(st.integers(0, len(raw))), draw(st.sampled_from((0, 0, 1, 5)))
        raw = raw[:at] + draw(st.one_of(st.sampled_from(BITS), st.binary(max_size=4))) + raw[at + span :]
    return raw


def test_no_bytes_break_the_server(server: Server) -> None:
    places = {post.url.encode() for post in POSTS if post.url}
    secrets = [text.encode() for text in (ANA, BEN, GROUP, BROWSER_TOKEN, "ana@example.com", "ben@example.com")]

    @FUZZ
    @given(bytes_on_the_wire())
    def run(raw: bytes) -> None:
        said = server.ask(raw)
        assert not said or said.startswith(b"HTTP/1.1 ")
        assert all(int(status) < 500 for status in _STATUS.findall(said)), said[:200]
        assert b"set-cookie" not in said.lower()
        for place in re.findall(rb"(?im)^location: (.*)\r$", said):
            assert place in places or place.startswith(b"https://x.com/intent/"), place
        for secret in secrets:
            assert secret not in said or secret in raw

    run()
    assert b" 200 " in server.get("/healthz")[:15]
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=60) == 0
    assert [line for line in server.log.read_text(encoding="utf-8").splitlines() if line.strip() and not CHATTER.search(line)] == []


CLIMBING = ("http://evil.example/", "//evil.com/..%2f", "/s/..;/admin", "/%2e%2e", "/../../etc/passwd", "/%2e%2e%2fr", "*", "/\xe4", "/%ff%00")


def test_paths_that_climb_or_name_another_host_are_no_place_on_the_real_server(server: Server) -> None:
    """B11: absolute form, two slashes, dots and escapes, as bytes."""
    for path in CLIMBING:
        said = server.get(path)
        assert said.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 ")), (path, said[:200])
        assert b"location" not in said.lower().partition(b"\r\n\r\n")[0]
        assert b"evil" not in said


def test_a_head_that_never_ends_is_hung_up_on_and_costs_no_memory(server: Server) -> None:
    """Found by hand: the parser would keep a header of any length."""
    before = _memory(server.process.pid)
    for start in (b"GET /healthz HTTP/1.1\r\nx: ", b"GET /r/", b"POST /u/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: "):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
            wire.sendall(start)
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                wire.sendall(b"x" * 2**27)
    assert _memory(server.process.pid) - before < 64 * 1024
    assert b" 200 " in server.get("/healthz")[:15]


def test_a_long_head_that_does_end_is_answered(server: Server) -> None:
    said = server.get(read_link(ANA, 1), "referer: https://example.com/" + "x" * 65536, *[f"x-{n}: y" for n in range(1000)])
    assert said.startswith(b"HTTP/1.1 302 ")


def _memory(process: int) -> int:
    """Kilobytes that the process and its children hold."""
    pids = [str(process), *subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True, check=False).stdout.split()]
    found = subprocess.run(["ps", "-o", "rss=", "-p", ",".join(pids)], capture_output=True, text=True, check=True).stdout.split()
    return sum(map(int, found))
