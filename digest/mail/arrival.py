"""One inbound message as it arrives: streamed, counted, hashed; its beginning in memory, and a large one whole on disk.

What a person should look at is kept as a file of its own, synced to disk before anybody is told that we have it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from digest.errors import UnreadableFileError

WINDOW: Final = 524_288  # octets that are read for meaning; a report about a letter of ours has a fifth of that
CHUNK: Final = 65_536


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A message that was read to its end."""

    head: bytes = field(repr=False)  # its first WINDOW octets
    size: int
    digest: str  # SHA-256 of all of it, as hexadecimal
    whole: BinaryIO | None = field(repr=False)  # all of it, when it is larger than `head`

    @property
    def empty(self) -> bool:
        """True when there is nothing in it to read or to keep."""
        return self.whole is None and not self.head.strip()

    def keep(self, folder: Path) -> Path:
        """Write it into `folder` under the name of its hash and return the path. Raises UnreadableFileError.

        It is there whole, under its name and on the disk, or not at all. What is there already stays as it is.
        """
        path = folder / f"{self.digest[:32]}.eml"
        try:
            _private(folder)
            if not path.exists():
                self._write(path)
        except OSError as error:
            raise _not_kept(path, error) from error
        return path

    def _write(self, path: Path) -> None:
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")  # 0600: these are people's letters
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in self._chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            Path(made).replace(path)
            _sync_folder(path.parent)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise

    def _chunks(self) -> Iterator[bytes]:
        if self.whole is None:
            yield self.head
            return
        self.whole.seek(0)
        while chunk := self.whole.read(CHUNK):
            yield chunk


@contextmanager
def arriving(chunks: Iterable[bytes], folder: Path) -> Iterator[Arrival]:
    """Read a message to its end. A large one waits in an unnamed file in `folder`. Raises UnreadableFileError when that is full."""
    digest, head, size = hashlib.sha256(), bytearray(), 0
    whole: BinaryIO | None = None
    try:
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            if whole is None and size > WINDOW:
                whole = _unnamed(folder)
                _put(whole, bytes(head), folder)
            if whole is not None:
                _put(whole, chunk, folder)
            if len(head) < WINDOW:
                head += chunk[: WINDOW - len(head)]
        yield Arrival(head=bytes(head), size=size, digest=digest.hexdigest(), whole=whole)
    finally:
        if whole is not None:
            whole.close()


def _private(folder: Path) -> None:
    """Make a folder, and those above it, for their owner alone: `parents=True` would leave those above open to all."""
    for missing in reversed([one for one in folder.parents if not one.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def _unnamed(folder: Path) -> BinaryIO:
    try:
        _private(folder)
        return tempfile.TemporaryFile(dir=folder, buffering=0)
    except OSError as error:
        raise _not_kept(folder, error) from error


def _put(file: BinaryIO, data: bytes, folder: Path) -> None:
    try:
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
    except OSError as error:
        raise _not_kept(folder, error) from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _not_kept(path: Path, error: OSError) -> UnreadableFileError:
    reason = error.strerror or type(error).__name__
    return UnreadableFileError(path, f"cannot be written: {reason}", hint="Make room or rights in the folder of `inbound.kept`; nothing was lost.")
