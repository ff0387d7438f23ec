"""A delivering process for the fault tests: `python -m tests.faults.worker DATABASE_URL PORT [JSON]`. Prints what it did.

JSON: connections, on_doubt, at_once, grace, padding, and `file_limit`, octets that any file may have (a full disk).
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import threading
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from digest.db.session import open_database
from digest.errors import DigestError
from digest.pipeline.delivery import deliver
from digest.smtp.relay import Relay
from tests.renderer import Letters


def main() -> int:
    """Deliver once; exit 0 done, 1 expected error."""
    options: dict[str, Any] = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    limit, padding = options.pop("file_limit", 0), options.pop("padding", 2000)
    relay = Relay(host="127.0.0.1", port=int(sys.argv[2]), connections=options.pop("connections", 4))
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    letters = Letters(padding=padding)
    engine = open_database(sys.argv[1])
    try:
        done = deliver(
            engine,
            renderers=lambda _edition: letters,
            relay=relay,
            clock=lambda: datetime.now(UTC),
            deadline=timedelta(days=9000),
            stop=stop,
            **options,
        )
    except DigestError as error:
        print(error, file=sys.stderr)  # noqa: T201 - what the test reads
        return 1
    print(json.dumps(asdict(done)))  # noqa: T201 - the same
    return 0


if __name__ == "__main__":
    sys.exit(main())
