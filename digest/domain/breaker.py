"""When an edition must stop by itself, and when a domain needs rest (delivery-rules, section 5).

One edition's memory of what the relays said. It throws no dice and reads no clock: the ledger tells it every settled attempt,
and what earlier runs met.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from digest.domain.message import FailReason, MessageState
from digest.domain.phase import Decision, Effect

_POLICY_PEOPLE = 3  # one may be a single mailbox's own rule
_DOMAIN_PEOPLE = 3
_FIRST = 100
_TOLERATED = 20  # failures among the first hundred
_SHUTDOWNS_PER_CONNECTION = 5
_SHUTDOWN = "shutdown"  # the reason the table gives


@dataclass(kw_only=True)
class Breaker:
    """Counts what went wrong. `connections`: how many may be told 421 by one single restart of the relay."""

    connections: int
    refused: set[int] = field(default_factory=set)  # employees for whom a policy was named
    settled: int = 0
    failed: int = 0  # among the first hundred
    open: bool = False
    _slow: dict[str, set[int]] = field(default_factory=dict)
    _shutdowns: int = 0

    def note(self, decision: Decision, employee: int, said: str) -> str | None:
        """Count one settled attempt; the reason to stop the edition, or None."""
        self.settled += 1
        if decision.state is MessageState.FAILED and decision.reason not in {FailReason.ADDRESS, FailReason.EXPIRED}:
            self.failed += self.settled <= _FIRST
        if decision.effect is not Effect.PAUSE:
            self._shutdowns = 0
        elif decision.reason == _SHUTDOWN:  # a relay that puts off everybody at MAIL is only rested: its limit may end by itself
            self._shutdowns += 1
        if decision.effect is Effect.SUSPECT:
            self.refused.add(employee)
        return self._verdict(decision, said)

    def _verdict(self, decision: Decision, said: str) -> str | None:
        if decision.effect is Effect.BREAKER:
            return f"breaker: the relay refuses our sender: {said}"
        if len(self.refused) >= _POLICY_PEOPLE:
            return f"breaker: policy refusals for {len(self.refused)} employees: {said}"
        if self.failed > _TOLERATED:
            return f"breaker: {self.failed} of the first {self.settled} messages failed: {said}"
        if self._shutdowns >= _SHUTDOWNS_PER_CONNECTION * self.connections:
            return f"breaker: the relay keeps closing: {said}"
        return None

    def slows(self, decision: Decision, employee: int, domain: str) -> bool:
        """True when `domain` asked three different employees in a row to come back later."""
        if decision.effect is not Effect.SLOW_DOMAIN:
            self._slow.pop(domain, None)
            return False
        people = self._slow.setdefault(domain, set())
        people.add(employee)
        if len(people) < _DOMAIN_PEOPLE:
            return False
        del self._slow[domain]
        return True
