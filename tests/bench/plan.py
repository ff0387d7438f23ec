"""Plan an edition of 60 posts for ever more employees, each size in a process of its own. Run by `scripts/bench plan [SIZE ...]`.

Memory must not grow with the roster; the figures of one run belong together.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, insert

from digest.db import migrate
from digest.db.schema import employee
from digest.db.session import open_database, write
from digest.pipeline import edition
from tests.factories import company, person

POSTS = 60
SIZES = (1_000, 10_000, 100_000)
TOPICS = ("field", "firmware", "people", "quality", "recycling", "safety")
EVENING = datetime(2026, 11, 23, 18, tzinfo=UTC)


def queue() -> str:
    """Sixty posts, half of them by a colleague."""
    posts = []
    for n in range(POSTS):
        by = 'by = "ana@example.org"\n' if n % 2 else ""
        words = f'title = "Post number {n}"\nurl = "https://example.com/{n}"\nwhy = "Something worth saying about {n}."\n'
        posts.append(f'[[post]]\nid = "post-{n}"\n{words}topics = ["{TOPICS[n % len(TOPICS)]}"]\n{by}')
    return "".join(posts)


def people(count: int, domain: str = "example.org") -> Iterator[dict[str, Any]]:
    """Employees of four countries and twenty teams, each with up to three topics."""
    random = Random(48)
    for n in range(1, count):
        yield person(
            f"person{n:07}@{domain}",
            country=random.choice(("DE", "IN", "KE", "PT")),
            team=f"Team {random.randint(1, 20)}",
            language=random.choice(("de", "en")),
            zone=random.choice(("Asia/Kolkata", "Europe/Berlin", "Africa/Nairobi")),
            topics=sorted(random.sample(TOPICS, random.randint(0, 3))),
        )


def fill(engine: Engine, count: int, domain: str = "example.org") -> None:
    """Put them on the roster, a thousand at a time."""
    chunk: list[dict[str, Any]] = []
    for row in people(count, domain):
        chunk.append(row)
        if len(chunk) == SIZES[0]:
            with write(engine) as connection:
                connection.execute(insert(employee), chunk)
            chunk.clear()
    if chunk:
        with write(engine) as connection:
            connection.execute(insert(employee), chunk)


def measure(count: int) -> None:
    """Plan for `count` people and print a row."""
    with tempfile.TemporaryDirectory(prefix="digest-bench-") as folder:
        engine = open_database(f"sqlite:///{folder}/digest.db")
        migrate.upgrade(engine)
        config = company(engine, Path(folder), [person("ana@example.org")], queue=queue())
        fill(engine, count)
        start = time.perf_counter()
        planned = edition.plan(engine, config, now=EVENING)
        seconds = time.perf_counter() - start
        engine.dispose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{planned.edition.audience:>10,} {seconds:>9.1f} {planned.edition.audience / seconds:>12,.0f} {peak:>8}")


def main() -> None:
    """A table, one process a row."""
    if len(sys.argv) > 2 and sys.argv[1] == "--one":
        measure(int(sys.argv[2]))
        return
    print(f"{POSTS} posts, SQLite, synchronous=FULL, rows and tokens included\n{'employees':>10} {'seconds':>9} {'employees/s':>12} {'peak MB':>8}")
    sys.stdout.flush()
    for size in [int(word) for word in sys.argv[1:]] or SIZES:
        subprocess.run([sys.executable, "-m", "tests.bench.plan", "--one", str(size)], check=True)


if __name__ == "__main__":
    main()
