"""Send a planned edition end to end, durable outbox included, against the limit and the usual ways, in one run. Run by `scripts/bench delivery`.

The limit is Postfix's smtp-source with 20 sessions; it, the rivals and we send to Postfix's smtp-sink. Figures drift from machine to
machine and run to run: quote the ratios of one run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from tests.bench.mailing import postfix
from tests.needs import Postgres
from tests.signing import pem

ROOT = Path(__file__).parent.parent.parent
GOAL, FLOOR = 1.0, 0.6  # of smtp-source, with 20 connections
NEED = 0.02  # seconds that a slow relay takes for a message
NAIVE, DJANGO = 40, 500  # messages of one repetition; the rest would be more of the same


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way to send: its name and what a repetition of it measures, in messages a second."""

    name: str
    measure: Callable[[], float]
    found: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median."""
        return statistics.median(self.found)


@dataclass(kw_only=True)
class Bench:
    """The planned editions, the sinks and what was learned on the way."""

    folder: Path
    people: int
    tools: postfix.Tools | None
    server: Postgres | None
    octets: float = 0

    def module(self, name: str, *words: object) -> str:
        """What a module of the bench prints, run in a process of its own."""
        command = [sys.executable, "-m", f"tests.bench.mailing.{name}", *map(str, words)]
        done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(f"scripts/bench delivery: {' '.join(command[2:])} failed")
        return done.stdout

    def plan(self) -> None:
        """One edition on each database; every repetition sends a copy."""
        self.module("ours", "plan", f"sqlite:///{self.folder / 'planned.db'}", self.people)
        if self.server:
            self.command("CREATE DATABASE planned")
            self.module("ours", "plan", self.url("planned"), self.people)

    def command(self, words: str) -> None:
        """One statement for the PostgreSQL server."""
        assert self.server is not None
        engine = create_engine(self.server.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(words))
        engine.dispose()

    def url(self, name: str) -> str:
        """A database of the server."""
        assert self.server is not None
        return make_url(self.server.url).set(database=name).render_as_string(hide_password=False)

    @contextmanager
    def copy(self, database: str) -> Iterator[str]:
        """A fresh copy of the planned edition; its URL."""
        name = f"bench_{secrets.token_hex(4)}"
        if database == "sqlite":
            place = self.folder / f"{name}.db"
            shutil.copy(self.folder / "planned.db", place)
            yield f"sqlite:///{place}"
            for left in self.folder.glob(f"{name}*"):
                left.unlink()
        else:
            self.command(f"CREATE DATABASE {name} TEMPLATE planned")
            self.command("CHECKPOINT")
            yield self.url(name)
            self.command(f"DROP DATABASE {name}")

    def ours(self, port: int, connections: int, *, database: str = "sqlite", key: str = "") -> float:
        """Deliver a copy."""
        with self.copy(database) as url:
            done = json.loads(self.module("ours", "deliver", url, port, connections, *([key] if key else [])))
        self.octets = self.octets or done["octets"]
        return float(done["sent"] / done["seconds"])

    def rival(self, name: str, port: int, count: int) -> float:
        """Let a rival send the first letters of the edition."""
        return float(self.module("rivals", name, f"sqlite:///{self.folder / 'planned.db'}", port, min(count, self.people)))

    def key(self, kind: str) -> str:
        """The path of a new key."""
        place = self.folder / f"{kind}.pem"
        place.write_bytes(pem(kind))
        return str(place)


def rows(bench: Bench, port: int) -> list[Row]:
    """The limit first, then the rivals, then ours."""
    found = []
    if bench.tools:
        flood = partial(postfix.flood, bench.tools, port, bench.people, int(bench.octets) or 47_000)
        found.append(Row(name="smtp-source -s 20 -d: the limit, renders nothing, records nothing", measure=flood))
    found.append(Row(name="naive script: Jinja + premailer per employee, smtplib", measure=partial(bench.rival, "naive", port, NAIVE)))
    found.append(Row(name="Django EmailMultiAlternatives, inlined once", measure=partial(bench.rival, "django", port, DJANGO)))
    found += [Row(name=f"ours, SQLite FULL, {n:>2} connection{'s' * (n > 1)}", measure=partial(bench.ours, port, n)) for n in (1, 4, 20)]
    if bench.server:
        found.append(Row(name="ours, PostgreSQL, 20 connections", measure=partial(bench.ours, port, 20, database="postgres")))
    for kind, name in (("ED25519", "Ed25519"), ("RSA", "RSA-2048")):
        found.append(Row(name=f"ours, SQLite FULL, 20 connections, DKIM {name}", measure=partial(bench.ours, port, 20, key=bench.key(kind))))
    return found


def measure(found: list[Row], rounds: int) -> None:
    """Every row once a round, so that whatever else the machine does falls on all of them."""
    for turn in range(rounds):
        for row in found:
            row.found.append(row.measure())
            sys.stderr.write(f"round {turn + 1} of {rounds}: {row.name}: {row.found[-1]:,.0f}/s\n")


def table(found: list[Row], bench: Bench) -> str:
    """The rates, against the limit and the naive script."""
    limit = found[0].rate if bench.tools else None
    naive = next(row.rate for row in found if row.name.startswith("naive"))
    what = "smtp-sink" if bench.tools else "a sink of our own"
    lines = [f"{bench.people:,} employees, letters of {bench.octets:,.0f} octets, to {what}; medians of {len(found[0].found)}", ""]
    lines.append(f"{'':<66}{'msg/s':>8}{'of limit':>10}{'naive x':>9}")
    lines += [f"{row.name:<66}{row.rate:>8,.0f}{f'{row.rate / limit:.2f}' if limit else '-':>10}{row.rate / naive:>9,.0f}" for row in found]
    return "\n".join(lines)


def slow_relay(bench: Bench, rounds: int, connections: int = 20) -> str:
    """A relay that needs its time, and what smtp-source makes of it."""
    with postfix.sink(None, delay=NEED) as port:
        rate = statistics.median(bench.ours(port, connections) for _ in range(rounds))
        limit = postfix.flood(bench.tools, port, bench.people, int(bench.octets)) if bench.tools else 0
    ideal = connections / NEED
    said = f"A relay that needs {NEED * 1000:.0f} ms a message, {connections} connections: {rate:,.0f}/s of {ideal:,.0f}/s, {rate / ideal:.0%}"
    return f"{said}; smtp-source: {limit / ideal:.0%}." if limit else f"{said}."


def memory(bench: Bench, sizes: list[int]) -> Iterator[str]:
    """The peak of one delivering process, for ever more employees."""
    for size in sizes:
        url = f"sqlite:///{bench.folder / f'{size}.db'}"
        bench.module("ours", "plan", url, size)
        with postfix.sink(bench.tools) as port:
            done = json.loads(bench.module("ours", "deliver", url, port, 20))
        yield f"Peak memory of the process that delivers {size:,}: {done['peak']:.0f} MB, at {done['sent'] / done['seconds']:,.0f}/s."


def arguments() -> argparse.Namespace:
    """The words on the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench delivery", description="Send end to end, against the limit and the usual ways.")
    parser.add_argument("--people", type=int, default=5_000, help="employees of the edition (5000)")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions, of which the median counts (3)")
    parser.add_argument("--memory", type=int, nargs="*", default=[10_000, 200_000], metavar="N", help="editions to measure memory with")
    return parser.parse_args()


