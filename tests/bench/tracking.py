"""Press links: how many a second, recorded durably before the answer, beside the limit and the usual way. Run by `scripts/bench tracking`.

The limit is nginx's `return 302`, which looks nothing up and records nothing. Every server sees the same presses of a few hundred
browsers; one row of ours has no two alike. Afterwards every press that we answered must be in the database, else there is no table.
`--storm SECONDS` also starts our server cold and presses 1,400 links a second at it, `--planning PEOPLE` presses while an edition is
planned in the same file. Figures drift from machine to machine and run to run: quote the ratios of one run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import func, select

from digest.db.schema import click, visit
from digest.db.session import open_database, read
from tests.bench.clicks.disk import Disk

ROOT = Path(__file__).parent.parent.parent
GOAL, FLOOR = 0.22, 0.12  # of nginx, with 64 connections
BROWSERS, UNLIKE = 300, 1_000_000_000  # that press; so many that no two presses are alike
CONNECTIONS, SECONDS = 64, 5
STALL = 20  # milliseconds for one page: the disk, or the machine, stood still
STORM = 1400  # a second: 10,000 employees x 70 links, most of them scanned, within ten minutes
_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; server {{ listen 127.0.0.1:{port}; location / {{ return 302 https://example.com/; }} }} }}
"""
_WRK = """
local paths, at, browsers = {}, 0, tonumber(os.getenv("BROWSERS"))
for line in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = line end
local headers = {["Sec-Fetch-Mode"] = "navigate", ["Sec-Fetch-Dest"] = "document"}
local agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/155.0.%d.0 Safari/537.36"
function request()
    at = at + 1
    headers["User-Agent"] = agent:format(at % browsers)
    return wrk.format("GET", paths[at % #paths + 1], headers)
end
"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What wrk saw in one go."""

    rate: float
    p99: float  # milliseconds
    count: int = 0  # answers
    cpu: float = 0.0  # microseconds of the server's processor for each


@dataclass(kw_only=True)
class Row:
    """One server and one kind of link."""

    name: str
    port: int
    links: str
    browsers: int = BROWSERS
    found: list[Measured] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median."""
        return statistics.median(one.rate for one in self.found)

    @property
    def p99(self) -> float:
        """The median of the 99th percentiles, in milliseconds."""
        return statistics.median(one.p99 for one in self.found)

    @property
    def cpu(self) -> float:
        """The median of the microseconds of processor for each press."""
        return statistics.median(one.cpu for one in self.found)


def press(folder: Path, row: Row, seconds: int = SECONDS) -> Measured:
    """What wrk measures. Stops when any answer was not a redirect."""
    where = ["--timeout", "10s", "-s", str(folder / "press.lua"), f"http://127.0.0.1:{row.port}"]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *where]
    environment = {**os.environ, "PATHS": str(folder / f"{row.links}.txt"), "BROWSERS": str(row.browsers)}
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"scripts/bench tracking: {row.name}: {said}")
    rate, p99 = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"99%\s+([\d.]+)(us|ms|s)\b", said)
    count = re.search(r"(\d+) requests in", said)
    if rate is None or p99 is None or count is None:
        raise SystemExit(f"scripts/bench tracking: {row.name}: {said}")
    return Measured(rate=float(rate[1]), p99=float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]], count=int(count[1]))


@contextmanager
def running(command: Sequence[str], port: int, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A server, from the moment that it answers."""
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(environment or {})}) as process:
        try:
            for _ in range(300):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0 and _answers(port):
                        break
                time.sleep(0.1)
            yield process
        finally:
            process.terminate()
            process.wait(30)


def _answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as asking:
        asking.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return bool(asking.recv(64))


def ours(folder: Path, port: int) -> Sequence[str]:
    """Our own server, as an operator starts it."""
    del port
    return [sys.executable, "-m", "digest", "--config", str(folder / "config.toml"), "serve", "--only", "web"]


