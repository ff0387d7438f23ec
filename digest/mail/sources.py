"""Where inbound mail waits: a pipe or a file, a Maildir, or an IMAP mailbox.

Each gives messages one by one. Only when a message is safe with us is it marked as read; none is ever deleted or moved away.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import SplitResult, unquote, urlsplit

from digest.errors import DigestError
from digest.mail.arrival import CHUNK

_PORT, _TLS_PORT = 143, 993
_TIMEOUT = 60.0  # seconds for one answer of an IMAP server
_BITE = 1_048_576  # octets of a message asked for at once
_SERVER = "Check host and port in the address, and that the server runs."
_LOGIN = "Check the user in the address, and inbound.password. Some providers take no password over IMAP; docs/bounces.md says what helps then."
_AGAIN = "Run it again; what was not taken in waits where it was."
_WRAPPED = re.compile(r"\[b(['\"])(.*)\1\]")  # how the library quotes a server within its own errors
_STOPWATCH = re.compile(r"\s*\([0-9. +]+secs\)\.?$")
_LISTED = re.compile(r"\([^)]*\) (?:\"[^\"]*\"|NIL) (.+)$")
_NAMED = 8  # folders
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class MailboxError(DigestError):
    """The place where mail waits cannot be used."""

    summary = "mail cannot be fetched"


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One message that waits. `chunks` reads it (OSError, MailboxError); `seen` marks it as read, once it is safe with us."""

    name: str
    chunks: Callable[[], Iterator[bytes]]
    seen: Callable[[], None]


def from_stream(stream: BinaryIO, name: str) -> Iterator[Waiting]:
    """The one message of a pipe or a file."""
    yield Waiting(name=name, chunks=lambda: iter(lambda: stream.read(CHUNK), b""), seen=lambda: None)


def from_maildir(folder: Path) -> Iterator[Waiting]:
    """Every message not marked as read, in the order of the names: those in `new`, and those in `cur` that another program took over."""
    for room in ("new", "cur"):
        try:
            names = sorted(path.name for path in (folder / room).iterdir())
        except OSError as error:
            raise MailboxError(folder / room, f"{error.strerror}", hint="Name a Maildir, the folder that has new, cur and tmp, or a file.") from error
        yield from (_in_maildir(folder, room, name) for name in names if not name.startswith(".") and "S" not in _flags(room, name))


def _flags(room: str, name: str) -> str:
    return name.rpartition(":2,")[2] if room == "cur" and ":2," in name else ""


def _in_maildir(folder: Path, room: str, name: str) -> Waiting:
    path = folder / room / name

    def chunks() -> Iterator[bytes]:
        with path.open("rb") as file:
            yield from iter(lambda: file.read(CHUNK), b"")

    def seen() -> None:
        base = name.rpartition(":2,")[0] if ":2," in name else name
        flags = "".join(sorted({*_flags(room, name), "S"}))
        with suppress(FileNotFoundError):  # somebody else marked it meanwhile
            path.rename(folder / "cur" / f"{base}:2,{flags}")

    return Waiting(name=name, chunks=chunks, seen=seen)


@contextmanager
def from_imap(url: str, password: str, *, tls: ssl.SSLContext | None = None, look_only: bool = False) -> Iterator[Iterator[Waiting]]:
    """The unread messages of `imaps://USER@HOST/FOLDER` (or imap:// with STARTTLS), the oldest first. Raises MailboxError.

    Certificates are checked against those of the system, or `SSL_CERT_FILE`. Without encryption only this machine is spoken to.
    `look_only`: the server keeps us from changing anything.
    """
    parts = urlsplit(url)
    place = _shown(parts)
    with _words(place, _SERVER):
        server = _connect(parts.scheme, parts.hostname or "", parts.port, tls or ssl.create_default_context())
    try:
        with _words(place, _LOGIN):
            server.login(unquote(parts.username or ""), password)
        _select(server, place, unquote(parts.path.strip("/")) or "INBOX", look_only=look_only)
        yield _unseen(server, place)
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            server.logout()


def _shown(parts: SplitResult) -> str:
    """The address as it was typed, without a password."""
    user = f"{parts.username}@" if parts.username else ""
    return f"{parts.scheme}://{user}{parts.netloc.rpartition('@')[2]}{parts.path}"


