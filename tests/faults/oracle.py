"""The oracle of the fault tests: a real SMTP server's mailbox against the outbox, after recovery.

Per employee the mailbox holds one message or none. None means not sent; one that is not sent is in doubt.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select

from digest.db.schema import employee, message
from digest.db.session import read
from digest.pipeline import outbox
from tests.letters import editions, send, states
from tests.sink import Sink

W = 4  # open connections
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)
NEVER = timedelta(days=9000)  # a deadline that no test reaches


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What the mailbox and the outbox say about each other, all editions together."""

    employees: int
    accepted: int  # messages the server took
    twice: int  # of them, second copies
    lost: tuple[str, ...]  # addresses without a message that the outbox calls sent
    misnamed: tuple[str, ...]  # addresses with a message that the outbox calls neither sent nor in doubt
    in_doubt: int
    listed: int  # what `edition resolve` would show
    unfinished: int  # queued, or held by nobody
    identity: bool  # every edition's audience is the sum of its states

    @property
    def kept(self) -> bool:
        """No duplicate, nothing lost without a name, every doubt listed, nobody forgotten."""
        return self.identity and not (self.twice or self.lost or self.misnamed or self.unfinished) and self.in_doubt == self.listed


def tally(engine: Engine, mails: Sequence[dict[str, Any]]) -> Tally:
    """Compare, changing nothing."""
    arrived = Counter(mail["to"] for mail in mails)
    with read(engine) as connection:
        joined = select(message.c.state, employee.c.mailbox).join(employee, employee.c.id == message.c.employee_id)
        rows = [(row.state, row.mailbox) for row in connection.execute(joined)]
        known = editions(engine)
        counts = [outbox.counts(connection, found.id) for found in known]
        listed = sum(len(outbox.doubts(connection, found.id)) for found in known)
    found = Counter(state for state, _ in rows)
    return Tally(
        employees=len(rows),
        accepted=arrived.total(),
        twice=arrived.total() - len(arrived),
        lost=tuple(address for state, address in rows if state == "sent" and not arrived[address]),
        misnamed=tuple(address for state, address in rows if arrived[address] and state not in {"sent", "in_doubt"}),
        in_doubt=found["in_doubt"],
        listed=listed,
        unfinished=found["queued"] + found["sending"],
        identity=[sum(each.values()) for each in counts] == [edition.audience for edition in known],
    )


def check(engine: Engine, mails: Sequence[dict[str, Any]], *, audience: int, doubts: int) -> None:
    """The contract: no duplicate, nothing lost without a name, at most `doubts` in doubt, each listed."""
    found = tally(engine, mails)
    assert found.kept, found
    assert found.employees == audience
    assert found.in_doubt <= doubts, found


def recover(engine: Engine, sink: Sink, **options: Any) -> None:
    """Runs until nothing is held any more; a killed PostgreSQL client keeps its lock for some milliseconds."""
    for _ in range(20):
        send(engine, sink, **{"now": datetime.now(UTC), "connections": W, "deadline": NEVER, **options})
        if not {"sending", "queued"} & set(states(engine)):
            return
        time.sleep(0.05)


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Until `true` says so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.005)