def main() -> int:
    """Print the tables; 1 when ours is below the floor."""
    asked = arguments()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="digest-bench-")))
        server = Postgres(own=True, durable=True)
        stack.callback(server.stop)
        bench = Bench(folder=folder, people=asked.people, tools=postfix.find(), server=server if server.url else None)
        if bench.tools is None:
            sys.stderr.write("Postfix's smtp-source and smtp-sink cannot be had here: there is no limit to compare with, the sink is our own.\n")
        if bench.server is None:
            sys.stderr.write("PostgreSQL cannot be had here: only SQLite is measured.\n")
        bench.plan()
        with postfix.sink(bench.tools) as port:
            bench.ours(port, 20)  # warms up, and tells how long the letters are
            found = rows(bench, port)
            measure(found, asked.rounds)
        print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores\n{table(found, bench)}\n")
        print(slow_relay(bench, asked.rounds), flush=True)
        for line in memory(bench, asked.memory):
            print(line, flush=True)
    if bench.tools is None:
        return 0
    share = next(row.rate for row in found if "20 connections" in row.name) / found[0].rate
    verdict = "reached" if share >= GOAL else "above the floor" if share >= FLOOR else "below the floor"
    print(f"\nGoal {GOAL} of smtp-source, floor {FLOOR}: {share:.2f}, {verdict}")
    return 0 if share >= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())
