"""Settling: a claimed message goes from sending to its end, by the run that holds it, and each try leaves a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from digest.db import bounces, hot, suppressions
from digest.db.schema import attempt, audit, employee, message
from digest.domain.bounce import BounceKind
from digest.domain.employee import EmployeeId
from digest.domain.message import FailReason, Message, MessageState
from digest.domain.suppression import SuppressionReason

_MOMENT = message.c.sent_at.type
_FIRST = 100  # messages whose failures the breaker counts
# What a refusal on the wire says about the person; `domain/bounce.py` says it for reports.
_REFUSED: Mapping[str, BounceKind] = {
    FailReason.ADDRESS: BounceKind.HARD,
    FailReason.REFUSED: BounceKind.SOFT,
    FailReason.POLICY: BounceKind.OURS,
    FailReason.TOO_BIG: BounceKind.OURS,
    FailReason.RELAY_CANNOT: BounceKind.OURS,
}
_OWN = (FailReason.ADDRESS, FailReason.EXPIRED)


@dataclass(frozen=True, kw_only=True)
class Try:
    """One try on the wire, as the attempt table keeps it."""

    phase: str
    code: int | None
    text: str
    connection: int
    transport: str = ""
    enhanced: str = ""  # the enhanced status code (RFC 3463), or "" when none was given


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What a claimed message became."""

    message: Message
    state: MessageState
    reason: str
    next_attempt_at: datetime | None  # of a deferred message
    attempt: Try


_SETTLE = (
    update(message)
    .where(message.c.id == bindparam("b_id"), message.c.state == MessageState.SENDING, message.c.run_id == bindparam("b_run"))
    .values(
        state=bindparam("b_state"),
        reason=bindparam("b_reason"),
        attempts=message.c.attempts + bindparam("b_tries"),
        next_attempt_at=bindparam("b_next"),
        run_id=None,
    )
)


def settle(connection: Connection, run: str, settlements: Sequence[Settlement], now: datetime) -> None:
    """Record the outcomes of this run's messages, an attempt row for each."""
    if not settlements:
        return
    sent = [item.message.id for item in settlements if item.state is MessageState.SENT]
    others = [_settled(item, run, now) for item in settlements if item.state is not MessageState.SENT]
    if sent and hot.sent(connection, sent, run=run, now=now) != len(sent):
        _prove(connection, sent, now)
    if others:
        connection.execute(_SETTLE, others)
    gone = _gone(connection, settlements)
    hot.tried(connection, [_attempt(item, forget=item.message.employee in gone) for item in settlements], now)
    for item in settlements:
        if item.message.employee in gone:
            continue
        if item.state is MessageState.FAILED and item.reason in _REFUSED:  # a bounce; no report will follow it
            _bounced(connection, item, now)
        elif item.state is MessageState.FAILED and item.reason == FailReason.EXPIRED:
            bounces.count_soft(connection, item.message.employee, now)


def _bounced(connection: Connection, item: Settlement, now: datetime) -> None:
    message_id, person, said = item.message.id, item.message.employee, item.attempt
    bounces.record_refusal(connection, message_id, person, _REFUSED[item.reason], said.enhanced, said.text, now)
    if item.reason == FailReason.ADDRESS:
        suppressions.suppress(connection, item.message.address, SuppressionReason.HARD_BOUNCE, now)


def _settled(item: Settlement, run: str, now: datetime) -> dict[str, Any]:
    back = item.state is MessageState.QUEUED  # nothing was offered: no try is counted and it stays due
    return {
        "b_id": item.message.id,
        "b_run": run,
        "b_state": item.state,
        "b_reason": item.reason,
        "b_tries": 0 if back else 1,
        "b_next": now if back else item.next_attempt_at,
    }


def _gone(connection: Connection, settlements: Sequence[Settlement]) -> set[EmployeeId]:
    """Employees who were erased while their message was on the wire; asked only when something went wrong, for then words are kept."""
    people = {item.message.employee for item in settlements if item.state is not MessageState.SENT}
    if not people:
        return set()
    return people - set(connection.execute(select(employee.c.id).where(employee.c.id.in_(people))).scalars())


def _attempt(item: Settlement, *, forget: bool) -> dict[str, Any]:
    """`forget`: without the server's words, which often repeat the address."""
    tried = item.attempt
    return {
        "message_id": item.message.id,
        "phase": tried.phase,
        "outcome": item.state,
        "code": tried.code,
        "text": "" if forget else tried.text,
        "connection": tried.connection,
        "transport": tried.transport,
    }


def _prove(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Another run took us for dead and doubted our messages; the relay's answer is evidence for those it accepted."""
    doubted = (message.c.id.in_(ids)) & (message.c.state == MessageState.IN_DOUBT)
    connection.execute(update(message).where(doubted).values(state=MessageState.SENT, reason="", sent_at=now))


@dataclass(frozen=True, kw_only=True)
class Troubles:
    """What an edition has met since an operator last resumed it, for its breaker."""

    refused: set[int]  # employees whose message failed by a policy
    settled: int
    failed: int  # for another reason than the address or the deadline, counted while `settled` is a first hundred


def troubles(connection: Connection, edition_id: int) -> Troubles:
    """Read back what the breaker of an earlier run knew."""
    resumed = select(func.max(audit.c.at)).where(audit.c.what == "edition.resume", audit.c.subject == f"edition:{edition_id}")
    since = connection.execute(resumed).scalar_one()
    mine = (message.c.edition_id == edition_id) & (attempt.c.at > since if since is not None else True)
    tried = attempt.join(message, message.c.id == attempt.c.message_id)
    settled = connection.execute(select(attempt.c.id).select_from(tried).where(mine).limit(_FIRST)).all()
    bad = select(message.c.employee_id, message.c.reason).distinct().select_from(tried)
    rows = connection.execute(bad.where(mine, message.c.state == MessageState.FAILED, message.c.reason.not_in(_OWN)).limit(_FIRST)).all()
    refused = {int(row.employee_id) for row in rows if row.reason == FailReason.POLICY and row.employee_id is not None}
    return Troubles(refused=refused, settled=len(settled), failed=len(rows) if len(settled) < _FIRST else 0)
