"""Kill real deliveries for longer than the tests do, and print what became of every message. Run by `scripts/faults`.

Random kills fall while messages are on the wire: a worker is killed up to a sixth of a second after its first one. Then every
named crash point is visited. The seed makes the choices repeatable; what the machine makes of them is its own.
"""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from sqlalchemy import Engine, create_engine, func, make_url, select, text

from digest.db import migrate
from digest.db.schema import message
from digest.db.session import open_database, read
from digest.pipeline.crash import POINTS
from tests.faults.oracle import LONG_AGO, Tally, tally, wait_until
from tests.faults.processes import Server, said, serving, worker
from tests.letters import messages, put_edition
from tests.needs import Postgres

EDITION = 1000  # employees of one edition; a new one is made when the last is half sent
FEW = 60  # employees of an edition for one crash point
HEAD = ("database", "kills", "employees", "accepted", "twice", "lost", "in doubt", "bound")


@dataclass(frozen=True, kw_only=True)
class Round:
    """One database under one kind of kills."""

    name: str
    kills: int
    bound: int  # doubts allowed: open connections times kills
    most: int  # messages that one killed run held
    found: Tally
    trouble: tuple[str, ...]  # what else broke

    @property
    def kept(self) -> bool:
        """Whether the contract held."""
        return self.found.kept and self.found.in_doubt <= self.bound and not self.trouble

    def cells(self) -> tuple[str, ...]:
        """As a row of the table."""
        found = self.found
        lost = len(found.lost) + len(found.misnamed) + found.unfinished
        numbers = (self.kills, found.employees, found.accepted, found.twice, lost, found.in_doubt, self.bound)
        return (self.name, *(f"{number:,}" for number in numbers))


@dataclass(kw_only=True)
class Company:
    """A database with editions to send, its relay, and the workers that are killed over it."""

    engine: Engine
    url: str
    server: Server
    connections: int
    editions: int = 0
    kills: int = 0
    most: int = 0

    def put(self, people: int) -> None:
        """One more edition, all of it due."""
        year, week = divmod(self.editions, 52)
        put_edition(self.engine, people, period=f"{2026 + year}-W{week + 1:02}", due_at=LONG_AGO, next_attempt_at=LONG_AGO)
        self.editions += 1

    def count(self, state: str) -> list[int]:
        """How many messages stand in `state`, by the run that held them."""
        with read(self.engine) as connection:
            return list(connection.execute(select(func.count()).where(message.c.state == state).group_by(message.c.run_id)).scalars())

    def kill_one(self, wait: float) -> None:
        """Start a worker and kill it `wait` seconds after its first message."""
        before = self.server.file.stat().st_size
        with worker(self.url, self.server.port, connections=self.connections) as process:
            wait_until(lambda: process.poll() is not None or self.server.file.stat().st_size > before)
            time.sleep(wait)
            process.kill()
            process.communicate()
        self.note(process.returncode)

    def crash_at(self, point: str, turn: int) -> bool:
        """Start a worker that dies at `point`; False when it never came there."""
        with worker(self.url, self.server.port, connections=self.connections, crash=f"{point}:{turn}") as process:
            process.communicate()
        self.note(process.returncode)
        return process.returncode == -signal.SIGKILL

    def note(self, code: int) -> None:
        """Count a kill, and what the dead worker held."""
        self.kills += code == -signal.SIGKILL
        self.most = max([self.most, *self.count("sending")])

    def finish(self) -> None:
        """Work until nothing waits and nobody holds anything."""
        while self.count("queued") or self.count("sending"):
            said(worker(self.url, self.server.port, connections=self.connections))

    def end(self, name: str, trouble: list[str]) -> Round:
        """Compare mailbox and outbox; one more recovery must change nothing."""
        self.finish()
        before = messages(self.engine)
        said(worker(self.url, self.server.port, connections=self.connections))
        trouble += [f"{name}: a second recovery changed something"] if messages(self.engine) != before else []
        trouble += (
            [f"{name}: one kill left {self.most} messages held, {self.connections} connections were open"] if self.most > self.connections else []
        )
        bound = self.kills * self.connections
        found = tally(self.engine, self.server.mails())
        return Round(name=name, kills=self.kills, bound=bound, most=self.most, found=found, trouble=tuple(trouble))


