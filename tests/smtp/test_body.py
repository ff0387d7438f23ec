"""A long body on its way: how long a relay may take, and that it is heard while it does not read."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from digest.domain.phase import Kind, Outcome, Phase
from digest.smtp.connection import Connection
from digest.smtp.relay import Relay, Timeouts
from tests.certificates import certificate, server_side

LONG = b"Subject: Hello\r\n\r\n" + (b"x" * 70 + b"\r\n") * 120_000  # 8.6 MB, more than any buffer on the way
Talk = Callable[[socket.socket], None]
Serve = Callable[[Talk], tuple[int, list[bytes]]]


@pytest.fixture(params=["plain", "tls"])
def trust(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return certificate(tmp_path) if request.param == "tls" else None


@pytest.fixture
def serve(trust: Path | None) -> Iterator[Serve]:
    """A server with a short window that answers commands, and leaves what follows DATA to `talk`; its port, and what it read then."""
    with ExitStack() as stack:

        def start(talk: Talk) -> tuple[int, list[bytes]]:
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            read: list[bytes] = []

            def run() -> None:
                peer, _ = server.accept()
                peer = server_side(trust).wrap_socket(peer, server_side=True) if trust else peer
                with peer:
                    _answer(peer)
                    talk(peer)
                    peer.settimeout(1)
                    while data := peer.recv(65536):
                        read.append(data)

            thread = threading.Thread(target=_quietly(run), daemon=True)
            stack.callback(thread.join, 5)
            thread.start()
            return int(server.getsockname()[1]), read

        yield start


def _quietly(run: Callable[[], None]) -> Callable[[], None]:
    def quiet() -> None:
        with suppress(OSError):
            run()

    return quiet


def _answer(peer: socket.socket) -> None:
    peer.sendall(b"220 hello\r\n")
    while line := peer.recv(4096):
        peer.sendall(b"354 go\r\n" if line.startswith(b"DATA") else b"250 ok\r\n")
        if line.startswith(b"DATA"):
            return


def offer(port: int, trust: Path | None, block: float) -> tuple[Outcome, float]:
    """The outcome of a long message, and how many seconds it took."""
    context = ssl.create_default_context(cafile=str(trust)) if trust else None
    relay = Relay(host="127.0.0.1", port=port, security="tls" if trust else "none", tls=context, timeouts=Timeouts(block=block, dot=10, command=1))
    connection = Connection(relay)
    assert connection.open().accepted
    began = time.monotonic()
    outcome = connection.send("digest@example.com", "ana@example.org", LONG)
    took = time.monotonic() - began
    connection.drop()
    return outcome, took


def test_a_relay_that_keeps_reading_may_take_longer_than_one_block_may(serve: Serve, trust: Path | None) -> None:
    def read_slowly(peer: socket.socket) -> None:
        end = b""
        while not end.endswith(b"\r\n.\r\n"):
            data = peer.recv(50_000)
            time.sleep(len(data) / 2_500_000)
            end = (end + data)[-5:]
        peer.sendall(b"250 2.0.0 taken\r\n")

    port, _ = serve(read_slowly)
    outcome, took = offer(port, trust, block=1.2)
    assert (outcome.phase, outcome.kind) == (Phase.DOT, Kind.ACCEPTED)
    assert took > 2.4


def test_a_relay_that_stops_reading_is_left_after_one_block(serve: Serve, trust: Path | None) -> None:
    port, _ = serve(lambda _peer: time.sleep(2))
    outcome, took = offer(port, trust, block=0.4)
    assert (outcome.phase, outcome.kind, outcome.text) == (Phase.BODY, Kind.BROKEN, "no reply in time")
    assert took < 1.5


@pytest.mark.parametrize("leaves", [False, True])
@pytest.mark.parametrize(("words", "kind"), [("552 5.3.4 too big", Kind.PERMANENT), ("421 4.3.2 going down", Kind.TEMPORARY)])
def test_what_a_relay_says_while_it_does_not_read_is_heard_at_once(serve: Serve, trust: Path | None, words: str, kind: Kind, leaves: bool) -> None:
    def speak(peer: socket.socket) -> None:
        time.sleep(0.2)
        peer.sendall(words.encode() + b"\r\n")
        if leaves:
            peer.close()
            raise OSError
        time.sleep(0.5)

    port, read = serve(speak)
    outcome, took = offer(port, trust, block=30)
    assert (outcome.phase, outcome.kind, outcome.text) == (Phase.BODY, kind, words)
    assert took < 5
    assert b"\r\n.\r\n" not in b"".join(read)


def test_a_relay_that_agrees_before_the_dot_has_taken_nothing(serve: Serve, trust: Path | None) -> None:
    def agree(peer: socket.socket) -> None:
        peer.sendall(b"250 2.0.0 taken\r\n")
        time.sleep(0.5)

    port, read = serve(agree)
    outcome, _ = offer(port, trust, block=30)
    assert (outcome.phase, outcome.kind) == (Phase.BODY, Kind.UNREADABLE)
    assert b"\r\n.\r\n" not in b"".join(read)
