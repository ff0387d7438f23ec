"""One HTTP request to one address that was looked at before, within a deadline and a number of octets."""

from __future__ import annotations

import http.client
import io
import queue
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from digest.net.refusals import GarbledError, TooBigError, TooSlowError, UnknownNameError, UnreachableError

Resolve = Callable[[str, int], Sequence[str]]
_CHUNK = 65_536
_DEFLATE = 8  # the method in zlib's head (RFC 1950, 2.2)
_HEADS = 65_536  # octets of status line, headers and framing on top of the body


class Deadline:
    """The moment when the whole must be done."""

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._patience = patience
        self._end = time.monotonic() + patience

    def left(self) -> float:
        """Seconds. Raises TooSlowError when there are none."""
        found = self._end - time.monotonic()
        if found <= 0:
            raise self.missed()
        return found

    def missed(self) -> TooSlowError:
        """The error to raise when it has passed."""
        return TooSlowError(self._url, f"not done within {self._patience:g} seconds")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a request goes: an address out of `resolve`, and the name it is asked by."""

    url: str
    secure: bool
    name: str  # as in the URL, without brackets
    port: int
    addresses: tuple[str, ...]
    target: str  # path and query

    @property
    def host(self) -> str:
        """The Host field."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == (443 if self.secure else 80) else f"{name}:{self.port}"


def system_resolve(name: str, port: int) -> Sequence[str]:
    """Every address of a name, as this machine's resolver gives them. Raises OSError."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)))


def addresses(url: str, name: str, port: int, resolve: Resolve, deadline: Deadline) -> tuple[str, ...]:
    """Ask for a name's addresses once; a resolver that hangs costs no more than the deadline. Raises UnknownNameError or TooSlowError."""
    said: queue.SimpleQueue[Sequence[str] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            said.put(resolve(name, port))
        except (OSError, UnicodeError) as error:
            said.put(error)

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    try:
        found = said.get(timeout=deadline.left())
    except queue.Empty:
        raise deadline.missed() from None
    if isinstance(found, Exception) or not found:
        raise UnknownNameError(url, "check how it is spelled")
    return tuple(found)


@contextmanager
def asked(place: Place, headers: Mapping[str, str], deadline: Deadline, most: int, context: ssl.SSLContext) -> Iterator[http.client.HTTPResponse]:
    """Send a GET and read the head of the answer; `most`: octets of the body, packed. Raises a FetchError, from reading the body too."""
    lines = [f"GET {place.target} HTTP/1.1", f"Host: {place.host}", *(f"{name}: {value}" for name, value in headers.items()), "Connection: close"]
    wire: socket.socket | None = None
    try:
        wire = _connected(place, deadline, context)
        wire.settimeout(deadline.left())
        wire.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        bounded: Any = _Bounded(reader=_Reader(wire, deadline, most + _HEADS, place.url))
        with http.client.HTTPResponse(bounded, method="GET") as answer:
            answer.begin()
            yield answer
    except TimeoutError:
        raise deadline.missed() from None
    except ssl.SSLCertVerificationError as error:
        raise UnreachableError(place.url, f"its certificate is not valid: {error.verify_message}") from None
    except (http.client.HTTPException, ValueError) as error:
        raise GarbledError(place.url, type(error).__name__) from None
    except OSError:
        raise UnreachableError(place.url, "nobody answers there, or the connection broke") from None
    finally:
        if wire is not None:
            wire.close()


def unpacked(answer: http.client.HTTPResponse, url: str, most: int) -> bytes:
    """The body, unpacked. Raises TooBigError beyond `most` octets, packed or not, and GarbledError for what we cannot unpack."""
    coding = (answer.getheader("content-encoding") or "identity").strip().lower()
    if coding not in {"identity", "gzip", "x-gzip", "deflate"}:
        raise GarbledError(url, "it is packed in a way that was not asked for")
    if (answer.length or 0) > most:
        raise TooBigError(url, f"more than {most:,} octets")
    found, unpack = bytearray(), _Unpack(coding)
    while chunk := answer.read1(_CHUNK):
        found += unpack(chunk, most + 1 - len(found))
        if len(found) > most:
            raise TooBigError(url, f"more than {most:,} octets")
    if answer.length or not unpack.whole:
        raise GarbledError(url, "it ends too early")
    return bytes(found)


class _Unpack:
    """Plain, gzip or deflate octets, never making more than it was told to: a bomb ends at the limit."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._stream: Any = None

    def __call__(self, chunk: bytes, most: int) -> bytes:
        """`most`: at least 1, since zlib takes 0 for no limit."""
        if self._coding == "identity":
            return chunk[:most]
        if self._stream is None:
            self._stream = zlib.decompressobj(self._window(chunk[0]))
        try:
            return bytes(self._stream.decompress(chunk, most))
        except zlib.error as error:
            raise http.client.HTTPException(str(error)) from None

    @property
    def whole(self) -> bool:
        """False when the stream was cut."""
        return self._stream is None or bool(self._stream.eof)

    def _window(self, first: int) -> int:
        if self._coding != "deflate":
            return zlib.MAX_WBITS | 16
        return zlib.MAX_WBITS if first & 15 == _DEFLATE else -zlib.MAX_WBITS  # some leave out zlib's head (RFC 9110, 8.4.1.2)


class _Reader(io.RawIOBase):
    """A socket's octets, with the deadline before each read: drips end too."""

    def __init__(self, wire: socket.socket, deadline: Deadline, most: int, url: str) -> None:
        self._wire, self._deadline, self._left, self._url = wire, deadline, most, url

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # BufferedReader hands in nothing else
        self._wire.settimeout(self._deadline.left())
        count = self._wire.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise TooBigError(self._url, "more octets than are wanted")
        return count


@dataclass(frozen=True, kw_only=True)
class _Bounded:
    """What http.client asks of a socket."""

    reader: _Reader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self.reader, _CHUNK)


def _connected(place: Place, deadline: Deadline, context: ssl.SSLContext) -> socket.socket:
    """A connection to the first of the addresses that takes one."""
    last: OSError = OSError("no address")
    for left, address in zip(range(len(place.addresses), 0, -1), place.addresses, strict=True):
        try:
            wire = socket.create_connection((address, place.port), timeout=deadline.left() / left)
        except OSError as error:
            last = error
            continue
        if not place.secure:
            return wire
        try:
            wire.settimeout(deadline.left())
            return context.wrap_socket(wire, server_hostname=place.name)
        except BaseException:
            wire.close()
            raise
    raise last
