"""One SMTP byte stream: sends commands, reads replies, and knows the difference between silence and nonsense."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from dataclasses import dataclass

from digest.domain.phase import TEXT_LIMIT, Kind, enhanced_code

_LONGEST_LINE = 8192  # RFC 5321 allows 512; servers that exceed it exist, endless ones are no servers
_MOST_LINES = 200
_LOWEST, _HIGHEST = 200, 599


class CutError(Exception):
    """The stream is of no use any more: broken, or not SMTP. Never leaves this room."""

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A server's reply: its code and the lines behind it."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All lines as one, cropped."""
        return f"{self.code} {' '.join(self.lines)}"[:TEXT_LIMIT]

    @property
    def enhanced(self) -> str:
        """The enhanced status code, or ""."""
        return enhanced_code(self.lines[0])

    @property
    def kind(self) -> Kind:
        """Accepted, temporary or permanent; 1yz and 3yz where 2yz was due are no answer."""
        return {2: Kind.ACCEPTED, 4: Kind.TEMPORARY, 5: Kind.PERMANENT}.get(self.code // 100, Kind.UNREADABLE)


class Stream:
    """A connected socket with a read buffer."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = bytearray()
        self._look = select.poll()
        self._look.register(sock, select.POLLIN)

    @property
    def own_address(self) -> tuple[str, bool]:
        """Our end of the connection, and whether it is IPv6."""
        return str(self._sock.getsockname()[0]), self._sock.family == socket.AF_INET6

    def encrypt(self, context: ssl.SSLContext, host: str, patience: float) -> None:
        """Turn TLS on. Anything the server said before it is refused (command injection, RFC 3207 6). Raises CutError."""
        if self._buffer:
            raise CutError(Kind.UNREADABLE, "the server spoke between STARTTLS and encryption")
        self._sock.settimeout(patience)
        try:
            self._sock = context.wrap_socket(self._sock, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            raise CutError(Kind.BROKEN, f"the certificate is not valid for {host}: {error.verify_message}") from error
        except (OSError, ValueError) as error:
            raise CutError(Kind.BROKEN, f"no TLS: {_words(error)}") from error

    def send(self, data: bytes, patience: float) -> None:
        """Write all of `data`. Raises CutError."""
        try:
            self._sock.settimeout(patience)
            self._sock.sendall(data)
        except OSError as error:
            raise CutError(Kind.BROKEN, _words(error)) from error

    def send_some(self, data: bytes, patience: float) -> int:
        """Write `data` or its start; after a CutError not one octet of it can have arrived."""
        try:
            self._sock.settimeout(patience)
            return self._sock.send(data)
        except OSError as error:
            raise CutError(Kind.BROKEN, _words(error)) from error

    def command(self, line: str, patience: float) -> Reply:
        """One command and its reply. Raises CutError."""
        self.send(line.encode() + b"\r\n", patience)
        return self.reply(patience)

    def reply(self, patience: float) -> Reply:
        """The next reply, whole, within `patience` seconds. Raises CutError."""
        deadline = time.monotonic() + patience
        lines: list[str] = []
        code = b""
        while len(lines) < _MOST_LINES:
            line = self._line(deadline)
            if not line[:3].isdigit() or line[3:4] not in {b"", b" ", b"-"} or (lines and line[:3] != code):
                raise CutError(Kind.UNREADABLE, f"no SMTP reply: {line[:80]!r}")
            code = line[:3]
            lines.append(line[4:].decode("utf-8", "replace"))
            if line[3:4] != b"-":
                if not _LOWEST <= int(code) <= _HIGHEST:
                    break
                return Reply(code=int(code), lines=tuple(lines))
        raise CutError(Kind.UNREADABLE, f"no SMTP reply: {code!r} {lines[-1][:80]!r}")

    def _line(self, deadline: float) -> bytes:
        while True:
            end = self._buffer.find(b"\n")
            if end >= 0:
                line = bytes(self._buffer[:end]).rstrip(b"\r")
                del self._buffer[: end + 1]
                return line
            if len(self._buffer) > _LONGEST_LINE:
                raise CutError(Kind.UNREADABLE, "a reply without an end")
            self._fill(deadline - time.monotonic())

    def _fill(self, patience: float) -> None:
        if patience <= 0:
            raise CutError(Kind.BROKEN, "no reply in time")
        try:
            self._sock.settimeout(patience)
            data = self._sock.recv(4096)
        except TimeoutError as error:
            raise CutError(Kind.BROKEN, "no reply in time") from error
        except OSError as error:
            raise CutError(Kind.BROKEN, _words(error)) from error
        if not data:
            half = f" after {bytes(self._buffer[:80])!r}" if self._buffer else ""
            raise CutError(Kind.BROKEN, f"the server closed the connection{half}")
        self._buffer += data

    def spoke_early(self) -> bool:
        """True when the server said something, or left, while it was our turn."""
        if self._buffer:
            return True
        if not self._look.poll(0):
            return False
        try:
            self._sock.settimeout(0)
            data = self._sock.recv(4096)
        except (BlockingIOError, ssl.SSLWantReadError):  # TLS housekeeping, not a word
            return False
        except OSError:
            return True
        self._buffer += data
        return True

    def abort(self) -> None:
        """Break the stream from another thread: whoever waits on it wakes up."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # past SSLSocket's own, which is not safe across threads

    def close(self) -> None:
        """Close without a word."""
        with contextlib.suppress(OSError):
            self._sock.close()


def connect(host: str, port: int, patience: float) -> Stream:
    """A stream to `host`. Raises CutError."""
    try:
        sock = socket.create_connection((host, port), timeout=patience)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise CutError(Kind.BROKEN, _words(error)) from error
    return Stream(sock)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, socket.gaierror):
        return f"no such host ({error.strerror})"
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__
