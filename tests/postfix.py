"""A real Postfix for tests: a private instance on loopback with its own configuration, queue and data, which hands everything on to one place.

Debian's package is unpacked, never installed: no mail system of this machine is made, started or asked.
"""

from __future__ import annotations

import grp
import os
import pwd
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.bench.mailing.postfix import CACHE, unpack
from tests.needs import missing

_QUEUE = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")
_SERVICES = (
    "cleanup:unix:n bounce:unix:- defer:unix:-:bounce trace:unix:-:bounce rewrite:unix:-:trivial-rewrite smtp:unix:- relay:unix:-:smtp error:unix:-"
)
_SERVICES += (
    " retry:unix:-:error anvil:unix:- scache:unix:- proxymap:unix:- verify:unix:- flush:unix:n showq:unix:n qmgr:unix:n postlog:unix-dgram:n:postlogd"
)


class Postfix:
    """A relay on `port` that passes everything on to 127.0.0.1:`onward`."""

    def __init__(self, onward: int) -> None:
        daemons, libraries = _programs()
        if os.geteuid() != 0:
            missing("Postfix as root, whose master runs as nobody else,")
        self.port = _free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="digest-postfix-"))
        self.folder.chmod(0o755)  # its own account passes through
        owner = _account("postfix", "mail", "daemon")
        self._furnish(owner)
        (self.folder / "etc" / "main.cf").write_text(self._main(daemons, libraries, owner, onward), encoding="utf-8")
        (self.folder / "etc" / "master.cf").write_text(self._master(), encoding="utf-8")
        # The shell outlives a killed test run: when our end of its standard input closes, it stops the server and clears up.
        script = '"$1/master" -c "$2/etc" >"$2/said" 2>&1 & child=$!; cat >/dev/null; kill $child; wait $child 2>/dev/null; rm -rf "$2"'
        environment = {**os.environ, "LD_LIBRARY_PATH": str(libraries), "MAIL_CONFIG": str(self.folder / "etc")}
        command = ["/bin/sh", "-c", script, "sh", str(daemons), str(self.folder)]
        self._keeper = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, env=environment)
        self._await()

    def _furnish(self, owner: pwd.struct_passwd) -> None:
        for name in (*(f"queue/{name}" for name in _QUEUE), "data"):
            (self.folder / name).mkdir(parents=True, mode=0o700)
            os.chown(self.folder / name, owner.pw_uid, -1)
        for name in ("queue/pid", "queue/public", "etc"):
            (self.folder / name).mkdir(mode=0o755)
        os.chown(self.folder / "queue" / "public", owner.pw_uid, -1)

    def _main(self, daemons: Path, libraries: Path, owner: pwd.struct_passwd, onward: int) -> str:
        settings = {
            "compatibility_level": "3.6",
            "queue_directory": f"{self.folder}/queue",
            "data_directory": f"{self.folder}/data",
            "daemon_directory": daemons,
            "command_directory": daemons,
            "shlib_directory": libraries,
            "import_environment": "MAIL_CONFIG LD_LIBRARY_PATH LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME",
            "mail_owner": owner.pw_name,
            "setgid_group": _group(owner.pw_gid),
            "default_privs": "nobody",
            "myhostname": "relay.osterglen.example",
            "mydestination": "",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "relayhost": f"[127.0.0.1]:{onward}",
            "smtp_host_lookup": "native",
            "alias_maps": "",
            "local_recipient_maps": "",
            "smtputf8_enable": "no",
            "maillog_file": f"{self.folder}/log",
            "maillog_file_prefixes": self.folder,
        }
        return "".join(f"{name} = {value}\n" for name, value in settings.items())

    def _master(self) -> str:
        rows = [("127.0.0.1:" + str(self.port), "inet", "n", "smtpd")]
        for service in _SERVICES.split():
            name, kind, private, *program = service.split(":")
            rows.append((name, kind, private, program[0] if program else name))
        limits = dict.fromkeys(("qmgr", "anvil", "scache", "verify", "postlogd"), 1) | dict.fromkeys(("cleanup", "bounce", "flush"), 0)
        return "".join(f"{name} {kind} {private} - n - {limits.get(program, '-')} {program}\n" for name, kind, private, program in rows)

    def _await(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self._keeper.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        said = self.log()
        self.stop()
        pytest.fail(f"Postfix is here but does not start: {said}")

    def log(self) -> str:
        """What it wrote down so far."""
        return "".join(path.read_text(errors="replace") for name in ("said", "log") if (path := self.folder / name).exists())

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._keeper.communicate()


def _programs() -> tuple[Path, Path]:
    """Where the daemons and their libraries are: the installed ones, or those of Debian's package unpacked into the cache."""
    for root in (Path("/"), CACHE):
        for daemons in ("usr/lib/postfix/sbin", "usr/libexec/postfix"):
            if (root / daemons / "master").exists():
                return root / daemons, root / "usr/lib/postfix"
    return _programs() if unpack() else missing("Postfix")


def _account(*names: str) -> pwd.struct_passwd:
    """The first of these accounts that is here: Postfix gives up root for one that is neither root nor nobody."""
    known = {user.pw_name: user for user in pwd.getpwall()}
    return next(known[name] for name in names if name in known and known[name].pw_uid and known[name].pw_gid)


def _group(but: int) -> str:
    return next(group.gr_name for group in grp.getgrall() if group.gr_gid not in {0, but, 65534} and not group.gr_mem)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
