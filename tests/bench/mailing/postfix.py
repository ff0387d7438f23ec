"""Postfix's own load generator and sink: the two programs alone, never a mail system on this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent.parent
CACHE = ROOT / "build" / "postfix"  # not kept by git


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Where smtp-source and smtp-sink are, and what they need in their environment."""

    source: Path
    sink: Path
    environment: dict[str, str] = field(default_factory=dict)


def find() -> Tools | None:
    """The installed ones, or those of Debian's package unpacked into the cache; None when they cannot be had here."""
    folders = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    source, sink = (shutil.which(name, path=folders) for name in ("smtp-source", "smtp-sink"))
    if source and sink:
        return Tools(source=Path(source), sink=Path(sink))
    if not (CACHE / "usr" / "sbin" / "smtp-sink").exists() and not unpack():
        return None
    programs = CACHE / "usr" / "sbin"
    return Tools(
        source=programs / "smtp-source", sink=programs / "smtp-sink", environment={"LD_LIBRARY_PATH": str(CACHE / "usr" / "lib" / "postfix")}
    )


def unpack() -> bool:
    with tempfile.TemporaryDirectory(prefix="digest-postfix-") as folder:
        try:
            Path(folder).chmod(0o755)
            subprocess.run(["apt-get", "download", "-q", "postfix"], cwd=folder, check=True, capture_output=True)
            CACHE.mkdir(parents=True, exist_ok=True)
            subprocess.run(["dpkg", "-x", str(next(Path(folder).glob("*.deb"))), str(CACHE)], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError, StopIteration):
            return False
    return True


@contextmanager
def sink(tools: Tools | None, *, delay: float = 0) -> Iterator[int]:
    """A server that takes everything and keeps nothing; its port. Ours instead of Postfix's when it must need `delay` seconds a message."""
    port = _free_port()
    command: Sequence[str] = [sys.executable, "-m", "tests.bench.mailing.relay", str(port), str(delay)]
    if tools is not None and not delay:
        command = [str(tools.sink), *(["-u", "nobody"] if os.geteuid() == 0 else []), f"127.0.0.1:{port}", "1000"]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(tools.environment if tools else {})}) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.kill()


def flood(tools: Tools, port: int, messages: int, octets: int) -> float:
    """Messages a second of smtp-source with 20 sessions."""
    command = [str(tools.source), "-s", "20", "-d", "-l", str(octets), "-m", str(messages), "-f", "digest@example.com", "-t", "ana@example.org"]
    start = time.perf_counter()
    subprocess.run([*command, f"127.0.0.1:{port}"], check=True, env={**os.environ, **tools.environment})
    return messages / (time.perf_counter() - start)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"the sink on port {port} does not answer")
