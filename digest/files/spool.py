"""The spool: records that wait on disk while the database is away; several processes may write it and read it back.

One line is one record: eight hex digits (CRC-32 of the rest), a space, a JSON object. A line that was cut short or damaged
says so by its checksum and harms no other. Writers append to one file, under its lock; a reader first gives that file a name
of its own, so that nobody waits while it is read, and removes it when all of it is stored.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HEAD = 9  # octets before the JSON: the checksum and a space

Record = Mapping[str, Any]


@dataclass
class Taken:
    """A file that is being read back."""

    path: Path
    handle: int
    damaged: int = field(default=0)  # lines that were no whole record

    def records(self) -> Iterator[Record]:
        """Every whole record, in the order they came."""
        with open(os.dup(self.handle), "rb") as file:  # noqa: PTH123 - the file that is locked, not whatever has its name now
            file.seek(0)
            for raw in file:
                if not raw.strip():
                    continue
                found = read_line(raw)
                if found is None:
                    self.damaged += 1
                else:
                    yield found

    def remove(self) -> None:
        """All of it is stored."""
        self.path.unlink(missing_ok=True)
        _sync_folder(self.path.parent)


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
                _write_all(handle, data)
                os.fsync(handle)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(handle, size)
                raise
            if size == 0:
                _sync_folder(self.path.parent)

    def octets(self) -> int:
        """How much waits."""
        return sum(size for _, size in map(_identity, self._files()))

    def depth(self) -> int:
        """How many records wait; a file is counted again only when it has grown."""
        counted = {}
        for path in self._files():
            what = _identity(path)
            counted[what] = self._counted[what] if what in self._counted else _lines(path)
        self._counted = counted
        return sum(counted.values())

    @contextmanager
    def take(self) -> Iterator[Taken | None]:
        """One file to read back, which nobody else reads meanwhile; None when nothing waits."""
        if not self._sealed():
            self._seal()
        for path in sorted(self._sealed(), key=_age):
            with suppress(FileNotFoundError):
                handle = os.open(path, os.O_RDONLY)
                try:
                    if _locked(handle) and _same(handle, path):
                        yield Taken(path=path, handle=handle)
                        return
                finally:
                    os.close(handle)  # ends the lock
        yield None

    def _seal(self) -> None:
        """Give what was written so far a name of its own; writers begin a new file."""
        if not self.path.exists():
            return
        with self._active() as handle:
            if os.fstat(handle).st_size:
                self.path.rename(self.path.with_name(f"{self.path.name}.{secrets.token_hex(6)}"))
                _sync_folder(self.path.parent)

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
        return [path for path in (self.path, *self._sealed()) if path.exists()]


def line(record: Record) -> bytes:
    """A record as its line."""
    text = json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def read_line(raw: bytes) -> Record | None:
    """The record of a line, or None when it is not whole."""
    text = raw[_HEAD:].rstrip(b"\n")
    if raw[:_HEAD] != b"%08x " % zlib.crc32(text):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(1 for raw in file if raw != b"\n")
    except FileNotFoundError:
        return 0


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_ino, found.st_size


def _age(path: Path) -> float:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


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


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
