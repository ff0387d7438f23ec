"""Delivery: until nothing more can be sent now, claim, send, settle. N threads, each with a connection of its own.

Connect first, claim second: a relay that is away costs no message its place. What a reply means is decided by the table in
`domain/phase.py`, when to try again by `domain/retry.py`; every commit goes through one committer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Engine

from digest.db import outbox, runs, sweeps
from digest.domain.message import MessageState
from digest.pipeline.committer import Limits
from digest.pipeline.crew import Crew, Rules
from digest.pipeline.letters import Renderer
from digest.smtp.relay import Relay


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What one run did. `in_doubt` and `suppressed` count what it found as well as what it caused."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    in_doubt: int = 0
    suppressed: int = 0
    already_sending: bool = False
    transport_error: str | None = None


def deliver(  # noqa: PLR0913 - a run's whole surroundings, named
    engine: Engine,
    *,
    renderers: Callable[[int], Renderer],
    relay: Relay,
    clock: Callable[[], datetime],
    on_doubt: Literal["hold", "resend"] = "hold",
    deadline: timedelta = timedelta(hours=48),
    grace: float = 30,
    at_once: bool = False,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] = lambda _more: None,
) -> Delivery:
    """Send what is due (`at_once`: what is planned), until nothing more can be sent now. Raises StorageError.

    `stop` ends it early: nothing new is claimed, and what is on the wire gets `grace` seconds. `on_doubt="resend"` sends
    again what got no answer (at least once), `"hold"` leaves it to an operator (at most once).
    """
    with runs.delivering(engine, clock) as run:
        if run is None:
            return Delivery(already_sending=True)

        def until() -> datetime:
            return outbox.FOREVER if at_once else clock()

        with run.connection.begin():
            doubted = sweeps.recover(run.connection, runs.dead(run.connection, run.id), on_doubt, clock())
            expired = sweeps.expire(run.connection, deadline, clock())
            sweeps.close_finished(run.connection)
            retry = outbox.deferred(run.connection) if at_once else None
            waiting = outbox.due(run.connection, until(), relay.connections)
        rules = Rules(on_doubt=on_doubt, deadline=deadline, grace=grace, at_once=at_once)
        limits = Limits(deadline=deadline, per_minute=relay.per_minute, retry=retry)
        crew = Crew(engine, run, rules, relay, clock=clock, renderers=renderers, limits=limits, progress=progress, stop=stop or threading.Event())
        if waiting:
            crew.send(waiting)
        with run.connection.begin():
            expired += sweeps.expire(run.connection, deadline, clock())
            sweeps.close_finished(run.connection)
            left = outbox.due(run.connection, until(), 1, (MessageState.QUEUED,))
        counts = crew.counts
        return Delivery(
            sent=counts[MessageState.SENT],
            deferred=counts[MessageState.DEFERRED],
            failed=counts[MessageState.FAILED] + expired,
            in_doubt=counts[MessageState.IN_DOUBT] + (doubted if on_doubt == "hold" else 0),
            suppressed=counts[MessageState.SUPPRESSED] + counts[MessageState.SKIPPED],
            transport_error=crew.trouble(left=left > 0),
        )
