"""A terminal that is quick: one process that has every module loaded forks itself for each command that is typed.

Each command is a real process with its own folder, environment, files and exit code; only the imports are shared.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import runpy
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENV = {"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "PYTHONWARNINGS": "default", "PATH": os.environ["PATH"]}

DONE, EXPECTED, USAGE = 0, 1, 2
FEW = 20  # lines
PATIENCE = 60  # seconds
INSIDES = re.compile(r"Traceback|This is a bug|\w(?:Error|Exception|Warning)\b|<class|object at 0x|\bNone\b|sqlalche|sqlite3\.|psycopg")
NEXT = re.compile(
    r"`(?:digest|pip) [^`]+`|did you mean|allowed |[Cc]heck |[Ww]rite |[Ss]ave |[Nn]ame |[Cc]hoose |[Ss]tart |Put |Stop |Add |Make |Usage: ",
)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    line: str
    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"`digest {self.line}` ended with {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"

    def is_expected(self, *codes: int, saying: str = "") -> None:
        """Ended with one of `codes`, said `saying` somewhere, and showed nobody our insides."""
        assert self.code in codes, str(self)
        assert not INSIDES.search(self.out + self.err), str(self)
        assert saying in self.out + self.err, f"{saying!r} is not said: {self}"

    def is_refused(self, *codes: int, saying: str = "") -> None:
        """The same (default: with 1), in a few lines on standard error that say what to do next."""
        self.is_expected(*(codes or (EXPECTED,)), saying=saying)
        assert saying in self.err, f"{saying!r} is not on standard error: {self}"
        assert NEXT.search(self.err), f"it does not say what to do next: {self}"
        assert len(self.err.splitlines()) <= FEW, str(self)

    def is_done(self, *, saying: str = "") -> None:
        """Ended well and said so."""
        self.is_expected(DONE, saying=saying)


class Typist:
    """Types commands, one after another."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        words = [sys.executable, "-P", __file__]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENV, cwd=scratch, text=True)

    def type(self, line: str, folder: Path) -> Ended:
        """`digest LINE` in `folder`, with nothing on standard input."""
        out, err = self._scratch / "out", self._scratch / "err"
        asked = {"words": line.split(), "folder": str(folder), "out": str(out), "err": str(err)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return Ended(line, code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))

    def close(self) -> None:
        """Go home."""
        self._process.communicate()


def _answer() -> None:
    import digest

    for found in pkgutil.walk_packages(digest.__path__, "digest."):
        if "__main__" not in found.name:
            importlib.import_module(found.name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - how it answers


def _become(asked: dict[str, str]) -> None:
    """Turn this process into the command; never returns."""
    code: object = 0
    signal.alarm(PATIENCE)  # a command that hangs ends with a signal's code instead of holding up every test
    for descriptor, name in ((0, os.devnull), (1, asked["out"]), (2, asked["err"])):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
    os.chdir(asked["folder"])
    os.environ["HOME"] = asked["folder"]
    sys.argv = ["digest", *asked["words"]]
    try:
        runpy.run_module("digest", run_name="__main__")
    except SystemExit as error:
        code = error.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    _answer()
