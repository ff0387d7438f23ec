"""The real processes of the fault tests: a delivering worker and a mail server, each started and ended here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.oracle import W, wait_until
from tests.sink import Sink, read_mails

ROOT = Path(__file__).parent.parent.parent

Start = Callable[..., "subprocess.Popen[str]"]  # see conftest
Sinks = Callable[..., Sink]


def worker(url: str, port: int, *, crash: str = "", before: Sequence[str] = (), **options: Any) -> subprocess.Popen[str]:
    """A delivering process; `crash` names the point where it dies, `before` is put in front of its command."""
    words = [*before, sys.executable, "-m", "tests.faults.worker", url, str(port), json.dumps({"connections": W, **options})]
    environment = {**os.environ, "DIGEST_CRASH_AT": crash}
    return subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str], code: int = 0) -> dict[str, Any]:
    """What a worker printed at its end."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    return dict(json.loads(out)) if out else {"error": err}


@dataclass(frozen=True, kw_only=True)
class Server:
    """A mail server in a process of its own."""

    process: subprocess.Popen[bytes]
    port: int
    file: Path

    def mails(self) -> list[dict[str, Any]]:
        """What it accepted, in order."""
        return read_mails(self.file)


@contextmanager
def serving(folder: Path, **options: Any) -> Iterator[Server]:
    """A server that writes its mailbox into `folder`; `options`: see `tests.sink.Sink`."""
    file, place = folder / "mail.jsonl", folder / "port"
    place.unlink(missing_ok=True)
    with subprocess.Popen([sys.executable, "-m", "tests.sink", str(file), str(place), json.dumps(options)], cwd=ROOT) as process:
        try:
            wait_until(place.exists)
            yield Server(process=process, port=int(place.read_text()), file=file)
        finally:
            process.kill()
