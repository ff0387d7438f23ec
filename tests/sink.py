"""A real SMTP server for tests: takes mail over TCP, writes it durably, and fails as told.

As a thread: `with Sink(file) as sink`. As its own process: `python -m tests.sink FILE PORTFILE [JSON]`, whose JSON holds the
fields of `Sink` and a list of `Fault` fields. Each accepted message is one line of JSON in FILE before the 250 goes out.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_HEADER = re.compile(rb"^(To|Subject|Message-ID|X-Digest-ID|Date): *(.+?)\r$", re.MULTILINE | re.IGNORECASE)


@dataclass(kw_only=True)
class Fault:
    """One thing to do wrong.

    `at`: greeting ehlo auth mail rcpt data body dot. `do`: a reply such as "450 4.2.0 later"; or close, hang, garble, half,
    slow. At the dot, `keep` stores the message before failing. `to`: only this recipient. `after`: not before that many
    passes of the phase. `times`: how often; -1: always.
    """

    at: str
    do: str
    to: str = ""
    after: int = 0
    times: int = -1
    keep: bool = True


class _Close(Exception):  # noqa: N818 - ends a session, no error
    pass


@dataclass(kw_only=True)
class Sink:
    """The server. `delay`: seconds a message takes; `login`: "user:password" that AUTH must bring."""

    file: Path
    faults: list[Fault] = field(default_factory=list)
    port: int = 0
    delay: float = 0
    pipelining: bool = True
    size: int = 0
    utf8: bool = True
    login: str = ""
    login_ways: str = "PLAIN LOGIN"
    tls: ssl.SSLContext | None = None
    immediate_tls: bool = False
    helo_only: bool = False
    limit: int = 0  # connections at once; more get 421
    window: int = 0  # octets of receive buffer, so that a long body cannot be on its way before it is read; 0: the system's own
    close_after: int = 0  # messages a connection may bring; then it is closed without a word
    peak: int = 0
    seen: list[str] = field(default_factory=list)  # every command line

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._passes: dict[str, int] = {}
        self._open: set[socket.socket] = set()
        self._server = socket.create_server(("127.0.0.1", self.port), backlog=200)
        if self.window:
            self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.window)
        self.port = int(self._server.getsockname()[1])
        self._out = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.stopping = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self.run, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
                self.peak = max(self.peak, len(self._open))
                too_many = 0 < self.limit < len(self._open)
            threading.Thread(target=self._serve, args=(connection, too_many), daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Cut every connection."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def mails(self) -> list[dict[str, Any]]:
        """What was accepted, in order."""
        return read_mails(self.file)

    def fault(self, at: str, to: str = "") -> Fault | None:
        """The fault that is due now, counted."""
        with self._lock:
            passes = self._passes[at] = self._passes.get(at, 0) + 1
            for fault in self.faults:
                if fault.at == at and fault.times != 0 and passes > fault.after and fault.to in {"", to}:
                    fault.times -= 1
                    return fault
        return None

    def store(self, recipient: str, sender: str, body: bytes, began: float = 0) -> None:
        """Write a line into the mailbox; `began`: when its MAIL came."""
        found = {name.decode().lower(): value.decode("utf-8", "replace") for name, value in _HEADER.findall(body[:4000])}
        line = {"to": recipient, "from": sender, "bytes": len(body), "began": began, "at": time.time(), **{f"h:{k}": v for k, v in found.items()}}
        with self._lock:
            os.write(self._out, json.dumps(line).encode() + b"\n")

    def _serve(self, connection: socket.socket, too_many: bool) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                if too_many:
                    connection.sendall(b"421 4.7.0 too many connections\r\n")
                else:
                    _Session(self, connection).run()
            except (_Close, OSError):
                pass
            finally:
                with self._lock:
                    self._open.discard(connection)


class _Session:
    def __init__(self, sink: Sink, connection: socket.socket) -> None:
        self._sink = sink
        self._connection = connection
        self._buffer = bytearray()
        self._secure = False
        self._began = 0.0
        self._taken = 0
        self._reset()

    def _reset(self) -> None:
        self._sender, self._recipient = "", ""

    def _encrypt(self) -> None:
        assert self._sink.tls is not None
        self._connection = self._sink.tls.wrap_socket(self._connection, server_side=True)
        self._secure = True

    def run(self) -> None:
        try:
            if self._sink.immediate_tls:
                self._encrypt()
            self._talk()
        finally:
            self._connection.close()

    def _talk(self) -> None:
        self._answer("greeting", "220 sink ready")
        while True:
            line = self._line()
            self._sink.seen.append(line)
            verb = line.split(" ", 1)[0].split(":", 1)[0].upper()
            handler: Callable[[str], None] | None = getattr(self, f"_{verb.lower()}", None) if verb.isalpha() else None
            if handler is None:
                self._say("500 5.5.1 no such command")
            else:
                handler(line)

    def _line(self) -> str:
        while b"\n" not in self._buffer:
            self._fill()
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer = bytearray(rest)
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def _fill(self) -> None:
        data = self._connection.recv(65536)
        if not data:
            raise _Close
        self._buffer += data

    def _say(self, text: str) -> None:
        self._connection.sendall(text.encode() + b"\r\n")

    def _answer(self, at: str, text: str) -> bool:
        """Say `text`, or do the fault that is due; True when the phase was passed."""
        fault = self._sink.fault(at, self._recipient)
        if fault is None:
            self._say(text)
            return True
        self._misbehave(fault, text)
        return fault.do == "slow"

    def _misbehave(self, fault: Fault, text: str) -> None:
        if fault.do == "close":
            raise _Close
        if fault.do == "hang":
            self._sink.stopping.wait()
            raise _Close
        if fault.do == "half":
            self._connection.sendall(text[:2].encode())
            raise _Close
        if fault.do == "slow":
            for c in (*text, "\r", "\n"):
                self._connection.sendall(c.encode())
                time.sleep(0.005)
            return
        self._say("\x00\xff?what" if fault.do == "garble" else fault.do)
        if fault.do.startswith("421"):
            raise _Close

    def _helo(self, _line: str) -> None:
        self._answer("ehlo", "250 sink")

    def _ehlo(self, _line: str) -> None:
        if self._sink.helo_only:
            self._say("502 5.5.1 not here")
            return
        offers = ["8BITMIME", *(["PIPELINING"] if self._sink.pipelining else []), *(["SMTPUTF8"] if self._sink.utf8 else [])]
        offers += [f"SIZE {self._sink.size}"] if self._sink.size else []
        offers += ["STARTTLS"] if self._sink.tls and not self._secure else []
        offers += [f"AUTH {self._sink.login_ways}"] if self._sink.login and (self._secure or not self._sink.tls) else []
        lines = ["sink", *offers]
        self._answer("ehlo", "\r\n".join(f"250{'-' if n < len(lines) else ' '}{line}" for n, line in enumerate(lines, start=1)))

    def _starttls(self, _line: str) -> None:
        if self._answer("starttls", "220 go ahead"):
            self._encrypt()

    def _auth(self, line: str) -> None:
        words = line.split()
        if words[1].upper() == "PLAIN":
            given = base64.b64decode(words[2]).decode().replace("\0", ":")[1:]
        else:
            given = ":".join(self._challenge(prompt) for prompt in ("Username:", "Password:"))
        self._answer("auth", "235 2.7.0 welcome" if given == self._sink.login else "535 5.7.8 wrong name or password")

    def _challenge(self, prompt: str) -> str:
        self._say(f"334 {base64.b64encode(prompt.encode()).decode()}")
        return base64.b64decode(self._line()).decode()

    def _mail(self, line: str) -> None:
        self._began = time.time()
        if self._answer("mail", "250 2.1.0 ok"):
            self._sender = line[line.index("<") + 1 : line.index(">")]

    def _rcpt(self, line: str) -> None:
        if not self._sender:
            self._say("503 5.5.1 MAIL first")
            return
        self._recipient = line[line.index("<") + 1 : line.index(">")]
        if not self._answer("rcpt", "250 2.1.5 ok"):
            self._recipient = ""

    def _data(self, _line: str) -> None:
        if not self._recipient:
            self._say("503 5.5.1 RCPT first")
            return
        if not self._answer("data", "354 go ahead"):
            return
        fault = self._sink.fault("body", self._recipient)
        if fault is not None:
            while len(self._buffer) < 100:
                self._fill()
            self._misbehave(fault, "451 4.3.0 stop")
        body = self._read_body()
        if self._sink.delay:
            time.sleep(self._sink.delay)
        fault = self._sink.fault("dot", self._recipient)
        if fault is None or (fault.keep and not fault.do[:1].isdigit()):
            self._sink.store(self._recipient, self._sender, body, self._began)
        if fault is None:
            self._say("250 2.0.0 taken")
        else:
            self._misbehave(fault, "250 2.0.0 taken")
        self._reset()
        self._taken += 1
        if self._taken == self._sink.close_after:
            raise _Close

    def _read_body(self) -> bytes:
        looked = 0
        while (end := self._buffer.find(b"\r\n.\r\n", max(0, looked - 5))) < 0:
            looked = len(self._buffer)
            self._fill()
        body = bytes(self._buffer[: end + 2])
        del self._buffer[: end + 5]
        return body.replace(b"\r\n..", b"\r\n.")

    def _rset(self, _line: str) -> None:
        self._reset()
        self._say("250 2.0.0 ok")

    def _noop(self, _line: str) -> None:
        self._say("250 2.0.0 ok")

    def _quit(self, _line: str) -> None:
        self._say("221 2.0.0 bye")
        raise _Close


def read_mails(file: Path) -> list[dict[str, Any]]:
    """The lines of a sink's file; the last one only when it is whole."""
    return [json.loads(line) for line in file.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")] if file.exists() else []


def main() -> None:
    """Serve until killed."""
    options: dict[str, Any] = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    faults = [Fault(**fault) for fault in options.pop("faults", [])]
    sink = Sink(file=Path(sys.argv[1]), faults=faults, **options)
    partial = Path(sys.argv[2] + ".part")
    partial.write_text(str(sink.port))
    partial.rename(sys.argv[2])
    sink.run()


if __name__ == "__main__":
    main()
