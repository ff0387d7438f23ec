"""Reading a mail log: lines of a file or of standard input, compressed or not, however long they are."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from digest.errors import UnreadableFileError

STDIN = "-"
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20
_LONGEST = 1 << 16  # a line is cut there; what we look for stands at its begin


def lines(place: str) -> Iterator[bytes]:
    """The lines of the file `place`, or of standard input for "-". Raises UnreadableFileError."""
    try:
        with _opened(place) as stream:
            yield from _split(stream)
    except OSError as error:
        raise UnreadableFileError(
            place, error.strerror or str(error), hint="Name a mail log that this user may read; `-` is standard input."
        ) from error
    except (EOFError, zlib.error) as error:
        raise UnreadableFileError(
            place, f"the compressed file is damaged: {error}", hint="Copy it again; a log that is cut proves nothing."
        ) from error


@contextmanager
def _opened(place: str) -> Iterator[BinaryIO]:
    if place == STDIN:
        with open(sys.stdin.fileno(), "rb", closefd=False) as stream:
            yield _unpacked(stream)
        return
    with Path(place).open("rb") as stream:
        yield _unpacked(stream)


def _unpacked(stream: BufferedReader) -> BinaryIO:
    """Told by its first octets: rotated logs are not always named .gz."""
    return cast("BinaryIO", gzip.GzipFile(fileobj=stream) if stream.peek(2)[:2] == _GZIP else stream)


def _split(stream: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read(_CHUNK):
        whole = (rest + chunk).split(b"\n")
        rest = whole.pop()[:_LONGEST]
        yield from whole
    if rest:
        yield rest
