"""Have files changed? Asked often, so by time and size alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

Signature = dict[str, tuple[int, int]]  # file -> (nanoseconds of its last change, octets)


def signature(paths: Iterable[Path]) -> Signature:
    """What tells the files of now from those of later: `paths` and everything in them that are folders; what is not there is left out."""
    found: Signature = {}
    for path in paths:
        for file in path.rglob("*") if path.is_dir() else (path,):
            try:
                about = file.stat()
            except OSError:  # not there, or gone since it was listed
                continue
            if not file.is_dir():
                found[str(file)] = (about.st_mtime_ns, about.st_size)
    return found


def changed(before: Signature, after: Signature) -> set[str]:
    """The files that came, went or are others now."""
    return {file for file in before.keys() | after.keys() if before.get(file) != after.get(file)}
