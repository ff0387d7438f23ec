"""A delivering process for the fault tests: `python -m tests.faults.worker DATABASE_URL PORT [JSON]`. Prints what it did.

JSON: what `Policy` takes (on_doubt, at_once, grace), connections (of each relay), padding,
`also`, ports of more relays, and what goes wrong:
`file_limit`, octets that any file may have (a full disk); `leaps`, [[seconds after the start, seconds the clock leaps], ...];
`synchronous` and `checkpoint`, SQLite's own settings.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, event

from digest.db.session import open_database
from digest.errors import DigestError
from digest.pipeline.delivery import deliver
from digest.pipeline.policy import Policy
from digest.smtp.relay import Relay
from tests.renderer import Letters


def leaping(leaps: Sequence[tuple[float, float]]) -> Callable[[], datetime]:
    """A clock that somebody sets while it runs."""
    started = time.monotonic()

    def clock() -> datetime:
        ran = time.monotonic() - started
        return datetime.now(UTC) + timedelta(seconds=sum(far for after, far in leaps if ran >= after))

    return clock


def database(url: str, pragmas: dict[str, Any]) -> Engine:
    """The engine the product makes, with SQLite's settings changed behind its back."""
    engine = open_database(url)

    def change(dbapi: Any, _record: object) -> None:
        for name, value in pragmas.items():
            dbapi.execute(f"PRAGMA {name}={value}")

    if pragmas:
        event.listen(engine, "connect", change)
    return engine


def main() -> int:
    """Deliver once; exit 0 done, 1 expected error."""
    options: dict[str, Any] = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    limit, padding, leaps = options.pop("file_limit", 0), options.pop("padding", 2000), options.pop("leaps", ())
    deadline = timedelta(seconds=options.pop("deadline", 9000 * 86400))
    pragmas = {
        pragma: options.pop(name) for name, pragma in (("synchronous", "synchronous"), ("checkpoint", "wal_autocheckpoint")) if name in options
    }
    relay = Relay(host="127.0.0.1", port=int(sys.argv[2]), connections=options.pop("connections", 4))
    relays = [relay, *(Relay(name="also", host="127.0.0.1", port=port, connections=relay.connections) for port in options.pop("also", ()))]
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    letters = Letters(padding=padding)
    engine = database(sys.argv[1], pragmas)
    try:
        policy = Policy(deadline=deadline, **options)
        done = deliver(engine, renderers=lambda _edition: letters, relays=relays, clock=leaping(leaps), policy=policy, stop=stop)
    except DigestError as error:
        print(error, file=sys.stderr)  # noqa: T201 - what the test reads
        return 1
    print(json.dumps(asdict(done)))  # noqa: T201 - the same
    return 0


if __name__ == "__main__":
    sys.exit(main())
