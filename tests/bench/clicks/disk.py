"""What the disk itself takes, while something else is measured: no press that is on disk before its answer can be quicker."""

from __future__ import annotations

import os
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
        self._path = folder / "disk.probe"
        self._slowest = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)

    def __enter__(self) -> Self:
        self._path.write_bytes(_PAGE)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def slowest(self) -> float:
        """Milliseconds of the slowest write since this was asked last."""
        found, self._slowest = self._slowest, 0.0
        return 1000 * found

    def _run(self) -> None:
        handle = os.open(self._path, os.O_WRONLY)
        try:
            os.fsync(handle)
            while not self._stop.wait(_PAUSE):
                began = time.monotonic()
                os.pwrite(handle, _PAGE, 0)
                os.fdatasync(handle)
                self._slowest = max(self._slowest, time.monotonic() - began)
        finally:
            os.close(handle)
