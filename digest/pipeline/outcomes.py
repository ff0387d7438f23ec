"""What a try becomes: the phase table's decision, the time of the next try, and the rows that record both."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime

from digest.db.settlement import Settlement, Try
from digest.domain.message import FailReason, Message, MessageState
from digest.domain.phase import TEXT_LIMIT, Decision, Effect, Outcome
from digest.domain.retry import next_attempt
from digest.pipeline.policy import Policy
from digest.smtp.told import shown


@dataclass(frozen=True, kw_only=True)
class Done:
    """One line's last message: what it became, and what the table said."""

    settlement: Settlement
    decision: Decision


def become(message: Message, outcome: Outcome, decision: Decision, policy: Policy, now: datetime, *, line: int, transport: str) -> Done:
    """The end of a try on the wire."""
    state, reason, again = decision.state, decision.reason, None
    resend = state is MessageState.IN_DOUBT and policy.on_doubt == "resend"
    if state is MessageState.DEFERRED or resend:
        jitter = random.random()  # noqa: S311 - spreads load, guards nothing
        again = next_attempt(message.attempts + 1, outcome, message.due_at + policy.deadline, now, jitter)
        if again is not None:
            state = MessageState.DEFERRED
        elif not resend:
            state, reason = MessageState.FAILED, FailReason.EXPIRED
    tried = Try(phase=outcome.phase, code=outcome.code, enhanced=outcome.enhanced, text=outcome.text, connection=line, transport=transport)
    return Done(settlement=Settlement(message=message, state=state, reason=reason, next_attempt_at=again, attempt=tried), decision=decision)


def unmade(message: Message, error: Exception, *, line: int, transport: str) -> Done:
    """A message that could not be made; it was never on the wire."""
    decision = Decision(state=MessageState.FAILED, reason=FailReason.RENDER, effect=Effect.NONE)
    text = shown(f"{type(error).__name__}: {error}")[:TEXT_LIMIT]
    tried = Try(phase="render", code=None, text=text, connection=line, transport=transport)
    settlement = Settlement(message=message, state=decision.state, reason=decision.reason, next_attempt_at=None, attempt=tried)
    return Done(settlement=settlement, decision=decision)


def put_back(message: Message, error: Exception, *, line: int, transport: str) -> Done:
    """A message that could not be made because the database did not answer: it waits as before, and no try is counted."""
    decision = Decision(state=MessageState.QUEUED, reason="", effect=Effect.NONE)
    tried = Try(phase="render", code=None, text=shown(str(error))[:TEXT_LIMIT], connection=line, transport=transport)
    settlement = Settlement(message=message, state=decision.state, reason=decision.reason, next_attempt_at=None, attempt=tried)
    return Done(settlement=settlement, decision=decision)
