"""The journal: presses of one server, on disk before their answer; the same lines as in the spool, and read back as it is.

Each server writes a file of its own and holds its lock, so nobody reads it before that server turns the page, or dies:
the lock ends with the process, whatever ended it, and the next who reads the spool takes what was left.
"""

from __future__ import annotations

import errno
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from digest.files.spool import Spool, locked_anew, sync_folder, write_all


@dataclass
class _Page:
    """A file that is being written."""

    handle: int
    path: Path
    size: int = 0


class Journal:
    """What one server writes beside `spool`. Some threads write, one after the other; another turns pages."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.written = 0  # events since the start
        self._page: _Page | None = None
        self._name = f"{spool.path.name}.{secrets.token_hex(4)}"
        self._pages = 0
        self._behind = 0  # octets that waited when the page was turned
        self._writing = threading.Lock()

    @property
    def fresh(self) -> bool:
        """Whether nothing was written since the page was turned."""
        return self._page is None or not self._page.size

    def append(self, lines: bytes, count: int, *, wait: bool = True) -> None:
        """Write whole lines, of which `count` are events, and wait until they are on disk, or none of them. Raises OSError.

        `wait=False`: not for another thread that writes.
        """
        with self._alone(wait=wait):
            page = self._page = self._page or self._begun()
            if self._behind + page.size + len(lines) > self.spool.most:
                raise OSError(None, f"the spool has reached its limit of {self.spool.most:,} octets")
            try:
                write_all(page.handle, lines)
                os.fdatasync(page.handle)
            except OSError:
                self._give_up(page)
                raise
            page.size += len(lines)
            self.written += count

    @contextmanager
    def _alone(self, *, wait: bool) -> Iterator[None]:
        if not self._writing.acquire(blocking=wait):
            raise BlockingIOError(errno.EAGAIN, "another thread is writing")
        try:
            yield
        finally:
            self._writing.release()

    def turn(self) -> bool:
        """Begin a new file; what was written may be read back from now on. False when nothing was."""
        if self.fresh:
            return False
        self._behind = self.spool.octets()
        following = None
        with suppress(OSError):  # no room for another: the next press finds out
            following = self._begun()  # outside the lock: no press waits for a folder
        with self._writing:
            page, self._page = self._page, following
        if page is not None:
            os.close(page.handle)
        return True

    def close(self) -> None:
        """Write no more; what is there may be read back."""
        with self._writing:
            page, self._page = self._page, None
        if page is not None:
            os.close(page.handle)

    def _begun(self) -> _Page:
        self._pages += 1
        path = self.spool.path.with_name(f"{self._name}{self._pages:08x}")
        handle = locked_anew(path)
        sync_folder(self.spool.path.parent)
        return _Page(handle=handle, path=path)

    def _give_up(self, page: _Page) -> None:
        """After a disk's error nobody knows what it kept: take back what was not promised, and go on in another file."""
        with suppress(OSError):
            os.ftruncate(page.handle, page.size)
            if not page.size:
                page.path.unlink()
        os.close(page.handle)
        self._page = None
