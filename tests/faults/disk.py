"""A disk that forgets: what a power cut leaves of SQLite's files, told from the system calls of a real process.

strace writes down every call on the database, its write-ahead log and their folder. What counts as on disk at a moment is
what POSIX promises and no more: the writes to a file that had returned before its last completed fsync or fdatasync began,
and the name of a new file only when its folder was synced after it was made. Everything later may be lost or torn.
The -shm file is an index in memory that SQLite makes anew; it is thrown away.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.needs import missing

SECTOR = 512  # what a disk writes entirely or not at all
CALLS = "openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,fsync,fdatasync,unlink,unlinkat,rename,renameat2,mmap"

_LINE = re.compile(r"^(\d+) +(\d+\.\d+) (.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+|\?)")
_TOOK = re.compile(r"<(\d+\.\d+)>$")
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>")
_FILE = re.compile(r"^\d+<((?:\\x[0-9a-f]{2})*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def strace() -> str:
    """The path of a strace that may trace here."""
    found = shutil.which("strace")
    if found is None or subprocess.run([found, "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        missing("strace, or the right to trace a process,")
    return found


def tracing(database: Path, log: Path) -> list[str]:
    """What to put in front of a command so that its calls on the database's files are written down."""
    files = [word for path in (database, Path(f"{database}-wal"), database.parent) for word in ("-P", str(path))]
    return [strace(), "-f", "--seccomp-bpf", "-qq", "-ttt", "-T", "-y", "-xx", "-s", "200000", *files, "-e", f"trace={CALLS}", "-o", str(log)]


@dataclass(frozen=True, kw_only=True)
class Op:
    """One call on one file: between `start` and `end` (seconds since 1970; infinity: it never returned)."""

    start: float
    end: float
    call: str  # make, write, cut or sync
    path: str
    place: int = 0  # of a write; the new length for cut
    data: bytes = b""


def read_trace(log: Path) -> list[Op]:
    """The calls, by their start. Calls that this model does not know are an error, never passed over."""
    lines = [found for line in log.read_text().splitlines() if (found := _LINE.match(line))]
    return sorted((op for start, took, call in _calls(lines) for op in _op(start, took, call)), key=lambda op: op.start)


def _calls(lines: Iterable[re.Match[str]]) -> Iterator[tuple[float, float, str]]:
    """(start, seconds it took, text) of each call; one that another thread's call interrupted in the log is put together."""
    begun: dict[str, tuple[float, str]] = {}
    for line in lines:
        process, at, text = line[1], float(line[2]), line[3]
        if text.endswith("<unfinished ...>"):
            begun[process] = at, text.removesuffix("<unfinished ...>")
            continue
        if resumed := _RESUMED.match(text):
            at, first = begun.pop(process)
            text = first + text[resumed.end() :].lstrip()
        took = _TOOK.search(text)
        yield at, float(took[1]) if took else float("inf"), text
    yield from ((at, float("inf"), f"{text}) = ?") for at, text in begun.values())


def _op(start: float, took: float, text: str) -> Iterator[Op]:
    found = _CALL.match(text)
    if found is None or (found[3].startswith("-")):  # a note of strace's own, or a call that failed
        return
    call, words, result = found.groups()
    end = start + took
    named = _FILE.match(words)
    if call == "openat":
        strings = _TEXT.findall(words)
        if "O_CREAT" in words:
            yield Op(start=start, end=end, call="make", path=_plain(strings[0]))
        assert "O_TRUNC" not in words, text[:200]
    elif call in {"fsync", "fdatasync"} and named:
        yield Op(start=start, end=end, call="sync", path=_plain(named[1]))
    elif call == "pwrite64" and named:
        data, place = bytes.fromhex(_TEXT.findall(words)[0].replace("\\x", "")), int(words.rpartition(",")[2])
        data = data if result == "?" else data[: int(result)]
        yield Op(start=start, end=end, call="write", path=_plain(named[1]), place=place, data=data)
    elif call == "ftruncate" and named:
        yield Op(start=start, end=end, call="cut", path=_plain(named[1]), place=int(words.rpartition(",")[2]))
    else:
        raise AssertionError(f"the model of the disk does not know this call: {text[:200]}")


def _plain(escaped: str) -> str:
    return bytes.fromhex(escaped.replace("\\x", "")).decode()


@dataclass(frozen=True, kw_only=True)
class Disk:
    """Files as they were before the traced process, path -> octets, and what it did to them."""

    before: dict[str, bytes]
    ops: list[Op]

    def cut(self, moment: float, *, torn: Random | None = None) -> dict[str, bytes]:
        """What is left when the power fails at `moment`: only what is certain, or with `torn` chance parts of the rest."""
        known = [op for op in self.ops if op.start <= moment]
        left = {}
        for path in {*self.before, *(op.path for op in known if op.call == "make")}:
            mine = [op for op in known if op.path == path]
            if not self._named(path, known, moment) and (torn is None or torn.random() < 0.5):
                continue
            last = max((op.start for op in mine if op.call == "sync" and op.end <= moment), default=0.0)
            content = bytearray(self.before.get(path, b""))
            for op in mine:
                if op.end <= last:
                    _apply(content, op)
                elif torn is not None:
                    _tear(content, op, torn)
            left[path] = bytes(content)
        return left

    def whole(self, *, last: bool) -> dict[str, bytes]:
        """The files with every call carried out: what a killed process leaves in the living kernel.

        `last`: those that the kill interrupted, too; nobody knows of them.
        """
        content = {path: bytearray(data) for path, data in self.before.items()}
        for op in self.ops:
            if op.call != "sync" and (last or op.end < float("inf")):
                _apply(content.setdefault(op.path, bytearray()), op)
        return {path: bytes(data) for path, data in content.items()}

    def _named(self, path: str, known: list[Op], moment: float) -> bool:
        """Whether the file's name is certain to be there: it was, or its folder was synced since."""
        if path in self.before:
            return True
        made = min(op.end for op in known if op.call == "make" and op.path == path)
        folder = str(Path(path).parent)
        return any(op.call == "sync" and op.path == folder and made <= op.start and op.end <= moment for op in known)


def _apply(content: bytearray, op: Op) -> None:
    if op.call == "cut":
        content[op.place :] = bytes(max(0, op.place - len(content)))
    elif op.call == "write":
        content.extend(bytes(max(0, op.place - len(content))))
        content[op.place : op.place + len(op.data)] = op.data


def _tear(content: bytearray, op: Op, dice: Random) -> None:
    """A call that no sync has confirmed: carried out, lost, or, for a write, some of its sectors."""
    fate = dice.choice(("done", "lost", "torn"))
    if fate == "done":
        _apply(content, op)
    elif fate == "torn" and op.call == "write":
        start = op.place
        while start < op.place + len(op.data):
            end = min((start // SECTOR + 1) * SECTOR, op.place + len(op.data))
            if dice.random() < 0.5:
                part = op.data[start - op.place : end - op.place]
                _apply(content, Op(start=op.start, end=op.end, call="write", path=op.path, place=start, data=part))
            start = end
