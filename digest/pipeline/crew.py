"""A run's threads: each owns one connection to the relay, and asks the committer for its next message."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Engine

from digest.db import standing
from digest.db.runs import Run
from digest.db.session import write
from digest.db.settlement import Settlement, Try
from digest.domain.breaker import Breaker
from digest.domain.message import FailReason, Message, MessageState
from digest.domain.phase import TEXT_LIMIT, Decision, Effect, Kind, Outcome, Phase, decide
from digest.domain.retry import next_attempt
from digest.pipeline import crash
from digest.pipeline.committer import BREAKER, Answer, Committer, Done, Limits
from digest.pipeline.letters import Letters, Renderer
from digest.smtp.connection import Connection
from digest.smtp.relay import Relay

_log = logging.getLogger(__name__)
_REOPENINGS = (0.5, 1.0, 2.0)  # seconds between tries to come back to a relay that was there a moment ago
_LONGEST_PAUSE = 30.0
_LOOK = 0.1  # seconds between looks at the stop event


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How a run behaves; see `deliver`."""

    on_doubt: Literal["hold", "resend"]
    deadline: timedelta
    grace: float
    at_once: bool


class Crew:
    """One run's threads and what they share."""

    def __init__(  # noqa: PLR0913 - see deliver
        self,
        engine: Engine,
        run: Run,
        rules: Rules,
        relay: Relay,
        *,
        clock: Callable[[], datetime],
        renderers: Callable[[int], Renderer],
        limits: Limits,
        progress: Callable[[int], None],
        stop: threading.Event,
    ) -> None:
        self._engine = engine
        self._rules = rules
        self._relay = relay
        self._clock = clock
        self._editions = Letters(engine, renderers)
        self._stop = stop
        self._watch = crash.armed()
        self._committer = Committer(
            engine, run, clock=clock, limits=limits, breaker=Breaker(connections=relay.connections), progress=progress, crash=self._watch
        )
        self._halt = threading.Event()
        self._rest_until = 0.0
        self._pauses = 0
        self._connections: list[Connection] = []
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self._transport = ""  # the last failure to open a connection
        self._fatal = ""  # the failure that ended the run

    def send(self, waiting: int) -> None:
        """Open the first connection, then as many as there is work for, and wait for all."""
        first = Connection(self._relay)
        if not self._open(first):
            self._fatal = self._transport
            return
        self._connections = [first, *(Connection(self._relay) for _ in range(min(self._relay.connections, waiting) - 1))]
        threads = [threading.Thread(target=self._worker, args=(n, one), daemon=True) for n, one in enumerate(self._connections, start=1)]
        with self._committer:
            for thread in threads:
                thread.start()
            self._wait(threads)
        if self._error is not None:
            raise self._error

    @property
    def counts(self) -> Counter[str]:
        """State -> how many messages went into it."""
        return self._committer.counts

    def trouble(self, *, left: bool) -> str | None:
        """What an operator must hear. A connection that failed is worth a word only when work was `left` undone."""
        return self._fatal or self._committer.stopped_by or (self._transport if left else "") or None

    def _wait(self, threads: list[threading.Thread]) -> None:
        """Until all threads are done; after a stop they get the grace period, then their connections are broken off."""
        broken_off = None
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(_LOOK)
                    if self._stopping and broken_off is None:
                        broken_off = time.monotonic() + self._rules.grace
                    if broken_off is not None and time.monotonic() >= broken_off:
                        self._break_off()
        except BaseException:
            self._halt.set()
            self._break_off()
            for thread in threads:
                thread.join()
            raise

    def _break_off(self) -> None:
        for connection in self._connections:
            connection.abort()

    @property
    def _stopping(self) -> bool:
        return self._stop.is_set() or self._halt.is_set()

    def _worker(self, number: int, connection: Connection) -> None:
        try:
            self._loop(number, connection)
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits for all
            self._error = self._error or error
            self._halt.set()
        finally:
            connection.close()

    def _loop(self, number: int, connection: Connection) -> None:
        done: Done | None = None
        while True:
            ready = connection.usable and not self._stopping and not self._resting
            if not ready:
                if done is not None:
                    self._committer.exchange(done, want=False)
                    done = None
                if not self._rest() or not (connection.usable or self._reopen(connection)):
                    return
            answer = self._committer.exchange(done, want=True)
            done = None
            if answer.message is not None:
                done = self._offer(number, connection, answer.message)
            elif not self._go_on(answer):
                return

    def _go_on(self, answer: Answer) -> bool:
        """Wait for the rate limit; False when there is nothing more to do."""
        if answer.wait:
            self._sleep(answer.wait)
        return answer.wait > 0

    @property
    def _resting(self) -> bool:
        return self._rest_until > time.monotonic()

    def _rest(self) -> bool:
        """Give the relay its pause; False when the run is stopping."""
        while self._resting and not self._stopping:
            self._sleep(self._rest_until - time.monotonic())
        return not self._stopping

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._stopping:
            self._stop.wait(min(left, _LOOK))

    def _reopen(self, connection: Connection) -> bool:
        """Come back to the relay; a connection that was never open gets one try, for the relay may limit their number."""
        for pause in (*(_REOPENINGS if connection.opened else ()), 0.0):
            if self._open(connection):
                return True
            if self._stopping or not pause:
                break
            self._sleep(pause)
        return False

    def _open(self, connection: Connection) -> bool:
        outcome = connection.open()
        if outcome.accepted:
            self._transport = ""
            return True
        self._transport = sentence(self._relay, outcome)
        _log.info("%s", self._transport)
        if decide(outcome).effect is Effect.BREAKER:
            self._halt.set()
            self._fatal = self._transport
            with write(self._engine) as database:
                standing.pause_open(database, reason=f"breaker: the login is refused: {outcome.text}"[:TEXT_LIMIT], who=BREAKER, now=self._clock())
        return False

    def _offer(self, number: int, connection: Connection, message: Message) -> Done:
        """Render, send, and decide what the message becomes."""
        try:
            sender, wire = self._editions.letter(message)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one message must not stop the others
            _log.warning("message %s cannot be rendered: %s", message.id, error)
            return _unmade(message, error, number)
        outcome = connection.send(sender, message.address, wire, self._watch)
        decision = decide(outcome)
        if decision.effect is Effect.PAUSE:
            self._pause()
        elif outcome.accepted:
            self._pauses = 0
        return self._done(message, outcome, decision, number)

    def _pause(self) -> None:
        """Rest the relay: 1, 2, 4 ... 30 seconds; connections that were told so together share one pause."""
        with self._lock:
            if not self._rules.at_once and not self._resting:
                self._rest_until = time.monotonic() + min(2.0**self._pauses, _LONGEST_PAUSE)
                self._pauses += 1

    def _done(self, message: Message, outcome: Outcome, decision: Decision, number: int) -> Done:
        state, reason, again = decision.state, decision.reason, None
        resend = state is MessageState.IN_DOUBT and self._rules.on_doubt == "resend"
        if state is MessageState.DEFERRED or resend:
            due = message.due_at + self._rules.deadline
            jitter = random.random()  # noqa: S311 - spreads load, guards nothing
            again = next_attempt(message.attempts + 1, outcome, due, self._clock(), jitter)
            if again is not None:
                state = MessageState.DEFERRED
            elif not resend:
                state, reason = MessageState.FAILED, FailReason.EXPIRED
        tried = Try(phase=outcome.phase, code=outcome.code, text=outcome.text, connection=number)
        settlement = Settlement(message=message, state=state, reason=reason, next_attempt_at=again, attempt=tried)
        return Done(settlement=settlement, decision=decision)


