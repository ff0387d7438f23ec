"""A real IMAP server for tests: Dovecot as a private instance, on loopback, with its own folder and certificate."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.needs import missing


class Dovecot:
    """An IMAP server on ports of its own; user ANYTHING, password `secret`. Only `cafile` vouches for its certificate."""

    def __init__(self) -> None:
        program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
        if program is None:
            missing("Dovecot")
        self.folder = Path(tempfile.mkdtemp(prefix="digest-imap-"))
        self.folder.chmod(0o755)  # the server's own accounts pass through
        self.imap, self.imaps = _free_port(), _free_port()
        self.cafile = self.folder / "certificate.pem"
        words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=imap"]
        words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(self.folder / "key.pem"), "-out", str(self.cafile)]
        subprocess.run(words, check=True, capture_output=True)
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        (self.folder / "mail").mkdir()
        os.chown(self.folder / "mail", account.pw_uid, account.pw_gid)
        version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
        (self.folder / "conf").write_text(self._configuration(account, old=version.startswith("2.3")), encoding="utf-8")
        # The shell outlives a killed test run: when our end of its standard input closes, it stops the server and clears up.
        script = '"$1" -F -c "$2/conf" >/dev/null 2>&1 & child=$!; cat >/dev/null; kill $child; wait $child; rm -rf "$2"'
        self._keeper = subprocess.Popen(["/bin/sh", "-c", script, "sh", program, str(self.folder)], stdin=subprocess.PIPE, start_new_session=True)
        self._await()

    def _configuration(self, account: pwd.struct_passwd, *, old: bool) -> str:
        here, mail = self.folder, f"{self.folder}/mail/%{'u' if old else '{user}'}"
        common = f"""
base_dir = {here}/run
log_path = {here}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
first_valid_uid = 1
default_internal_user = {account.pw_name}
default_internal_group = {grp.getgrgid(account.pw_gid).gr_name}
default_login_user = {account.pw_name}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.imap}
  }}
  inet_listener imaps {{
    port = {self.imaps}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""
        if old:  # 2.3; 2.4 has other names for nearly everything
            return f"""{common}
ssl_cert = <{self.cafile}
ssl_key = <{here}/key.pem
mail_location = maildir:{mail}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={account.pw_uid} gid={account.pw_gid} home={mail}
}}
"""
        return f"""dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
{common}
ssl_server_cert_file = {self.cafile}
ssl_server_key_file = {here}/key.pem
mail_driver = maildir
mail_path = {mail}
passdb static {{
  password = secret
}}
userdb static {{
  fields {{
    uid = {account.pw_uid}
    gid = {account.pw_gid}
    home = {mail}
  }}
}}
"""

    def _await(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.imaps)) == 0:
                    return
            time.sleep(0.05)
        log = (self.folder / "log").read_text(errors="replace") if (self.folder / "log").exists() else ""
        self.stop()
        pytest.fail(f"Dovecot is here but does not start: {log}")

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._keeper.communicate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
