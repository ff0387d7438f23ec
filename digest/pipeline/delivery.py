"""Delivery: until nothing more can be sent now, claim, send, settle. One thread, many connections.

Connect first, claim second: a relay that is away costs no message its place. What a reply means is decided by the table in
`domain/phase.py`, when to try again by `domain/retry.py`; every commit goes through one committer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from digest.db import evidence, outbox, routes, runs, sweeps
from digest.db.hot import WAITING
from digest.db.session import yield_to_others
from digest.domain.message import MessageState
from digest.domain.routing import stands_in_for
from digest.pipeline import crash
from digest.pipeline.committer import Committer
from digest.pipeline.crew import Crew
from digest.pipeline.letters import Letters, Renderer
from digest.pipeline.policy import Policy
from digest.smtp.relay import Relay

DEFAULT = Policy()
_STEP = 2000  # rows given up in one transaction


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What one run did. `in_doubt` and `suppressed` count what it found as well as what it caused."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    in_doubt: int = 0
    suppressed: int = 0
    notices: int = 0  # single letters about one person's own affair that were accepted
    already_sending: bool = False
    transport_error: str | None = None


def deliver(
    engine: Engine,
    *,
    renderers: Callable[[int], Renderer],
    relays: Sequence[Relay],
    clock: Callable[[], datetime],
    policy: Policy = DEFAULT,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] = lambda _more: None,
) -> Delivery:
    """Send what is due (at once: what is planned), until nothing more can be sent now. Raises StorageError.

    `stop` ends it early: nothing new is claimed, and what is on the wire gets the grace period.
    """
    routes.deal(engine, [relay.route for relay in relays])
    with runs.delivering(engine, clock) as run:
        if run is None:
            return Delivery(already_sending=True)
        named = {relay.name: relay for relay in relays}
        with run.connection.begin():
            evidence.settle(run.connection, clock())
            doubted = sweeps.recover(run.connection, runs.dead(run.connection, run.id), policy.on_doubt, clock())
        expired = _expire(run, policy, clock())
        with run.connection.begin():
            sweeps.close_finished(run.connection)
            retry = outbox.deferred(run.connection) if policy.at_once else None
            rests = {} if policy.at_once else routes.rests(run.connection, clock())
        committer = Committer(
            engine=engine,
            run=run,
            relays=named,
            policy=policy,
            clock=clock,
            progress=progress,
            crash=crash.armed() or (lambda _point: None),
            retry=retry,
            away=set(rests) & set(named),
        )

        def needs() -> Mapping[str, int]:
            with run.connection.begin():
                waiting = {name: _due(run, policy, clock, name, relay.connections) for name, relay in named.items()}
                resting = {} if policy.at_once else routes.rests(run.connection, clock())
            committer.away |= set(resting) & set(named)
            return _shared(waiting, named, set(resting))

        letters = Letters(engine, renderers, policy)
        crew = Crew(engine, committer, letters, runs.Slots(run=run), needs=needs, stop=stop or threading.Event())
        if any(needs().values()):
            crew.send()
        expired += _expire(run, policy, clock())
        with run.connection.begin():
            sweeps.close_finished(run.connection)
            left = any(_due(run, policy, clock, name, 1, (MessageState.QUEUED,)) for name in named)
        counts = committer.counts
        return Delivery(
            sent=counts[MessageState.SENT],
            deferred=counts[MessageState.DEFERRED],
            failed=counts[MessageState.FAILED] + expired,
            in_doubt=counts[MessageState.IN_DOUBT] + (doubted if policy.on_doubt == "hold" else 0),
            suppressed=counts[MessageState.SUPPRESSED] + counts[MessageState.SKIPPED],
            transport_error=crew.trouble(left=left) or " ".join(f"{name} rests: {why}." for name, why in rests.items()) or None,
        )


def _due(run: runs.Run, policy: Policy, clock: Callable[[], datetime], route: str, most: int, states: Sequence[MessageState] = WAITING) -> int:
    return outbox.due(run.connection, outbox.FOREVER if policy.at_once else clock(), most, route, states)


def _shared(waiting: dict[str, int], relays: dict[str, Relay], away: set[str]) -> dict[str, int]:
    """Transport -> how many lines it needs. One that may have to stand in for another is ready for what that one has to do."""
    known = [relay.route for relay in relays.values()]
    needed = {name: max([count, *(waiting[other] for other in stands_in_for(name, known))]) for name, count in waiting.items()}
    return {name: count for name, count in needed.items() if count and name not in away}


def _expire(run: runs.Run, policy: Policy, now: datetime) -> int:
    """Give up what is too late, in steps that nobody waits long for."""
    count = 0
    while True:
        with run.connection.begin():
            done = sweeps.expire(run.connection, policy.deadline, now, most=_STEP)
        count += done
        if not done:
            return count
        yield_to_others(run.connection.engine)
