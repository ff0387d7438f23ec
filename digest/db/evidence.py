"""Doubts in the database: each with all that is known about it, what was surely taken around then, and presses that prove arrival."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, exists, func, insert, or_, select, update

from digest.db.schema import attempt, audit, bounce, click, edition, employee, message
from digest.domain.edition import EditionState
from digest.domain.evidence import EVIDENCE
from digest.domain.message import MessageState

_PLANNED = (EditionState.APPROVED, EditionState.SENDING, EditionState.CLOSED, EditionState.CANCELLED)
_REPORTS = ("dsn", "arf", "reply")  # that surely name it; a refusal on the wire says that the relay did not take it, a guess says nothing
_NEAR = timedelta(days=1)
_WITNESSES = 40  # to either side of a doubt
_LAST_TRY = select(func.max(attempt.c.at)).where(attempt.c.message_id == message.c.id).correlate(message).scalar_subquery()
_PRESSED = (
    exists()
    .where(click.c.employee_id == message.c.employee_id, click.c.token == message.c.share_token)  # a group's token proves nothing for one
    .correlate(message)
)
_REPORTED = exists().where(bounce.c.message_id == message.c.id, bounce.c.source.in_(_REPORTS)).correlate(message)


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A message in doubt and its last try: which transport, what the server said last, between which moments it was offered."""

    message: int
    employee: int | None
    address: str
    reason: str
    route: str
    since: datetime
    until: datetime
    text: str


def settle(connection: Connection, now: datetime) -> int:
    """Messages in doubt that somebody or something answered to are `sent`; how many. One indexed query when nothing is in doubt.

    Any press of a link of the message counts, a scanner's too: it had the message. So does a report about it. The
    unsubscribe link is the same in all letters of a person, so it proves nothing about one.
    """
    doubtful = message.c.edition_id.in_(select(edition.c.id).where(edition.c.state.in_(_PLANNED))) & (message.c.state == MessageState.IN_DOUBT)
    ids = connection.execute(select(message.c.id).where(doubtful, or_(_PRESSED, _REPORTED))).scalars().all()
    return sum(prove(connection, int(one), who=EVIDENCE, now=now) for one in ids)


def prove(connection: Connection, message_id: int, *, who: str, now: datetime) -> bool:
    """The relay had taken it: `sent`, by evidence of a kind that is not recorded; False when it is not in doubt any more.

    `sent_at` is the try's moment, not that of the evidence: when somebody pressed is theirs alone.
    """
    mine = (message.c.id == message_id) & (message.c.state == MessageState.IN_DOUBT)
    values = {"state": MessageState.SENT, "reason": EVIDENCE, "sent_at": func.coalesce(_LAST_TRY, now), "next_attempt_at": None, "run_id": None}
    if not connection.execute(update(message).where(mine).values(values)).rowcount:
        return False
    connection.execute(insert(audit).values(at=now, who=who, what="message.resolve", subject=f"message:{message_id}", detail=f"sent: {EVIDENCE}"))
    return True


def doubts(connection: Connection, edition_id: int) -> list[Doubt]:
    """The edition's messages whose outcome is unknown."""
    rows = connection.execute(
        select(
            *(message.c[f] for f in ("id", "employee_id", "reason", "route", "dated_at", "due_at")),
            employee.c.mailbox,
            edition.c.created_at,
        )
        .select_from(message.join(edition, edition.c.id == message.c.edition_id).outerjoin(employee, employee.c.id == message.c.employee_id))
        .where(message.c.edition_id == edition_id, message.c.state == MessageState.IN_DOUBT)
        .order_by(message.c.id),
    ).all()
    return [_doubt(connection, row) for row in rows]


def _doubt(connection: Connection, row: Any) -> Doubt:  # noqa: ANN401 - a row of `doubts`
    """A run that died is found later; so the time of doubt reaches from its claim, or the try before, to that moment."""
    last = select(attempt).where(attempt.c.message_id == row.id).order_by(attempt.c.id.desc()).limit(2)
    tries = connection.execute(last).all()
    begun = tries[1].at if len(tries) > 1 else row.dated_at or row.due_at or row.created_at
    until = tries[0].at if tries else begun
    return Doubt(
        message=row.id,
        employee=row.employee_id,
        address=row.mailbox or "",
        reason=row.reason,
        route=(tries[0].transport if tries else "") or row.route,
        since=min(begun, until),
        until=until,
        text=tries[0].text if tries else "",
    )


def witnesses(connection: Connection, edition_id: int, cases: Sequence[Doubt]) -> dict[int, list[tuple[int, datetime]]]:
    """For each doubt the messages that its relay surely took around then: doubt -> (message, when). Read in one pass."""
    if not cases:
        return {}
    first, last = min(case.since for case in cases) - _NEAR, max(case.until for case in cases) + _NEAR
    rows = connection.execute(
        select(message.c.id, message.c.route, message.c.sent_at)
        .where(message.c.edition_id == edition_id, message.c.state == MessageState.SENT, message.c.reason == "")
        .where(message.c.sent_at.between(first, last))
        .order_by(message.c.sent_at)
    )
    by_route: dict[str, list[tuple[int, datetime]]] = {}
    for row in rows:
        by_route.setdefault(row.route, []).append((row.id, row.sent_at))
    return {case.message: _around(by_route.get(case.route, []), case) for case in cases}


def _around(taken: Sequence[tuple[int, datetime]], case: Doubt) -> list[tuple[int, datetime]]:
    before = [one for one in taken if one[1] <= case.since]
    during = [one for one in taken if case.since < one[1] <= case.until]
    after = [one for one in taken if one[1] > case.until]
    step = max(1, len(during) // _WITNESSES)
    return [*before[-_WITNESSES:], *during[::step], *after[:_WITNESSES]]


def period_and_domain(connection: Connection, edition_id: int) -> tuple[str, str]:
    """What stands in the Message-IDs of an edition besides the message's number."""
    row = connection.execute(select(edition.c.period, edition.c.envelope).where(edition.c.id == edition_id)).one()
    outside = row.envelope or {}
    return row.period, str(outside.get("message_id_domain") or str(outside.get("from_address", "")).rpartition("@")[2].lower())
