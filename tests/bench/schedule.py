"""Turn the clock through the weeks of two years, with somebody in every zone of the world. Run by `scripts/bench schedule [WEEKS] [DAY]`.

Every letter goes over SMTP to a relay on this machine; at the end each person has one letter or one named skip for each
week, at their own hour, never in quiet hours and never on a day off, or this stops with what it found.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import perf_counter

from digest.db import migrate
from digest.db.session import open_database
from digest.domain.calendar import day_in, period_of
from tests.simulated import Simulation, everywhere, judge

BEFORE = "2026-W01"  # the week before the first
CLOSED = ("12-24", "12-31")
WEEKS = 104


def main() -> None:
    """Play, judge, and print the figures."""
    weeks = int(sys.argv[1]) if len(sys.argv) > 1 else WEEKS
    day = sys.argv[2] if len(sys.argv) > 2 else "tuesday"
    people = everywhere()
    begin = datetime.combine(day_in(BEFORE, day), time.min, UTC) + timedelta(days=4)  # that week is over, and the first not planned yet
    periods = [period_of(begin.date() + timedelta(weeks=n, days=3)) for n in range(weeks)]
    with tempfile.TemporaryDirectory(prefix="digest-schedule-") as folder:
        engine = open_database(f"sqlite:///{folder}/digest.db")
        migrate.upgrade(engine)
        simulated = Simulation(engine, Path(folder), people, begin, day=day, closed=CLOSED)
        start = perf_counter()
        with simulated.relay:
            for n in range(weeks):
                simulated.run(begin + timedelta(weeks=n + 1))
                print(f"\r{n + 1} of {weeks} weeks", end="", file=sys.stderr)
            simulated.run(begin + timedelta(weeks=weeks, days=6))  # what a holiday moved beyond its week
        seconds = perf_counter() - start
        endings = judge(simulated, periods, len(people), CLOSED)
        verdict = simulated.verdict()
        engine.dispose()
    print(f"\n{weeks} weeks, {len(people)} people, one in each zone; due on {day} at 09:00 on each one's clock")
    print(f"{simulated.ticks:>10,} ticks in {seconds:,.0f} s\n{len(simulated.relay.taken):>10,} messages at the relay")
    for name, count in sorted(endings.items()):
        print(f"{count:>10,} {name}")
    print("\n".join(verdict) or "verify: every expected edition happened")


if __name__ == "__main__":
    main()
