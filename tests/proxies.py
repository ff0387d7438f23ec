"""Real web servers in front of the real server, each with its example file, on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.away import wait_for
from tests.needs import missing

DOCS = Path(__file__).parent.parent / "docs"
Change = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A running web server and where its logs are."""

    name: str
    port: int
    folder: Path

    def logs(self) -> str:
        """Everything it wrote."""
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(self.folder.glob("*.log")))


def program(name: str) -> str:
    """Its path; skips aloud without it."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")
    return found or missing(name)


def swap(text: str, *pairs: tuple[str, str]) -> str:
    """`text` with each first word in place of the second; each must be there."""
    for old, new in pairs:
        assert old in text, f"the example file has no {old!r} any more"
        text = text.replace(old, new)
    return text


def nginx_words(folder: Path, port: int, upstream: int, change: Change) -> list[str]:
    """The command line; its configuration is the example, with ports and places of the test."""
    example = swap(
        (DOCS / "nginx.conf").read_text(encoding="utf-8"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        ("    listen [::]:443 ssl;\n", ""),
        ("    ssl_certificate     /etc/ssl/digest.pem;\n", ""),
        ("    ssl_certificate_key /etc/ssl/digest.key;\n", ""),
        ("server 127.0.0.1:8080;", f"server 127.0.0.1:{upstream};"),
        ("/var/log/nginx", str(folder)),
    )
    (folder / "site.conf").write_text(change(example), encoding="utf-8")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;\n" if os.geteuid() == 0 else ""
    main = f"{user}pid {folder}/nginx.pid;\nevents {{}}\nhttp {{\n{temporary}include {folder}/site.conf;\n}}\n"
    (folder / "nginx.conf").write_text(main, encoding="utf-8")
    log = str(folder / "start.log")
    return [program("nginx"), "-p", str(folder), "-e", log, "-c", str(folder / "nginx.conf"), "-g", "daemon off; worker_processes 1;"]


def caddy_words(folder: Path, port: int, upstream: int, change: Change) -> list[str]:
    """The same for Caddy."""
    example = swap(
        (DOCS / "Caddyfile").read_text(encoding="utf-8"),
        ("\n{\n", "\n{\n\tadmin off\n\tauto_https off\n"),
        ("digest.example.com {", f"http://127.0.0.1:{port} {{"),
        ("127.0.0.1:8080", f"127.0.0.1:{upstream}"),
    )
    (folder / "Caddyfile").write_text(change(example), encoding="utf-8")
    return [program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


WORDS = {"nginx": nginx_words, "caddy": caddy_words}


@contextmanager
def running(name: str, folder: Path, port: int, upstream: int, change: Change = str) -> Iterator[Proxy]:
    """The web server `name` on `port`, in front of `upstream`; `change` may alter the example."""
    folder.mkdir(exist_ok=True)
    words = WORDS[name](folder, port, upstream, change)
    environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "said.log").open("wb") as log:
        process = subprocess.Popen(words, cwd=folder, env=environment, stdout=log, stderr=log)
    proxy = Proxy(name=name, port=port, folder=folder)
    try:
        wait_for(lambda: process.poll() is not None or _listens(port))
        assert process.poll() is None, proxy.logs()
        yield proxy
    finally:
        process.terminate()
        process.wait(timeout=20)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