def _unmade(message: Message, error: Exception, number: int) -> Done:
    decision = Decision(state=MessageState.FAILED, reason=FailReason.RENDER, effect=Effect.NONE)
    tried = Try(phase="render", code=None, text=f"{type(error).__name__}: {error}"[:TEXT_LIMIT], connection=number)
    settlement = Settlement(message=message, state=decision.state, reason=decision.reason, next_attempt_at=None, attempt=tried)
    return Done(settlement=settlement, decision=decision)


_FAULTS = {
    Phase.CONNECT: "Check smtp.host and smtp.port.",
    Phase.STARTTLS: "Check smtp.security and the relay's certificate.",
    Phase.AUTH: "Check smtp.username and DIGEST_SMTP_PASSWORD, then run `digest edition resume`.",
}


def sentence(relay: Relay, outcome: Outcome) -> str:
    """Why the relay cannot be used, and what to check."""
    said = outcome.text or outcome.kind
    if outcome.kind is Kind.BROKEN and outcome.phase is Phase.CONNECT:
        return f"SMTP relay {relay.place} {said}; nothing was offered, so nothing is lost. {_FAULTS[Phase.CONNECT]}"
    hint = _FAULTS.get(outcome.phase, "Check the relay's own log.")
    return f"SMTP relay {relay.place} cannot be used ({outcome.phase}): {said}; nothing was offered, so nothing is lost. {hint}"
