"""One thread that commits for all connections: settlements and claims that have gathered share one transaction.

A connection asks, waits, and goes on when the commit has returned: no MAIL before its claim is on disk, no next MAIL
before the last reply is. With everybody's requests in one commit a durable outbox costs one fsync a batch.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from digest.db import outbox, settlement, standing
from digest.db.outbox import Claim
from digest.db.runs import Run
from digest.db.session import storage_errors
from digest.db.settlement import Settlement
from digest.domain.breaker import Breaker
from digest.domain.message import Message, MessageState
from digest.domain.phase import Decision

_REST = timedelta(minutes=5)  # of a domain that asked for it
_MINUTE = timedelta(minutes=1)
BREAKER = "breaker"


@dataclass(frozen=True, kw_only=True)
class Done:
    """One connection's last message: what it became, and what the table said."""

    settlement: Settlement
    decision: Decision


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a connection gets back after the commit: a message, a wait in seconds, or neither when there is nothing to do."""

    message: Message | None = None
    wait: float = 0
    error: BaseException | None = None


@dataclass(frozen=True, kw_only=True)
class _Request:
    done: Done | None
    want: bool
    reply: queue.SimpleQueue[Answer]


@dataclass(kw_only=True)
class Limits:
    """What bounds claims. `retry`: see `outbox.Claim`; it is there exactly in an at-once run."""

    deadline: timedelta
    per_minute: int = 0
    retry: dict[int, list[int]] | None = None
    resting: dict[str, datetime] = field(default_factory=dict)


class Committer:
    """Takes requests from any thread; commits them in its own, on the run's connection."""

    def __init__(
        self,
        engine: Engine,
        run: Run,
        *,
        clock: Callable[[], datetime],
        limits: Limits,
        breaker: Breaker,
        progress: Callable[[int], None],
        crash: Callable[[str], None] | None,
    ) -> None:
        self._engine = engine
        self._run = run
        self._clock = clock
        self._limits = limits
        self._breaker = breaker
        self._progress = progress
        self._crash = crash or (lambda _point: None)
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._sending = 0
        self._edition: int | None = None  # of the last claim
        self._error: BaseException | None = None
        self.counts: Counter[str] = Counter()
        self.stopped_by = ""  # why the breaker opened
        self._thread = threading.Thread(target=self._loop, name="committer", daemon=True)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Finish what was asked and end the thread."""
        self._requests.put(None)
        self._thread.join()

    def exchange(self, done: Done | None, *, want: bool) -> Answer:
        """Record `done` and, if wanted, claim the next message; returns when both are on disk. Raises StorageError."""
        reply: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._requests.put(_Request(done=done, want=want, reply=reply))
        answer = reply.get()
        if answer.error is not None:
            raise answer.error
        return answer

    def _loop(self) -> None:
        while (first := self._requests.get()) is not None:
            batch = [first]
            while (more := self._waiting()) is not None:
                batch.append(more)
            for request, answer in zip(batch, self._answers(batch), strict=True):
                request.reply.put(answer)

    def _waiting(self) -> _Request | None:
        try:
            found = self._requests.get_nowait()
        except queue.Empty:
            return None
        if found is None:  # keep the end for the outer loop
            self._requests.put(None)
        return found

    def _answers(self, batch: Sequence[_Request]) -> list[Answer]:
        if self._error is None:
            try:
                return self._commit(batch)
            except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
                self._error = error
        return [Answer(error=self._error) for _ in batch]

    def _commit(self, batch: Sequence[_Request]) -> list[Answer]:
        now = self._clock()
        done = [request.done for request in batch if request.done is not None]
        wanted = sum(request.want for request in batch)
        if wanted:
            self._crash("before_claim")
        with storage_errors(self._engine), self._run.connection.begin():
            settlement.settle(self._run.connection, self._run.id, [item.settlement for item in done], now)
            self._judge(done, now)
            sending = self._sending - len(done)
            room = self._room(wanted, sending, now)
            claimed = outbox.claim(self._run.connection, self._claim(room, now)) if room else outbox.Claimed(messages=(), set_aside=())
            if done:
                self._crash("before_commit")
        if claimed.messages:
            self._edition = claimed.messages[-1].edition
            self._crash("after_claim")
        if done:
            self._crash("after_commit")
        self._sending = sending + len(claimed.messages)
        self._count(done, claimed)
        return self._deal(batch, claimed.messages, starved=room < wanted)

    def _deal(self, batch: Sequence[_Request], messages: Sequence[Message], *, starved: bool) -> list[Answer]:
        left = iter(messages)
        wait = 60 / self._limits.per_minute if starved and self._limits.per_minute else 0.0
        return [Answer(message=message, wait=0 if message else wait) for message in (next(left, None) if r.want else None for r in batch)]

    def _claim(self, room: int, now: datetime) -> Claim:
        at_once = self._limits.retry is not None
        return Claim(
            run=self._run.id,
            first=self._edition,
            now=now,
            until=outbox.FOREVER if at_once else now,
            deadline=self._limits.deadline,
            room=room,
            retry=self._limits.retry,
            resting=frozenset() if at_once else frozenset(domain for domain, until in self._limits.resting.items() if until > now),
            rest_until=now + _REST,
        )

    def _room(self, wanted: int, sending: int, now: datetime) -> int:
        """How many of the wanted claims the rate limit allows; the attempts of the last minute are its memory."""
        limit = self._limits.per_minute
        if not limit or not wanted:
            return wanted
        used = settlement.tries_since(self._run.connection, now - _MINUTE, limit) + sending
        return max(0, min(wanted, limit - used))

    def _judge(self, done: Sequence[Done], now: datetime) -> None:
        for item in done:
            message = item.settlement.message
            domain = message.address.rpartition("@")[2].lower()
            if self._breaker.slows(item.decision, message.employee, domain):
                self._limits.resting[domain] = now + _REST
            verdict = self._breaker.note(item.decision, message.employee, item.settlement.attempt.text)
            if verdict and not self.stopped_by:
                self.stop_edition(message.edition, verdict, now)

    def stop_edition(self, edition: int, reason: str, now: datetime) -> None:
        """Pause it because the breaker opened; inside the transaction under way."""
        self.stopped_by = reason
        standing.pause(self._run.connection, edition, reason=reason, who=BREAKER, now=now)

    def _count(self, done: Sequence[Done], claimed: outbox.Claimed) -> None:
        self.counts.update(item.settlement.state for item in done)
        self.counts.update(claimed.set_aside)
        sent = sum(item.settlement.state is MessageState.SENT for item in done)
        if sent:
            self._progress(sent)