def _select(server: imaplib.IMAP4, place: str, folder: str, *, look_only: bool) -> None:
    with _words(place, _AGAIN):
        status, data = server.select(_quoted(folder), readonly=look_only)
        if status != "OK":
            there = _folders(server)
            raise MailboxError(place, _server_said(data), hint=f"Name a folder of the server's: {there}." if there else _SERVER)


def _folders(server: imaplib.IMAP4) -> str:
    """The first folders that the server lists, as they are typed (RFC 3501, 7.2.2)."""
    _, lines = server.list()
    found = [_LISTED.match(line.decode("ascii", "replace")) for line in lines if isinstance(line, bytes)]
    names = [name[1].strip('"') for name in found if name]
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _connect(scheme: str, host: str, port: int | None, tls: ssl.SSLContext) -> imaplib.IMAP4:
    if scheme == "imaps":
        return imaplib.IMAP4_SSL(host, port or _TLS_PORT, ssl_context=tls, timeout=_TIMEOUT)
    server = imaplib.IMAP4(host, port or _PORT, timeout=_TIMEOUT)
    if "STARTTLS" in server.capabilities:
        server.starttls(tls)
    elif host not in _LOOPBACK:
        server.shutdown()
        raise MailboxError(host, "the server offers no encryption, and a password must not go without", hint="Use imaps://USER@HOST/FOLDER.")
    return server


def _unseen(server: imaplib.IMAP4, place: str) -> Iterator[Waiting]:
    with _words(place, _AGAIN):
        found = _done(place, server.uid("SEARCH", "UNSEEN"))
    numbers = found[0].split() if found and isinstance(found[0], bytes) else []
    for number in sorted(map(int, numbers)):
        yield _in_imap(server, place, str(number))


def _in_imap(server: imaplib.IMAP4, place: str, number: str) -> Waiting:
    def chunks() -> Iterator[bytes]:
        start = 0
        while True:
            with _words(place, _AGAIN):
                answer = _done(place, server.uid("FETCH", number, f"(BODY.PEEK[]<{start}.{_BITE}>)"))
            bite = next((one[1] for one in answer if isinstance(one, tuple)), b"")
            if not start and answer == [None]:
                raise MailboxError(place, f"message {number} is gone")
            yield bite
            if len(bite) < _BITE:
                return
            start += len(bite)

    def seen() -> None:
        with _words(place, _AGAIN):
            _done(place, server.uid("STORE", number, "+FLAGS.SILENT", r"(\Seen)"))

    return Waiting(name=f"message {number}", chunks=chunks, seen=seen)


def _quoted(folder: str) -> str:
    """A folder's name as IMAP writes it. Raises MailboxError for letters that IMAP does not have."""
    if not re.fullmatch(r"[ -~]+", folder):
        raise MailboxError(repr(folder), "found letters outside ASCII in a folder's name", hint="Write it as the server lists it: &AMQ- for Ä.")
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _done(place: str, answer: tuple[str, list[Any]]) -> list[Any]:
    status, data = answer
    if status != "OK":
        raise MailboxError(place, _server_said(data), hint=_AGAIN)
    return data


def _server_said(data: object) -> str:
    """What the server wrote, out of what the library makes of it, and without its stopwatch."""
    last = data[-1] if isinstance(data, list) and data else data
    text = last.decode("ascii", "replace") if isinstance(last, bytes) else str(last)
    wrapped = _WRAPPED.search(text)
    return f"the server says: {_STOPWATCH.sub('', wrapped[2] if wrapped else text).strip()}"


@contextmanager
def _words(place: str, hint: str) -> Iterator[None]:
    """Turn the library's errors into one sentence."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        trust = "Name the file of your own authority in SSL_CERT_FILE, or the host as its certificate does."
        raise MailboxError(place, f"its certificate is not trusted: {error.verify_message}", hint=trust) from error
    except ssl.SSLError as error:
        raise MailboxError(place, f"it does not speak TLS there: {error.reason}", hint="imaps:// is mostly port 993, imap:// 143.") from error
    except imaplib.IMAP4.abort as error:
        raise MailboxError(place, "the server broke the connection off", hint=_AGAIN) from error
    except imaplib.IMAP4.error as error:
        raise MailboxError(place, _server_said(list(error.args)), hint=hint) from error
    except OSError as error:
        raise MailboxError(place, error.strerror or str(error), hint=hint) from error