def module(name: str, *words: object) -> str:
    """What a module of the bench prints, run in a process of its own."""
    with begun(name, *words) as process:
        return ended(process)


def begun(name: str, *words: object) -> subprocess.Popen[str]:
    """A module of the bench that runs on in a process of its own."""
    return subprocess.Popen([sys.executable, "-m", f"tests.bench.clicks.{name}", *map(str, words)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> str:
    """What it printed, once it is done. Raises CalledProcessError."""
    said, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return said


def free_port() -> int:
    """One that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def compare(folder: Path, port: int, rounds: int) -> list[Row]:
    """All servers, each kind of link in every round."""
    limit, usual = free_port(), free_port()
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=limit), encoding="utf-8")
    (folder / "press.lua").write_text(_WRK, encoding="utf-8")
    rows = [Row(name="nginx return 302: the limit, looks nothing up, records nothing", port=limit, links="read")]
    rows.append(Row(name="Flask + SQLAlchemy + gunicorn (16 threads), a commit for each", port=usual, links="read"))
    rows += [Row(name=f"ours, {words}", port=port, links=name) for name, words in KINDS.items()]
    rows.append(Row(name="ours, /r/ read, no two browsers alike", port=port, links="read", browsers=UNLIKE))
    shutil.copy(folder / "digest.db", folder / "usual.db")
    quiet = ["--threads", "16", "--log-level", "error", "-b", f"127.0.0.1:{usual}"]
    gunicorn = [sys.executable, "-m", "gunicorn", *quiet, "tests.bench.clicks.rival:make()"]
    nginx = [shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with (
        running(nginx, limit) as first,
        running(gunicorn, usual, {"CLICKS_DATABASE": str(folder / "usual.db")}) as second,
        running(ours(folder, port), port) as third,
    ):
        servers = {limit: first, usual: second, port: third}
        for turn in range(rounds):
            for row in rows:
                before = processor(servers[row.port])
                found = press(folder, row)
                row.found.append(replace(found, cpu=1e6 * (processor(servers[row.port]) - before) / found.count))
                sys.stderr.write(f"round {turn + 1} of {rounds}: {row.name}: {found.rate:,.0f}/s, p99 {found.p99:.1f} ms\n")
        sys.stderr.write(f"{all_recorded(folder, rows)}\n")
    return rows


def processor(process: subprocess.Popen[bytes]) -> float:
    """Seconds of processor that a server and its children have used."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], check=False, capture_output=True, text=True).stdout.split()
    ticks = 0
    for pid in (str(process.pid), *listed):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def all_recorded(folder: Path, rows: Sequence[Row]) -> str:
    """How long the database took to have every press that our server answered. Stops the bench when one stays away."""
    answered = sum(one.count for row in rows if row.name.startswith("ours") for one in row.found)
    began = time.monotonic()
    engine = open_database(f"sqlite:///{folder / 'digest.db'}")
    while True:
        with read(engine) as connection:
            there = sum(int(connection.execute(select(func.count()).select_from(table)).scalar_one()) for table in (click, visit))
        if there >= answered:
            return f"{answered:,} presses were answered, {there:,} are in the database, {time.monotonic() - began:.1f} s after the last."
        if time.monotonic() > began + 60:
            raise SystemExit(f"scripts/bench tracking: {answered:,} presses were answered, and only {there:,} are in the database.")
        time.sleep(0.05)


KINDS = {"read": "/r/ read", "share": "/s/ share (short link made on first use)", "visit": "/l/ visit"}


def table(rows: Sequence[Row]) -> str:
    """The rates against the limit and the usual way."""
    limit, usual = rows[0].rate, rows[1].rate
    width = max(len(row.name) for row in rows)
    lines = [f"{'':{width}}  {'req/s':>8}  {'p99 ms':>7}  {'CPU us':>7}  {'of nginx':>8}  {'of Flask':>8}"]
    lines += [
        f"{row.name:{width}}  {row.rate:8,.0f}  {row.p99:7.1f}  {row.cpu:7.1f}  {row.rate / limit:8.1%}  {row.rate / usual:7.1f}x" for row in rows
    ]
    lines.append("Ours and Flask's are on disk before each answer: a synced journal that the database is given at once, and a commit.")
    return "\n".join([*lines, f"Goal: {GOAL:.0%} of nginx with a p99 below 10 ms; floor: {FLOOR:.0%}."])


def memory(process: subprocess.Popen[bytes]) -> float:
    """MB that the server's processes hold."""
    children = subprocess.run(["ps", "-o", "rss=", "--ppid", str(process.pid)], check=False, capture_output=True, text=True).stdout.split()
    return sum(map(int, children)) / 1024


def storm(folder: Path, port: int, seconds: int) -> str:
    """A cold start, and then every gateway at once."""
    with running(ours(folder, port), port) as server:
        before = memory(server)
        with begun("storm", port, STORM, seconds, folder / "read.txt", folder / "share.txt", folder / "visit.txt") as process:
            time.sleep(seconds / 2)
            half = memory(server)
            seen = json.loads(ended(process))
        after = memory(server)
    said = f"p50 {seen['p50']} ms, p99 {seen['p99']} ms, worst {seen['worst']} ms; answers {seen['answers']}"
    held = f"{before:.0f} MB at first, {half:.0f} at half time, {after:.0f} at the end"
    return f"Storm of {STORM:,} a second for {seconds} s after a cold start: {said}; {held}."


def planning(folder: Path, port: int, people: int, rate: int = 100) -> str:
    """Presses while an edition of that many people is planned into the same database, beside what the disk itself takes meanwhile."""
    with running(ours(folder, port), port), begun("planner", folder, people) as planner, Disk(folder) as disk:
        assert planner.stdout is not None
        planner.stdout.readline()  # the roster is filled, planning begins
        spans = []
        while planner.poll() is None:
            disk.slowest()
            seen = json.loads(module("storm", port, rate, SECONDS, folder / "read.txt", folder / "visit.txt"))
            spans.append((seen["worst"], disk.slowest(), seen["p99"]))
    if not spans:
        return f"An edition of {people:,} was planned before the first press."
    worst, bare, p99 = map(max, zip(*spans, strict=True))
    said = f"{rate} presses a second while an edition of {people:,} is planned ({SECONDS * len(spans)} s): worst p99 {p99} ms, slowest {worst} ms"
    calm = [worst for worst, bare, _ in spans if bare <= STALL]
    best = f"{max(calm)} ms is the slowest press of" if calm else "no press fell in"
    of_disk = f"The disk itself took up to {bare:.0f} ms for one page; {best} the {len(calm)} in {len(spans)} spans where that was {STALL} ms at most"
    return f"{said}. {of_disk}."


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/bench tracking", description=__doc__)
    parser.add_argument("--people", type=int, default=10_000, help="employees of the edition whose links are pressed (default: 10,000)")
    parser.add_argument("--rounds", type=int, default=3, help="times that every row is measured; 0 for none (default: 3)")
    parser.add_argument("--storm", type=int, default=0, metavar="SECONDS", help="press 1,400 links a second for so long after a cold start")
    parser.add_argument("--planning", type=int, default=0, metavar="PEOPLE", help="press while an edition of so many people is planned")
    asked = parser.parse_args()
    missing = [name for name in ("wrk", "nginx") if asked.rounds and not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]
    if missing:
        raise SystemExit(f"scripts/bench tracking: {' and '.join(missing)} is not installed; get it from your system's package manager.")
    with tempfile.TemporaryDirectory(prefix="digest-clicks-") as place:
        folder, port = Path(place), free_port()
        module("site", folder, port, asked.people)
        if asked.rounds:
            print(table(compare(folder, port, asked.rounds)), flush=True)
        if asked.storm:
            print(storm(folder, port, asked.storm), flush=True)
        if asked.planning:
            print(planning(folder, port, asked.planning), flush=True)


if __name__ == "__main__":
    main()