@contextmanager
def company(server: Postgres | None, connections: int) -> Iterator[Company]:
    """Made for one round, with a database of its own."""
    with tempfile.TemporaryDirectory(prefix="digest-faults-") as folder, serving(Path(folder), delay=0.01) as relay:
        url = fresh(server) if server else f"sqlite:///{folder}/digest.db"
        engine = open_database(url)
        migrate.upgrade(engine)
        yield Company(engine=engine, url=url, server=relay, connections=connections)
        engine.dispose()


def fresh(server: Postgres) -> str:
    """The URL of a new database on `server`."""
    name = f"faults_{secrets.token_hex(4)}"
    engine = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(server.url).set(database=name).render_as_string(hide_password=False)


def random_kills(server: Postgres | None, name: str, kills: int, dice: Random, connections: int) -> Round:
    """Kill `kills` workers, each while it sends."""
    with company(server, connections) as on:
        while on.kills < kills:
            if sum(on.count("queued")) < EDITION // 2:
                on.put(EDITION)
            on.kill_one(dice.random() / 6)
        return on.end(name, [])


def every_point(server: Postgres | None, name: str, dice: Random, connections: int) -> Round:
    """Die once at each named point, at a pass of it that chance names."""
    trouble = []
    with company(server, connections) as on:
        for point in POINTS:
            on.put(FEW)
            if not on.crash_at(point, dice.randint(1, FEW // 6)):
                trouble.append(f"{name}: {point} was never reached")
            on.finish()
        return on.end(name, trouble)


def arguments() -> argparse.Namespace:
    """The words on the command line."""
    parser = argparse.ArgumentParser(prog="scripts/faults", description="Kill real deliveries and show what became of every message.")
    parser.add_argument("--kills", type=int, default=200, help="random kills on each database (200)")
    parser.add_argument("--seed", type=int, default=1, help="what the choices come from (1)")
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both", help="(both)")
    parser.add_argument("--connections", type=int, default=4, metavar="W", help="open connections of each run (4)")
    return parser.parse_args()


def main() -> int:
    """Print the table; 1 when the contract broke."""
    asked = arguments()
    began = time.monotonic()
    rounds: list[Round] = []
    with ExitStack() as stack:
        for name in ("sqlite", "postgres") if asked.database == "both" else (asked.database,):
            server = Postgres(own=True) if name == "postgres" else None
            if server:
                stack.callback(server.stop)
                if not server.url:
                    sys.stderr.write("scripts/faults: PostgreSQL is missing; install it, or say --database sqlite\n")
                    return 1
            rounds.append(random_kills(server, f"{name}, at random", asked.kills, Random(asked.seed), asked.connections))
            rounds.append(every_point(server, f"{name}, {len(POINTS)} points", Random(asked.seed), asked.connections))
    sys.stdout.write(table([HEAD, *(each.cells() for each in rounds)]))
    sys.stdout.write(f"\nW = {asked.connections} open connections, seed {asked.seed}, {time.monotonic() - began:,.0f} s. ")
    sys.stdout.write(f"The most that one killed run left behind: {max(each.most for each in rounds)}.\n")
    for each in rounds:
        sys.stdout.write("" if each.kept else f"BROKEN: {each}\n")
    kept = all(each.kept for each in rounds)
    sys.stdout.write("The contract held; every doubt is listed.\n" if kept else "The contract broke.\n")
    return 0 if kept else 1


def table(rows: list[tuple[str, ...]]) -> str:
    """Columns under each other, numbers to the right."""
    wide = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ("  ".join(cell.rjust(wide[n]) if n else cell.ljust(wide[n]) for n, cell in enumerate(row)) for row in rows)
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
