"""For longer than the tests: kill the real server of the links under load, and stop its database meanwhile; print what became of every press.

`scripts/faults clicks`, `scripts/faults clicks --kills 50 --seed 7 --database sqlite`. Exits 1 when an answered press was lost or doubled.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from digest.config import load_config
from digest.db import migrate
from digest.db.session import open_database
from digest.pipeline.replaying import replay, spool_of
from tests.away import Database, wait_for
from tests.faults import pressing
from tests.faults.pressing import Crowd
from tests.linked import Linked
from tests.needs import Postgres


@dataclass(frozen=True, kw_only=True)
class Round:
    """What became of the presses of one database."""

    name: str
    kills: int
    outages: int
    pressed: int
    answered: int
    recorded: int
    lost: int
    doubled: int
    replayed: int

    def line(self) -> str:
        """One line of the table."""
        numbers = (self.kills, self.outages, self.pressed, self.answered, self.recorded, self.replayed, self.lost, self.doubled)
        return f"{self.name:<10}" + "".join(f"{number:>11,}" for number in numbers)


HEAD = f"{'database':<10}" + "".join(
    f"{name:>11}" for name in ("kills", "outages", "pressed", "answered", "recorded", "from disk", "lost", "doubled")
)


@contextmanager
def prepared(name: str) -> Iterator[tuple[Path, int, Database]]:
    """A folder with a configuration over linked tables, the port of the pages, and the database."""
    server = Postgres(own=True, durable=True) if name == "postgres" else None
    with tempfile.TemporaryDirectory(prefix="digest-clicks-") as folder:
        url = server.url if server else f"sqlite:///{folder}/digest.db"
        engine, port = open_database(url), pressing.port()
        migrate.upgrade(engine)
        Linked(engine)
        pressing.configure(Path(folder), url, port)
        yield Path(folder), port, Database(engine=engine, server=server)
        engine.dispose()
    if server:
        server.stop()


def kills(name: str, count: int, dice: Random) -> Round:
    """Kill the server `count` times; before every third kill PostgreSQL goes away as well and stays so until the server is back."""
    answered: set[str] = set()
    pressed = outages = replayed = 0
    with prepared(name) as (home, port, database):
        for turn in range(count):
            away = database.server is not None and turn % 3 == 2
            with pressing.serving(home, port) as process, Crowd(port, people=12) as crowd:
                wait_for(lambda: len(crowd.answered) > 20)
                time.sleep(dice.random())
                if away:
                    database.go()
                    time.sleep(dice.random())
                pressing.kill(process)
            if away:
                database.come_back()
                outages += 1
            answered |= crowd.answered
            pressed += crowd.pressed
            replayed += replay(database.engine, spool_of(load_config(home / "config.toml"))).stored
        found = pressing.recorded(database.engine)
    lost, doubled = len(answered - set(found)), len(found) - len(set(found))
    counts = {"pressed": pressed, "answered": len(answered), "recorded": len(found), "replayed": replayed, "lost": lost, "doubled": doubled}
    return Round(name=name, kills=count, outages=outages, **counts)


def main() -> int:
    """Print the table; 1 when a press was lost or doubled."""
    parser = argparse.ArgumentParser(prog="scripts/faults clicks", description="Kill the server of the links and show what became of every press.")
    parser.add_argument("--kills", type=int, default=30, help="on each database (30)")
    parser.add_argument("--seed", type=int, default=1, help="what the moments come from (1)")
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both", help="(both)")
    asked = parser.parse_args()
    sys.stdout.write(f"{HEAD}\n")
    rounds = []
    for name in ("sqlite", "postgres") if asked.database == "both" else (asked.database,):
        rounds.append(kills(name, asked.kills, Random(asked.seed)))
        sys.stdout.write(f"{rounds[-1].line()}\n")
    kept = not any(one.lost or one.doubled for one in rounds)
    sys.stdout.write("Every press that was answered is in the database, once.\n" if kept else "BROKEN\n")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
