"""Plan an edition for many people into a database that is being clicked on: `python -m tests.bench.clicks.planner FOLDER PEOPLE`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digest.config import load_config
from digest.db.session import open_database
from digest.pipeline import edition
from tests.bench.plan import fill


def main(folder: Path, people: int) -> None:
    """Fill the roster, say so, plan the week after next."""
    config = load_config(folder / "config.toml", {})
    engine = open_database(config.database.url, base=folder)
    fill(engine, people, "example.net")
    print("planning", flush=True)
    edition.plan(engine, config, now=datetime.now(UTC) + timedelta(days=14))
    engine.dispose()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
