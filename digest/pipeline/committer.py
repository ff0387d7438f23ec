"""The one place that commits for all connections: settlements and claims that have gathered share one transaction.

No MAIL before its claim is on disk, no next claim before the last reply is. With everybody's requests in one commit a durable
outbox costs one fsync a batch, however many connections there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from digest.db import buckets, canaries, outbox, settlement, standing
from digest.db.outbox import Claim, Retry
from digest.db.runs import Run
from digest.db.session import deadlocked, storage_errors
from digest.domain import canary
from digest.domain.breaker import Breaker
from digest.domain.message import Message, MessageState
from digest.domain.routing import Route, route_of, stands_in_for
from digest.errors import StorageError
from digest.pipeline.outcomes import Done
from digest.pipeline.policy import Hush, Policy
from digest.smtp.relay import Relay

_REST = timedelta(minutes=5)  # of a domain that asked for it
_SOON = 0.05  # seconds until there is more to claim, or a canary's last replies are in
_TRIES = 5  # of a transaction that another one stands in the way of
BREAKER = "breaker"
CANARY = "canary"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a transport gets back after the commit: messages, and seconds to wait for more when a limit holds it back."""

    messages: tuple[Message, ...] = ()
    wait: float = 0.0


@dataclass(kw_only=True)
class Committer:
    """Commits on the run's own connection, from one thread."""

    engine: Engine
    run: Run
    relays: Mapping[str, Relay]
    policy: Policy
    clock: Callable[[], datetime]
    progress: Callable[[int], None]
    crash: Callable[[str], None]
    retry: Retry | None  # see `outbox.Claim`; there exactly in an at-once run
    away: set[str] = field(default_factory=set)  # transports that cannot be used now
    counts: Counter[str] = field(default_factory=Counter)
    stopped_by: str = ""  # why a breaker opened or a canary was held
    _breakers: dict[int, Breaker] = field(default_factory=dict)
    _resting: dict[str, datetime] = field(default_factory=dict)
    _edition: int | None = None  # of the last claim
    _hush: Hush | None = None
    _plain: set[int] = field(default_factory=set)  # editions that go out without a canary

    def __post_init__(self) -> None:
        """Lay out what does not change while the run goes on."""
        self._routes: tuple[Route, ...] = tuple(relay.route for relay in self.relays.values())
        self._home = (lambda domain, employee: route_of(domain, employee, self._routes)) if len(self._routes) > 1 else None

    def exchange(self, done: Sequence[Done], wanted: Mapping[str, int]) -> dict[str, Answer]:
        """Record `done` and claim for each transport up to that many messages; both are on disk when it returns.

        Raises StorageError.
        """
        now = self.clock()
        verdicts = self._judge(done, now)
        if wanted:
            self.crash("before_claim")
        for left in reversed(range(_TRIES)):
            try:
                found = self._transaction(done, wanted, verdicts, now)
                break
            except StorageError as error:
                if not (left and deadlocked(error)):  # two runs, or a run and an operator; one of them must start anew
                    raise
        if any(answer.messages for answer, _ in found.values()):
            self.crash("after_claim")
        if done:
            self.crash("after_commit")
        self._count(done, [state for _, aside in found.values() for state in aside])
        return {name: answer for name, (answer, _) in found.items()}

    def _transaction(
        self, done: Sequence[Done], wanted: Mapping[str, int], verdicts: Mapping[int, str], now: datetime
    ) -> dict[str, tuple[Answer, tuple[str, ...]]]:
        """Locks are taken in one order everywhere: editions, buckets, messages."""
        connection = self.run.connection
        with storage_errors(self.engine), connection.begin():
            for edition_id, reason in verdicts.items():
                standing.pause(connection, edition_id, reason=reason, who=BREAKER, now=now)
            settlement.settle(connection, self.run.id, [item.settlement for item in done], now)
            names = sorted(wanted)
            allowed = {name: buckets.allowance(connection, name, self.relays[name].limits, wanted[name], now) for name in names}
            found = {name: self._claim(name, wanted[name], allowed[name], now) for name in names}
            if done:
                self.crash("before_commit")
        return found

    def _claim(self, name: str, count: int, allowed: buckets.Allowance, now: datetime) -> tuple[Answer, tuple[str, ...]]:
        if not allowed.room:
            return Answer(wait=allowed.wait), ()
        connection = self.run.connection
        claimed = outbox.claim(connection, self._wanted(name, allowed.room, now))
        buckets.take(connection, name, self.relays[name].limits, len(claimed.messages), now)
        self._plain.update(claimed.plain)
        for message in claimed.messages:
            self._edition = message.edition
            if message.edition in self._breakers and self._breakers[message.edition].open:
                del self._breakers[message.edition]  # an operator has resumed it meanwhile
        soon = claimed.more or (not claimed.messages and any(self._canary_is_soon(edition_id, now) for edition_id in claimed.canaries))
        short = soon or 0 < len(claimed.messages) == allowed.room < count
        return Answer(messages=claimed.messages, wait=_SOON if short else 0.0), claimed.set_aside

    def _wanted(self, name: str, room: int, now: datetime) -> Claim:
        policy = self.policy
        others = [(other, domains) for other, domains in stands_in_for(name, self._routes).items() if other in self.away]
        return Claim(
            run=self.run.id,
            first=self._edition,
            now=now,
            until=outbox.FOREVER if policy.at_once else now,
            deadline=policy.deadline,
            room=room,
            routes=((name, None), *others),
            retry=self.retry,
            resting=frozenset() if policy.at_once else frozenset(domain for domain, until in self._resting.items() if until > now),
            rest_until=now + _REST,
            home=self._home,
            quiet=None if policy.at_once else self._quiet(now),
            only=policy.only,
            canary=policy.canary,
            canary_until=now + policy.canary_wait,
            plain=frozenset(self._plain),
            give_way=policy.give_way,
        )

    def _quiet(self, now: datetime) -> Hush | None:
        """Quiet hours begin and end on whole minutes, so what was found for a minute holds for all of it."""
        minute = now.replace(second=0, microsecond=0)
        if self.policy.quiet is not None and (self._hush is None or self._hush.now != minute):
            self._hush = Hush(quiet=self.policy.quiet, site_zone=self.policy.site_zone, now=minute)
        return self._hush

    def _canary_is_soon(self, edition_id: int, now: datetime) -> bool:
        """Judge a canary that is out, once its wait is over; True when there is more to do within moments."""
        connection = self.run.connection
        until = canaries.wait_of(connection, edition_id)
        if not self.policy.at_once and (until is None or until > now):
            return False
        if canaries.on_the_wire(connection, edition_id):
            return True
        fared = canaries.look(connection, edition_id)
        reason = canary.verdict(fared)
        if fared.offered or self.policy.canary is None:
            canaries.passed(connection, edition_id)
        else:  # everybody in it was set aside, so it proved nothing
            canaries.again(connection, edition_id, self.policy.canary(sum(standing.counts(connection, edition_id).values())))
        if reason is not None:
            self.stopped_by = self.stopped_by or reason
            standing.pause(connection, edition_id, reason=reason, who=CANARY, now=now)
        return reason is None

    def _judge(self, done: Sequence[Done], now: datetime) -> dict[int, str]:
        """Editions that must stop, and why. Counted once, however often the transaction is tried."""
        verdicts: dict[int, str] = {}
        for item in done:
            message = item.settlement.message
            domain = message.address.rpartition("@")[2].lower()
            breaker = self._breaker(message.edition)
            if breaker.slows(item.decision, message.employee, domain):
                self._resting[domain] = now + _REST
            reason = breaker.note(item.decision, message.employee, item.settlement.attempt.text)
            if reason and not breaker.open:
                breaker.open = True
                verdicts[message.edition] = reason
                self.stopped_by = self.stopped_by or reason
        return verdicts

    def _breaker(self, edition_id: int) -> Breaker:
        """The edition's breaker, which remembers what earlier runs met."""
        found = self._breakers.get(edition_id)
        if found is None:
            with storage_errors(self.engine), self.run.connection.begin():
                past = settlement.troubles(self.run.connection, edition_id)
            connections = sum(relay.connections for relay in self.relays.values())
            found = self._breakers[edition_id] = Breaker(connections=connections, refused=past.refused, settled=past.settled, failed=past.failed)
        return found

    def _count(self, done: Sequence[Done], aside: Sequence[str]) -> None:
        self.counts.update(item.settlement.state for item in done)
        self.counts.update(aside)
        sent = sum(item.settlement.state is MessageState.SENT for item in done)
        if sent:
            self.progress(sent)
