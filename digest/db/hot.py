"""What is asked and told for every single message: due rows, who must not be mailed, claims, outcomes, tries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Select, String, Text, bindparam, cast, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from digest.db.prepared import Prepared, Row
from digest.db.schema import attempt, edition, employee, message, suppression
from digest.domain.edition import EditionState
from digest.domain.message import MessageState

OPEN = (EditionState.APPROVED, EditionState.SENDING)
WAITING = (MessageState.QUEUED, MessageState.DEFERRED)
OPEN_EDITION = or_(*(edition.c.state == state for state in OPEN)) & ~edition.c.paused
IS_WAITING = or_(*(message.c.state == state for state in WAITING))
_MOMENT = message.c.dated_at.type
_FIELDS: list[ColumnElement[Any]] = [message.c[f] for f in ("id", "edition_id", "employee_id", "state", "route", "language", "networks", "name")]
_FIELDS += [cast(message.c[f], Text).label(f) for f in ("picks", "spares")]  # as text: many people have the same ones
_FIELDS += [message.c[f] for f in ("due_at", "next_attempt_at", "attempts", "dated_at", "share_token", "tally")]
_FIELDS += [employee.c[f] for f in ("mailbox", "address", "left_at", "zone", "paused_until")] + [edition.c.period]
_ROWS: Select[Any] = (
    select(*_FIELDS)
    .select_from(message.join(edition, edition.c.id == message.c.edition_id).outerjoin(employee, employee.c.id == message.c.employee_id))
    .where(OPEN_EDITION, message.c.edition_id == bindparam("edition"))
    .with_for_update(skip_locked=True, of=message)
)
_DUE = (
    _ROWS.where(
        message.c.state == bindparam("waiting"), message.c.route == bindparam("route"), message.c.next_attempt_at <= bindparam("until", type_=_MOMENT)
    )
    .order_by(message.c.next_attempt_at)
    .limit(bindparam("room"))
)
_NAMED = _ROWS.where(message.c.state == MessageState.DEFERRED, message.c.id.in_(bindparam("ids", expanding=True)))


def _stopped(dialect: str) -> Executable:
    listed: ColumnElement[bool]
    if dialect == "postgresql":
        listed = suppression.c.address_hash == func.any(bindparam("hashes", type_=ARRAY(String)))
    else:
        listed = suppression.c.address_hash.in_(select(func.json_each(bindparam("hashes", type_=Text)).table_valued("value").c.value))
    return (
        select(suppression.c.address_hash, suppression.c.reason)
        .where(
            listed,
            suppression.c.lifted_at.is_(None),
            suppression.c.until.is_(None) | (suppression.c.until > bindparam("at", type_=_MOMENT)),
        )
        .order_by(suppression.c.id.desc())  # the reason that came first is read last, and stays
    )


_DUE_ROWS = Prepared(lambda _dialect: _DUE)
_STOPPED = Prepared(_stopped)
_TAKE = Prepared(
    lambda _dialect: (
        update(message)
        .where(message.c.id == bindparam("one"), IS_WAITING)
        .values(
            state=MessageState.SENDING,
            run_id=bindparam("by"),
            route=bindparam("via"),
            dated_at=func.coalesce(message.c.dated_at, bindparam("at", type_=_MOMENT)),
        )
    )
)
_SENT = Prepared(
    lambda _dialect: (
        update(message)
        .where(message.c.id == bindparam("one"), message.c.state == MessageState.SENDING, message.c.run_id == bindparam("by"))
        .values(
            state=MessageState.SENT,
            reason="",
            attempts=message.c.attempts + 1,
            next_attempt_at=None,
            sent_at=bindparam("at", type_=_MOMENT),
            run_id=None,
            tally="",  # it has told what it had to tell
        )
    )
)
_COLUMNS = ("message_id", "at", "phase", "outcome", "code", "text", "connection", "transport")
_TRIED = Prepared(lambda _dialect: insert(attempt).values({name: bindparam(name, type_=attempt.c[name].type) for name in _COLUMNS}))


def due_rows(connection: Connection, which: Mapping[str, Any], domains: frozenset[str] | None) -> Sequence[Row]:
    """Waiting rows of a transport in the order of their hour; on PostgreSQL locked, without those that others hold.

    `which`: edition, waiting (the state), route, until, room. `domains`: only recipients there, for a relay that stands in.
    """
    if domains is None:
        return _DUE_ROWS.rows(connection, which)
    there = or_(*(employee.c.address.endswith(f"@{domain}", autoescape=True) for domain in sorted(domains)))
    return connection.execute(_DUE.where(there), dict(which)).all()


def named_rows(connection: Connection, edition_id: int, ids: Sequence[int]) -> Sequence[Row]:
    """Those of `ids` that are deferred."""
    return connection.execute(_NAMED, {"edition": edition_id, "ids": list(ids)}).all()


def stopped(connection: Connection, hashes: Sequence[str], now: datetime) -> list[Row]:
    """(address_hash, reason) of those that must not be mailed; the reason that came first is last."""
    listed = list(hashes) if connection.dialect.name == "postgresql" else json.dumps(list(hashes))
    return _STOPPED.rows(connection, {"hashes": listed, "at": now})


def take(connection: Connection, ids: Sequence[int], *, run: str, route: str, now: datetime) -> None:
    """Waiting messages go to sending, held by `run`, carried by `route`."""
    _TAKE.each(connection, {"by": run, "via": route, "at": now}, [{"one": one} for one in ids])


def sent(connection: Connection, ids: Sequence[int], *, run: str, now: datetime) -> int:
    """Messages that this run holds are sent; how many it still held."""
    return _SENT.each(connection, {"by": run, "at": now}, [{"one": one} for one in ids])


def tried(connection: Connection, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    """One row for each try, all at that moment."""
    _TRIED.each(connection, {"at": now}, rows)
