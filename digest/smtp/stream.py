"""One SMTP byte stream: sends commands, reads replies, and knows the difference between silence and nonsense.

Its socket never blocks. What may have to wait is a generator that yields what it waits for, so that one thread can drive many
connections; `drive` waits in place, for those who have only one.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from digest.domain.phase import TEXT_LIMIT, Kind, enhanced_code
from digest.smtp.told import in_words, quoted, shown

_LONGEST_LINE = 8192  # RFC 5321 allows 512; servers that exceed it exist, endless ones are no servers
_MOST_LINES = 200
_BLOCK = 65536  # octets written at once; TLS does not tell how much of a longer piece has left
_AT_ONCE = 262_144  # octets of a message that is written in one go
_LOWEST, _HIGHEST = 200, 599
_KINDS = {2: Kind.ACCEPTED, 4: Kind.TEMPORARY, 5: Kind.PERMANENT}
_WAITS = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Need(NamedTuple):
    """What a stream waits for: to read or to `write`, no longer than `until` (monotonic seconds)."""

    write: bool
    until: float
    hear: bool = False  # also to read while it waits to write: the server may speak before it is its turn


T = TypeVar("T")
Steps = Generator[Need, None, T]  # yields what it waits for, and returns a T


class CutError(Exception):
    """The stream is of no use any more: broken, or not SMTP. Never leaves this room."""

    def __init__(self, kind: Kind, text: str) -> None:
        self.kind = kind
        self.text = shown(text)
        super().__init__(self.text)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A server's reply: its code and the lines behind it, which hold no control characters."""

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
        return _KINDS.get(self.code // 100, Kind.UNREADABLE)


@lru_cache(maxsize=1024)
def _one_line(line: bytes) -> Reply | None:
    """The reply that a line is by itself, for servers say the same few a thousand times; None when it needs a closer look."""
    if line[:3].isdigit() and line[3:4] == b" " and _LOWEST <= int(line[:3]) <= _HIGHEST:
        return Reply(code=int(line[:3]), lines=(shown(line[4:].decode("utf-8", "replace")),))
    return None


class Stream:
    """A connected socket with a read buffer."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(0)
        self._sock = sock
        self._buffer = bytearray()

    @property
    def own_address(self) -> tuple[str, bool]:
        """Our end of the connection, and whether it is IPv6."""
        return str(self._sock.getsockname()[0]), self._sock.family == socket.AF_INET6

    @property
    def peer(self) -> dict[str, Any] | None:
        """The server's certificate as `ssl` gives it, or None without TLS."""
        return self._sock.getpeercert() if isinstance(self._sock, ssl.SSLSocket) else None

    def fileno(self) -> int:
        """The socket's number, for whoever waits on many; -1 after it was closed."""
        return self._sock.fileno()

    def encrypt(self, context: ssl.SSLContext, host: str, patience: float) -> Steps[None]:
        """Turn TLS on. Anything the server said before it is refused (command injection, RFC 3207 6). Raises CutError."""
        if self._buffer:
            raise CutError(Kind.UNREADABLE, "the server spoke between STARTTLS and encryption")
        until = time.monotonic() + patience
        try:
            sock = self._sock = context.wrap_socket(self._sock, server_hostname=host, do_handshake_on_connect=False)
            while True:
                try:
                    return sock.do_handshake()
                except _WAITS as wait:
                    need = _need(wait, write=False, until=until)
                yield need
        except ssl.SSLCertVerificationError as error:
            raise CutError(Kind.BROKEN, f"the certificate is not valid for {host}: {error.verify_message}") from error
        except (OSError, ValueError) as error:
            raise CutError(Kind.BROKEN, f"no TLS: {in_words(error)}") from error

    def send(self, data: bytes, patience: float, *, hear: bool = False) -> Steps[bool]:
        """Write `data`, each block of it within `patience` seconds (RFC 5321, 4.5.3.2.5). Raises CutError.

        With `hear`, it stops when the server speaks or leaves before everything is written: False then.
        """
        until = time.monotonic() + patience
        rest = memoryview(data)
        while rest:
            try:
                sent = self._sock.send(rest[:_BLOCK])
            except _WAITS as wait:
                if hear and self.spoke_early():
                    return False
                need = _need(wait, write=True, until=until, hear=hear)
            except OSError as error:
                if hear and self.spoke_early():  # its last words may say why it left
                    return False
                raise CutError(Kind.BROKEN, in_words(error)) from error
            else:
                until = time.monotonic() + patience
                rest = rest[sent:]
                continue
            yield need
        return True

    def send_at_once(self, body: bytes, dot: bytes, leaving: Callable[[], None]) -> int:
        """Write as much of `body` and `dot` as the socket takes in one go; how many octets that was. Raises CutError.

        The count tells whether the dot is among them: then `leaving` was called. Nothing is written with TLS, which gives no such
        count, nor of a long message, which a server may interrupt.
        """
        if len(body) > _AT_ONCE or isinstance(self._sock, ssl.SSLSocket) or self.spoke_early():
            return 0
        try:
            taken = self._sock.sendmsg((body, dot))
        except _WAITS:
            return 0
        except OSError as error:
            raise CutError(Kind.BROKEN, in_words(error)) from error
        if taken > len(body):
            leaving()
        return taken

    def send_dot(self, dot: bytes, patience: float, leaving: Callable[[], None]) -> Steps[bool]:
        """Write the end of a message. `leaving` is called as soon as an octet of it may have left. Raises CutError.

        A plain socket that would block has taken nothing, so what the server says by then comes first: False, and nothing
        was written. TLS may have sent a part of its record by then.
        """
        until = time.monotonic() + patience
        whole = len(dot)
        while dot:
            try:
                sent = self._sock.send(dot)
            except _WAITS as wait:
                untouched = isinstance(wait, BlockingIOError) and len(dot) == whole
                if untouched and self.spoke_early():
                    return False
                if not isinstance(wait, BlockingIOError):
                    leaving()
                need = _need(wait, write=True, until=until, hear=untouched)
            except OSError as error:
                raise CutError(Kind.BROKEN, in_words(error)) from error
            else:
                leaving()
                dot = dot[sent:]
                continue
            yield need
        return True

    def command(self, line: str, patience: float) -> Steps[Reply]:
        """One command and its reply. Raises CutError."""
        yield from self.send(line.encode() + b"\r\n", patience)
        return (yield from self.reply(patience))

    def reply(self, patience: float) -> Steps[Reply]:
        """The next reply, whole, within `patience` seconds. Raises CutError."""
        until = time.monotonic() + patience
        lines: list[str] = []
        code = b""
        while len(lines) < _MOST_LINES:
            while (end := self._buffer.find(b"\n")) < 0:
                yield from self._fill(until)
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            if not lines and (whole := _one_line(line)) is not None:
                return whole
            if not line[:3].isdigit() or line[3:4] not in {b"", b" ", b"-"} or (lines and line[:3] != code):
                raise CutError(Kind.UNREADABLE, f"no SMTP reply: {quoted(line)}")
            code = line[:3]
            lines.append(shown(line[4:].decode("utf-8", "replace")))
            if line[3:4] != b"-":
                if not _LOWEST <= int(code) <= _HIGHEST:
                    break
                return Reply(code=int(code), lines=tuple(lines))
        raise CutError(Kind.UNREADABLE, f"no SMTP reply: {quoted(line)}")

    def _fill(self, until: float) -> Steps[None]:
        if len(self._buffer) > _LONGEST_LINE:
            raise CutError(Kind.UNREADABLE, "a reply without an end")
        while True:
            try:
                data = self._sock.recv(4096)
            except _WAITS as wait:
                need = _need(wait, write=False, until=until)
            except OSError as error:
                raise CutError(Kind.BROKEN, in_words(error)) from error
            else:
                break
            yield need
        if not data:
            half = f" after {quoted(self._buffer)}" if self._buffer else ""
            raise CutError(Kind.BROKEN, f"the server closed the connection{half}")
        self._buffer += data

    def spoke_early(self) -> bool:
        """True when the server said something, or left, while it was our turn."""
        if self._buffer:
            return True
        try:
            data = self._sock.recv(4096)
        except _WAITS:  # silence, or TLS housekeeping
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
    """A stream to `host`; the one step that blocks, so it belongs into a thread of its own. Raises CutError."""
    try:
        sock = socket.create_connection((host, port), timeout=patience)
    except OSError as error:
        raise CutError(Kind.BROKEN, in_words(error)) from error
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:  # it was reset at once
        sock.close()
        raise CutError(Kind.BROKEN, in_words(error)) from error
    return Stream(sock)


def drive(steps: Steps[T], number: Callable[[], int]) -> T:
    """Run `steps` to their end, waiting in place for what they need on the socket that `number` gives."""
    try:
        need = next(steps)
        while True:
            look = select.poll()
            look.register(number(), (select.POLLOUT if need.write else select.POLLIN) | (select.POLLIN if need.hear else 0))
            ready = look.poll(max(0.0, need.until - time.monotonic()) * 1000)
            need = next(steps) if ready else steps.throw(late())
    except StopIteration as end:
        found: T = end.value
        return found


def late() -> CutError:
    """What is thrown into steps that have waited too long."""
    return CutError(Kind.BROKEN, "no reply in time")


def _need(wait: OSError, *, write: bool, until: float, hear: bool = False) -> Need:
    """A plain socket blocks in the direction of the act; TLS says which direction it needs."""
    if isinstance(wait, BlockingIOError):
        return Need(write=write, until=until, hear=hear)
    return Need(write=isinstance(wait, ssl.SSLWantWriteError), until=until, hear=hear)
