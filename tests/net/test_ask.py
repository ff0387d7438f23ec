"""One HTTP request, and the reason why there is no answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from digest.net.ask import ask
from tests.certificates import certificate, server_side
from tests.nameserver import free_port


class Handler(BaseHTTPRequestHandler):
    """Redirects a GET, and says what it got by POST."""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.path} {self.headers['content-type']} ".encode() + body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(both: Path | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if both is not None:
        server.socket = server_side(both).wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield int(server.server_address[1])
    server.shutdown()
    server.server_close()


@contextmanager
def saying(words: bytes) -> Iterator[int]:
    """A server that says `words` to whoever connects, and leaves."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            peer, _ = server.accept()
            with peer, contextlib.suppress(OSError):  # who asked may leave early
                peer.recv(1000)
                peer.sendall(words)

        threading.Thread(target=speak, daemon=True).start()
        yield int(server.getsockname()[1])


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with serving() as port:
        found = ask("GET", f"http://127.0.0.1:{port}/letter/healthz?x=1")
    assert (found.status, found.headers["location"], found.problem) == (302, "/elsewhere", "")


def test_a_form_is_sent_as_mail_programs_send_it() -> None:
    with serving() as port:
        found = ask("POST", f"http://127.0.0.1:{port}/u/x", form="List-Unsubscribe=One-Click")
    assert found.body == "/u/x application/x-www-form-urlencoded List-Unsubscribe=One-Click"


def test_a_certificate_that_nobody_vouches_for_is_named(tmp_path: Path) -> None:
    with serving(certificate(tmp_path)) as port:
        assert ask("GET", f"https://127.0.0.1:{port}/").problem.startswith("its certificate is not valid: self")


def test_nobody_listens() -> None:
    assert ask("GET", f"http://127.0.0.1:{free_port()}/").problem == "nobody listens there"


@pytest.mark.parametrize(
    "words", [b"", b"220 relay ESMTP\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00\xff" * 1000], ids=["silence", "smtp", "no number", "noise"]
)
def test_what_is_no_answer_is_a_problem_and_no_crash(words: bytes) -> None:
    with saying(words) as port:
        found = ask("GET", f"http://127.0.0.1:{port}/", patience=1)
    assert (found.status, bool(found.problem)) == (0, True)


def test_an_endless_page_is_not_read_to_its_end() -> None:
    with saying(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 500_000) as port:
        assert len(ask("GET", f"http://127.0.0.1:{port}/").body) == 65536
