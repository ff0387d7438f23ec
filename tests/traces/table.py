"""Replay weeks of scanners and people and print how well they are told apart. Run by `scripts/traces`.

Each seed is a company of its own: one address for all or many, one browser for all or many, a filter that looks at every click
or none. Counted once per (token, link). Exits 1 when people are told less well than promised.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from digest.db import migrate
from digest.db.session import open_database
from digest.domain.visitor import RULES_VERSION
from tests.traces.company import week
from tests.traces.replay import Row, Score, Stage, Trace, score, settings_of

PRECISION, RECALL = 0.98, 0.95  # promised, of what counts as human


def replay(engine: Engine, seed: int, people: int, *, trap: bool = False) -> Stage:
    """One company's week in a database, played and judged."""
    played = week(seed, people, trap=trap)
    office = (ip_network(played.habit.office),) if played.habit.office else ()
    stage = Stage(engine, played, settings_of(honeypot=trap, company_networks=office))
    stage.play(stage.week.events)
    stage.judge()
    return stage


def _careless(dbapi: Any, _record: object) -> None:
    """What is thrown away need not survive a power cut."""
    dbapi.execute("PRAGMA synchronous=OFF")


def replay_afresh(seed: int, people: int, *, trap: bool = False) -> tuple[list[Row], list[Row]]:
    """The same in an SQLite file of its own: clicks and visits, each with its truth."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'digest.db'}"
        engine = open_database(url)
        event.listen(engine, "connect", _careless)
        migrate.upgrade(engine)
        stage = replay(engine, seed, people, trap=trap)
        found = stage.rows(), stage.rows(visits=True)
        stage.engine.dispose()
        return found


def pooled(scores: Sequence[Score]) -> Score:
    """Several seeds as one."""
    kinds: dict[str, Trace] = {}
    for one in scores:
        for name, found in one.kinds.items():
            kind = kinds.setdefault(name, Trace(human=found.human))
            kind.events, kind.links, kind.counted = kind.events + found.events, kind.links + found.links, kind.counted + found.counted
            kind.reasons.update(found.reasons)
    return Score(true=sum(s.true for s in scores), false=sum(s.false for s in scores), missed=sum(s.missed for s in scores), kinds=kinds)


def reach(rows: Sequence[Row]) -> Iterator[str]:
    """Visits to short links: what each kind of visitor was taken for."""
    kinds: dict[str, Counter[str]] = {}
    for row in rows:
        taken = "human" if row.verdict == "human" else f"{row.verdict} ({', '.join(row.reasons)})"
        kinds.setdefault(row.event.kind, Counter())[taken] += 1
    for name, counts in sorted(kinds.items()):
        yield f"{name:<22}{counts.total():>8,}   " + ", ".join(f"{count:,} {taken}" for taken, count in counts.most_common(4))


def lines(found: Score) -> Iterator[str]:
    """The table by kind of trace: people first."""
    yield f"{'':<22}{'events':>8}{'links':>8}{'human':>8}{'share':>9}   the others"
    for human, title in ((True, "People (share: recall)"), (False, "Machines (share: wrongly human)")):
        yield title
        for name, kind in sorted(found.kinds.items()):
            if kind.human is human:
                others = ", ".join(f"{count:,} {why}" for why, count in kind.reasons.most_common(3))
                share = f"{kind.counted / kind.links:.2%}" if kind.links else "-"
                yield f"  {name:<20}{kind.events:>8,}{kind.links:>8,}{kind.counted:>8,}{share:>9}   {others}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables; 1 when precision or recall is below what is promised."""
    parser = argparse.ArgumentParser(prog="scripts/traces", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1000, help="the first company (default: 1000)")
    parser.add_argument("--seeds", type=int, default=8, help="how many companies; what is promised holds over several (default: 8)")
    parser.add_argument("--people", type=int, default=400, help="people in each (default: 400)")
    parser.add_argument("--honeypot", action="store_true", help="the mails hold a link that no person sees")
    chosen = parser.parse_args(argv)
    scores, visits = [], []
    out = sys.stdout
    for seed in range(chosen.seed, chosen.seed + chosen.seeds):
        started = time.monotonic()
        clicks, came = replay_afresh(seed, chosen.people, trap=chosen.honeypot)
        scores.append(score(clicks))
        visits += came
        took = time.monotonic() - started
        out.write(f"seed {seed}: {len(clicks):,} clicks, precision {scores[-1].precision:.4f}, recall {scores[-1].recall:.4f} ({took:.0f} s)\n")
        out.flush()
    whole = pooled(scores)
    out.write(f"\nRules version {RULES_VERSION}, {chosen.seeds} companies of {chosen.people} people, counted once per (token, link)\n\n")
    out.write("\n".join([*lines(whole), "", "Visits to short links, each event", *reach(visits)]) + "\n")
    kept = whole.precision >= PRECISION and whole.recall >= RECALL
    out.write(
        f"\nPrecision {whole.precision:.4f} (promised {PRECISION}), recall {whole.recall:.4f} (promised {RECALL}): {'kept' if kept else 'broken'}\n"
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
