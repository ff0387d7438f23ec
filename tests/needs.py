"""What the tests need beyond Python, found or started once; what is missing is skipped aloud, and in CI fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest


def missing(what: str) -> None:
    """Skip this test, saying why; under DIGEST_TEST_NO_SKIP a skip is a failure."""
    if os.environ.get("DIGEST_TEST_NO_SKIP"):
        pytest.fail(f"{what} is missing, and DIGEST_TEST_NO_SKIP forbids skipping. Run `scripts/test`, which installs it.")
    pytest.skip(f"{what} is missing; `scripts/test` installs it")


def chromium() -> str:
    """The path of the system's Chromium."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        missing("Chromium")
    return str(found)


def _postgres_tools() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    return None


class Postgres:
    """A private PostgreSQL server on a socket of its own, or the one that DIGEST_TEST_PG names."""

    def __init__(self) -> None:
        self.url = os.environ.get("DIGEST_TEST_PG", "")
        self._folder: Path | None = None
        self._tools: Path | None = None
        if not self.url:
            self._start()

    def _start(self) -> None:
        self._tools = _postgres_tools()
        if self._tools is None:
            return
        self._folder = Path(tempfile.mkdtemp(prefix="digest-pg-"))
        if os.geteuid() == 0:  # initdb refuses root
            self._folder.chmod(0o755)
            shutil.chown(self._folder, "postgres")
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c fsync=off -c max_connections=200"
        self._run("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(self._folder / "log"), "start")
        self.url = f"postgresql://postgres@/postgres?host={self._folder}"

    def _run(self, tool: str, *words: str) -> None:
        assert self._tools is not None
        command = [str(self._tools / tool), *words]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        subprocess.run(command, check=True, capture_output=True, cwd="/")

    def stop(self) -> None:
        """Stop the private server and remove its folder."""
        if self._folder is not None:
            self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "stop")
            time.sleep(0.05)
            shutil.rmtree(self._folder, ignore_errors=True)
