"""What the tests need beyond Python, found or started once; what is missing is skipped aloud, and in CI fails."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

_SOCKET_ROOM = 60  # characters; with the socket's own name a path must stay below 104


def missing(what: str) -> NoReturn:
    """Skip this test, saying why; under DIGEST_TEST_NO_SKIP a skip is a failure."""
    if os.environ.get("DIGEST_TEST_NO_SKIP"):
        pytest.fail(f"{what} is missing, and DIGEST_TEST_NO_SKIP forbids skipping. Run `scripts/test`, which installs it.")
    pytest.skip(f"{what} is missing; `scripts/test` installs it")


def chromium() -> str:
    """The path of the system's Chromium; CHROMIUM names another."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found or missing("Chromium")


def _postgres_tools() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: float(folder.parent.name), default=None)


class Postgres:
    """A private PostgreSQL server on a socket of its own, or the one that DIGEST_TEST_PG names; `url` is "" when there is none.

    `own`: never the named one, for tests that harm it. `durable`: with fsync, for measuring. `layout`: options of initdb.
    """

    def __init__(self, *layout: str, own: bool = False, durable: bool = False) -> None:
        self.url = "" if own else os.environ.get("DIGEST_TEST_PG", "")
        self._layout = layout
        self._fsync = "on" if durable else "off"
        self._keeper: subprocess.Popen[bytes] | None = None
        tools = None if self.url else _postgres_tools()
        if tools is not None:
            self._start(tools)

    def _start(self, tools: Path) -> None:
        room = tempfile.gettempdir() if len(tempfile.gettempdir()) <= _SOCKET_ROOM else "/tmp"  # noqa: S108 - mkdtemp makes it ours
        folder = Path(tempfile.mkdtemp(prefix="digest-pg-", dir=room))
        account = _account(folder)
        self._keeper = _keeper(tools, folder, account)
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync={self._fsync} -c max_connections=200"
        start = ["-D", str(folder / "data"), "-w", "-t", "60", "-o", options, "-l", str(folder / "log"), "start"]
        try:
            make = ["-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", *self._layout]
            _run([str(tools / "initdb"), *make], account)
            _run([str(tools / "pg_ctl"), *start], account)
        except subprocess.CalledProcessError as error:
            log = (folder / "log").read_text(errors="replace") if (folder / "log").exists() else ""
            self.stop()
            pytest.fail(f"PostgreSQL is here but does not start: {error}\n{error.stderr.decode(errors='replace')}{log}")
        self.url = f"postgresql://postgres@/postgres?host={folder}"
        self._control = [str(tools / "pg_ctl"), *start[:-1], "-m", "immediate"], account

    def control(self, word: str, *, blocks: int | None = None) -> None:
        """`stop` at once as a crash does, `start`, or `restart` the private server; `blocks` of 512 octets is then the longest file it may write."""
        command, account = self._control
        limit = "unlimited" if blocks is None else str(blocks)
        _run(["/bin/sh", "-c", 'ulimit -S -f "$1" && shift && exec "$@"', "sh", limit, *command, word], account)

    def stop(self) -> None:
        """Stop the private server and remove its folder."""
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = None


def _account(folder: Path) -> int | None:
    """The user id to run the server under when we are root, whom initdb refuses; `folder` becomes theirs."""
    if os.geteuid() != 0:
        return None
    users = {user.pw_name: user.pw_uid for user in pwd.getpwall()}
    account = users.get("postgres", users.get("nobody", 65534))
    os.chown(folder, account, -1)
    return account


def _run(command: list[str], account: int | None) -> None:
    subprocess.run(
        command, check=True, capture_output=True, stdin=subprocess.DEVNULL, cwd="/", user=account, extra_groups=None if account is None else []
    )


def _keeper(tools: Path, folder: Path, account: int | None) -> subprocess.Popen[bytes]:
    """A shell that outlives a killed test run: when our end of its standard input closes, it stops the server and clears up."""
    script = '"$1/pg_ctl" -D "$2/data" -m immediate stop >/dev/null 2>&1; rm -rf "$2"'
    return subprocess.Popen(
        ["/bin/sh", "-c", f"cat >/dev/null; {script}", "sh", str(tools), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd="/",
        user=account,
        extra_groups=None if account is None else [],
        start_new_session=True,
    )
