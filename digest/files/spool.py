"""The spool: records that wait on disk while the database is away; several processes may write it and read it back.

One line is one record: eight hex digits (CRC-32 of the rest), a space, a JSON object. A line that was cut short or damaged
says so by its checksum and harms no other. Writers append to one file, under its lock; a reader first gives that file a name
of its own, so that nobody waits while it is read, and removes it when all of it is stored.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HEAD = 9  # octets before the JSON: the checksum and a space
_LATELY_FILES, _LATELY_OCTETS = 16, 16 * 2**20  # that are searched: the last ones, and of the last of them its end
_COUNT = re.compile(rb'"count":(\d{1,9}),"rows":')  # no text within the JSON can look so: its quotes are escaped

Record = Mapping[str, Any]


@dataclass
class Taken:
    """A file that is being read back."""

    path: Path
    handle: int
    damaged: int = field(default=0)  # events whose line was no whole record

    def texts(self) -> Iterator[bytes]:
        """The JSON of every whole record, in the order they came."""
        with open(os.dup(self.handle), "rb") as file:  # noqa: PTH123 - the file that is locked, not whatever has its name now
            file.seek(0)
            for raw in file:
                if raw.isspace():
                    continue
                found = read_text(raw)
                if found is None:
                    self.damaged += counted(raw)
                else:
                    yield found

    def remove(self) -> None:
        """All of it is stored."""
        self.path.unlink(missing_ok=True)
        sync_folder(self.path.parent)


class Spool:
    """The file at `path`, and those beside it that wait to be read back."""

    def __init__(self, path: Path, *, most: int = 256 * 2**20) -> None:
        self.path = path
        self.most = most  # octets; more is refused, lest it fills the disk that the database is on
        self._counted: dict[tuple[int, int], int] = {}

    def append(self, records: Sequence[Record]) -> None:
        """Write all of them and wait until they are on disk, or none of them. Raises OSError."""
        data = b"\n" + b"".join(map(line, records))  # a line that a crash left open ends here
        if self.octets() + len(data) > self.most:
            raise OSError(None, f"the spool has reached its limit of {self.most:,} octets")
        with self._active() as handle:
            size = os.fstat(handle).st_size
            try:
                write_all(handle, data)
                os.fsync(handle)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(handle, size)
                raise
            if size == 0:
                sync_folder(self.path.parent)

    def lately(self, beginning: bytes, following: Iterable[bytes]) -> Iterator[bytes]:
        """For each of `following`, all of one length, a record that has it behind `beginning`, where one was written lately. Locks nothing."""
        left = set(following)
        written = [path for path in self._files() if _identity(path)[1]]
        room = _LATELY_OCTETS
        for path in sorted(written, key=_age, reverse=True)[:_LATELY_FILES]:
            if not (left and room):
                return
            tail = _tail(path, room)
            room -= len(tail)
            found = dict(_records(tail, beginning, left))
            left -= found.keys()
            yield from found.values()

    def octets(self) -> int:
        """How much waits."""
        return sum(size for _, size in map(_identity, self._files()))

    def depth(self) -> int:
        """How many events wait; a file is counted again only when it has grown."""
        counted = {}
        for path in self._files():
            what = _identity(path)
            counted[what] = self._counted[what] if what in self._counted else _lines(path)
        self._counted = counted
        return sum(counted.values())

    @contextmanager
    def take(self) -> Iterator[Taken | None]:
        """One file to read back, which nobody else reads or writes meanwhile; None when nothing waits."""
        handle, path = self._taken() or self._seal() or (-1, self.path)
        try:
            yield Taken(path=path, handle=handle) if handle >= 0 else None
        finally:
            if handle >= 0:
                os.close(handle)  # ends the lock

    def _taken(self) -> tuple[int, Path] | None:
        for path in sorted(self._sealed(), key=_age):
            with suppress(FileNotFoundError):
                handle = os.open(path, os.O_RDONLY)
                if _locked(handle) and _same(handle, path):
                    return handle, path
                os.close(handle)
        return None

    def _seal(self) -> tuple[int, Path] | None:
        """Give what was written so far a name of its own, and take it; writers begin a new file."""
        if not self.path.exists():
            return None
        with self._active() as handle:
            if os.fstat(handle).st_size:
                self.path.rename(self.path.with_name(f"{self.path.name}.{secrets.token_hex(6)}"))
                sync_folder(self.path.parent)
        return self._taken()

    @contextmanager
    def _active(self) -> Iterator[int]:
        """The file that is written now, locked."""
        while True:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                if _same(handle, self.path):
                    yield handle
                    return
            finally:
                os.close(handle)

    def _sealed(self) -> list[Path]:
        return list(self.path.parent.glob(f"{self.path.name}.*"))

    def _files(self) -> list[Path]:
        active = [self.path] if self.path.exists() else []  # asked first: what is sealed meanwhile is seen under its new name
        return [*active, *(path for path in self._sealed() if path.exists())]


def line(record: Record) -> bytes:
    """A record as its line."""
    return framed(json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode("ascii"))


def framed(text: bytes) -> bytes:
    """A record's JSON, on one line, as its line."""
    return b"%08x %b\n" % (zlib.crc32(text), text)


def counted(raw: bytes) -> int:
    """How many events a record stands for: what came together may share one, which says their `count` before its `rows`."""
    found = _COUNT.search(raw)
    return int(found[1]) if found else 1


def read_text(raw: bytes) -> bytes | None:
    """The JSON object of a line, or None when it is not whole."""
    text = raw[_HEAD:].removesuffix(b"\n")
    if raw[:_HEAD] != b"%08x " % zlib.crc32(text):
        return None
    return text if text[:1] == b"{" else None


def read_line(raw: bytes) -> Record | None:
    """The record of a line, or None when it is not whole."""
    text = read_text(raw)
    try:
        found = None if text is None else json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def write_all(handle: int, data: bytes) -> None:
    """Write every octet. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(counted(raw) for raw in file if raw != b"\n")
    except FileNotFoundError:
        return 0


def _tail(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - most))
            return file.read(most)
    except FileNotFoundError:  # all of it is stored
        return b""


def _records(data: bytes, beginning: bytes, following: AbstractSet[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Which of `following` stand behind `beginning` in whole records, with the JSON of each."""
    length = len(next(iter(following)))
    at = data.find(beginning)
    while at >= 0:
        start = at + len(beginning)
        name = data[start : start + length]
        text = read_text(data[max(at - _HEAD, 0) : data.find(b"\n", at) + 1]) if name in following else None
        if text is not None:
            yield name, text
        at = data.find(beginning, start)


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_ino, found.st_size


def _age(path: Path) -> tuple[float, str]:
    """By when it was written last; a journal counts its pages."""
    with suppress(FileNotFoundError):
        return path.stat().st_mtime, path.name
    return 0.0, path.name


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same(handle: int, path: Path) -> bool:
    """Whether the name still means the file that is open."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def locked_anew(path: Path) -> int:
    """A new file that is open for writing and locked. Raises OSError."""
    while True:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if _same(handle, path):
            return handle
        os.close(handle)  # whoever reads the spool back came first, and put the empty file away


def sync_folder(folder: Path) -> None:
    """Wait until the names in it are on disk. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
