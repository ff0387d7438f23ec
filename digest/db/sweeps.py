"""What every run does to the outbox before and after sending: dead runs, deadlines, cancelled and finished editions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, exists, insert, select, update

from digest.db import bounces
from digest.db.hot import OPEN, WAITING
from digest.db.outbox import expired
from digest.db.schema import attempt, edition, message
from digest.domain.edition import EditionState
from digest.domain.message import FailReason, MessageState

RUN_DIED = "run_died"
_CHUNK = 500
_PAGE = 5000
_UNFINISHED = (*WAITING, MessageState.SENDING)


def holders(connection: Connection) -> set[str | None]:
    """The runs that hold a message."""
    rows = select(message.c.run_id).where(_in_editions(*OPEN, EditionState.CANCELLED), message.c.state == MessageState.SENDING)
    return set(connection.execute(rows.distinct()).scalars())


def recover(connection: Connection, dead: Collection[str | None], on_doubt: Literal["hold", "resend"], now: datetime) -> int:
    """Messages that dead runs left on the wire: in doubt, or to be sent again under the same Message-ID; returns how many.

    Those of a cancelled edition are not sent again, so they are in doubt in any case.
    """
    left = _in_editions(*OPEN, EditionState.CANCELLED) & (message.c.state == MessageState.SENDING)
    fields = select(message.c.id, message.c.run_id, message.c.route, edition.c.state).join(edition, edition.c.id == message.c.edition_id)
    rows = [row for row in connection.execute(fields.where(left)).all() if row.run_id in dead]
    for row in rows:
        again = on_doubt == "resend" and row.state != EditionState.CANCELLED
        state = MessageState.QUEUED if again else MessageState.IN_DOUBT
        values = {"state": state, "reason": RUN_DIED, "run_id": None, "next_attempt_at": now, "attempts": message.c.attempts + 1}
        connection.execute(update(message).where(message.c.id == row.id, message.c.state == MessageState.SENDING).values(values))
        told = {"phase": "unknown", "outcome": state, "code": None, "text": "the run that held it died", "connection": 0}
        connection.execute(insert(attempt).values(message_id=row.id, at=now, transport=row.route, **told))
    return len(rows)


def expire(connection: Connection, deadline: timedelta, now: datetime, most: int | None = None) -> int:
    """Up to `most` waiting messages after their deadline become `failed: expired`; returns how many, 0 when none is left.

    In several transactions, so that nobody waits long for one: call it until it returns 0, with a commit in between.
    """
    done = kept = 0
    while most is None or done < most:
        rows = _late(connection, deadline, now, _PAGE if most is None else min(_PAGE, most - done), kept)
        if not rows:
            break
        ids = [row.id for row in rows if expired(row.due_at, row.next_attempt_at, deadline, now)]
        kept += len(rows) - len(ids)
        done += len(ids)
        _expire(connection, ids, now)
    return done


def _late(connection: Connection, deadline: timedelta, now: datetime, most: int, skipped: int) -> Sequence[Any]:
    # Its next attempt lies behind as well, which is what the index knows: the crowd whose hour has not come is not read.
    over = (message.c.next_attempt_at <= now) & (message.c.due_at < now - deadline)
    late = select(message.c.id, message.c.due_at, message.c.next_attempt_at).where(_in_editions(*OPEN) & message.c.state.in_(WAITING) & over)
    return connection.execute(late.order_by(message.c.next_attempt_at, message.c.id).limit(most).offset(skipped)).all()


def _expire(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    for start in range(0, len(ids), _CHUNK):
        chunk = message.c.id.in_(ids[start : start + _CHUNK]) & message.c.state.in_(WAITING)
        end = update(message).where(chunk).values(state=MessageState.FAILED, reason=FailReason.EXPIRED)
        rows = connection.execute(end.returning(message.c.employee_id, message.c.attempts)).all()
        for person in {row.employee_id for row in rows if row.attempts and row.employee_id is not None}:
            bounces.count_soft(connection, person, now)  # the server put that mailbox off until it was too late


def close_finished(connection: Connection) -> int:
    """Close every edition in which nothing is queued, sending or deferred; the one place where that happens.

    Messages of a cancelled edition that came back from the wire are cancelled here as well.
    """
    back = _in_editions(EditionState.CANCELLED) & message.c.state.in_(WAITING)
    connection.execute(update(message).where(back).values(state=MessageState.CANCELLED))
    unfinished = exists().where(message.c.edition_id == edition.c.id, message.c.state.in_(_UNFINISHED)).correlate(edition)
    # An edition whose every message was set aside was never claimed from: it passes through sending here.
    connection.execute(update(edition).where(edition.c.state == EditionState.APPROVED, ~unfinished).values(state=EditionState.SENDING))
    return connection.execute(update(edition).where(edition.c.state == EditionState.SENDING, ~unfinished).values(state=EditionState.CLOSED)).rowcount


def _in_editions(*states: EditionState) -> Any:  # noqa: ANN401 - SQLAlchemy's expression; IN keeps the index of the outbox in use
    return message.c.edition_id.in_(select(edition.c.id).where(edition.c.state.in_(states)))
