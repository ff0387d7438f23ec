"""What the disk itself takes, while something else is measured: no press that is on disk before its answer can be quicker."""

from __future__ import annotations

import os
import queue
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_PAGE = b"\0" * 4096
_PAUSE = 0.005  # seconds between writes


class Disk:
    """A thread that writes one page over and over and waits each time until it is on disk: no new block, no name, no lock."""

    def __init__(self, folder: Path) -> None:
        self._handle = os.open(folder / "disk.probe", os.O_WRONLY | os.O_CREAT, 0o600)
        self._took: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._began = time.monotonic()  # of the write under way, or of the pause before the next one
        self._error: OSError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)

    def __enter__(self) -> Self:
        os.pwrite(self._handle, _PAGE, 0)
        os.fsync(self._handle)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._handle)

    def slowest(self) -> float:
        """Milliseconds of the slowest write since this was asked last, the one under way included. Raises OSError when it cannot be written."""
        if self._error is not None:
            raise self._error
        under_way = time.monotonic() - self._began - _PAUSE
        return 1000 * max([under_way, *(self._took.get() for _ in range(self._took.qsize()))])

    def _run(self) -> None:
        try:
            while not self._stop.wait(_PAUSE):
                self._began = began = time.monotonic()
                os.pwrite(self._handle, _PAGE, 0)
                os.fdatasync(self._handle)
                self._began = ended = time.monotonic()
                self._took.put(ended - began)
        except OSError as error:
            self._error = error
