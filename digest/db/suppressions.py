"""Suppressions in the database: who must not be mailed, kept as hashes of addresses."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from digest.db import consents, notices
from digest.db.schema import audit, employee, suppression
from digest.domain.consent import how_of
from digest.domain.notice import Notice
from digest.domain.suppression import AT_THEIR_WORD, BY_ROSTER, SuppressionReason, address_hash

_CHUNK = 500
_WORDING = "1"  # version of the words on the unsubscribe page
_SAID = "at their word"  # they told an operator


def _active(now: datetime) -> ColumnElement[bool]:
    return suppression.c.lifted_at.is_(None) & or_(suppression.c.until.is_(None), suppression.c.until > now)


def suppress(connection: Connection, address: str, reason: SuppressionReason, now: datetime, until: datetime | None = None) -> bool:
    """Stop mail to `address`; False when it is already stopped for this reason."""
    hashed = address_hash(address)
    held = select(suppression.c.id).where(suppression.c.address_hash == hashed, suppression.c.reason == reason, _active(now))
    if connection.execute(held).first() is not None:
        return False
    connection.execute(insert(suppression).values(address_hash=hashed, reason=reason, at=now, until=until))
    return True


def stop(
    connection: Connection,
    employee_id: int | None,
    address: str,
    reason: SuppressionReason,
    now: datetime,
    *,
    who: str,
    until: datetime | None = None,
) -> bool:
    """Suppress with an audit row; False when it is already stopped for this reason."""
    stopped = suppress(connection, address, reason, now, until)
    if stopped:
        _record(connection, "suppression.add", _subject(employee_id, address), reason, who, now)
    return stopped


def end(connection: Connection, employee_id: int | None, address: str, reason: SuppressionReason, now: datetime, *, who: str, why: str = "") -> bool:
    """Lift one reason with an audit row; False when it does not hold. One the person said themselves is noted as their consent."""
    lifted = lift(connection, address, reason, now) > 0
    if lifted:
        _record(connection, "suppression.lift", _subject(employee_id, address), f"{reason}: {why}" if why else reason, who, now)
        if reason in AT_THEIR_WORD and employee_id is not None:
            consents.record(connection, employee_id, "receive", value=True, wording=_SAID, now=now)
    return lifted


def end_for_returned(connection: Connection, people: Iterable[tuple[int, str]], now: datetime) -> int:
    """(number, address) of people who are back on the roster: hard bounces of theirs end; how many."""
    back = list(people)
    return sum(
        end(connection, number, address, reason, now, who="roster", why="came back after leaving")
        for number, address in back
        for reason in sorted(BY_ROSTER)
    )


def held(connection: Connection, address: str, now: datetime) -> list[SuppressionReason]:
    """Every reason for which `address` is not mailed now."""
    mine = select(suppression.c.reason).where(suppression.c.address_hash == address_hash(address), _active(now))
    return [SuppressionReason(reason) for reason in connection.execute(mine.order_by(suppression.c.id)).scalars()]


def of_address(connection: Connection, address: str, now: datetime) -> list[tuple[SuppressionReason, datetime, datetime | None]]:
    """Every suppression of `address` that holds now, oldest first: (reason, since, until)."""
    rows = connection.execute(select(suppression).where(suppression.c.address_hash == address_hash(address), _active(now)).order_by(suppression.c.id))
    return [(SuppressionReason(row.reason), row.at, row.until) for row in rows]


def active(connection: Connection, now: datetime) -> list[tuple[str, SuppressionReason, datetime, datetime | None]]:
    """Every suppression that holds now, the newest first: (address hash, reason, since, until)."""
    rows = connection.execute(select(suppression).where(_active(now)).order_by(suppression.c.at.desc(), suppression.c.id.desc()))
    return [(row.address_hash, SuppressionReason(row.reason), row.at, row.until) for row in rows]


def _subject(employee_id: int | None, address: str) -> str:
    """Whom an audit row is about; somebody who is not on the roster by a part of their hash."""
    return f"employee:{employee_id}" if employee_id is not None else f"address:{address_hash(address)[:16]}"


def _record(connection: Connection, what: str, subject: str, detail: str, who: str, now: datetime) -> None:
    connection.execute(insert(audit).values(at=now, who=who, what=what, subject=subject, detail=detail))


def lift(connection: Connection, address: str, reason: SuppressionReason | None, now: datetime) -> int:
    """End the suppressions of `address` (of one reason, or all); returns how many."""
    which = (suppression.c.address_hash == address_hash(address)) & _active(now)
    if reason is not None:
        which &= suppression.c.reason == reason
    return connection.execute(update(suppression).where(which).values(lifted_at=now)).rowcount


def reasons(connection: Connection, addresses: Iterable[str], now: datetime) -> dict[str, SuppressionReason]:
    """Those of `addresses` that must not be mailed now, with the reason that came first."""
    by_hash = {address_hash(address): address for address in addresses}
    hashed = list(by_hash)
    found: dict[str, SuppressionReason] = {}
    for start in range(0, len(hashed), _CHUNK):
        rows = connection.execute(
            select(suppression.c.address_hash, suppression.c.reason)
            .where(suppression.c.address_hash.in_(hashed[start : start + _CHUNK]), _active(now))
            .order_by(suppression.c.id),
        )
        for row in rows:
            found.setdefault(by_hash[row.address_hash], SuppressionReason(row.reason))
    return found


def hashes(connection: Connection, now: datetime) -> dict[str, SuppressionReason]:
    """Every address hash that must not be mailed now, with the reason that came first; for planning a whole roster."""
    rows = connection.execute(select(suppression.c.address_hash, suppression.c.reason).where(_active(now)).order_by(suppression.c.id.desc()))
    return {row.address_hash: SuppressionReason(row.reason) for row in rows}


def leave(connection: Connection, employee_id: int, now: datetime, *, how: str) -> bool:
    """The person says stop: suppressed, remembered as their own choice, audited, and a receipt waits. False when they had left or are gone."""
    return _switch(connection, employee_id, now, receive=False, how=how)


def come_back(connection: Connection, employee_id: int, now: datetime, *, how: str) -> bool:
    """The person undoes it, and gets a receipt; suppressions for other reasons stay. False when there was nothing to undo."""
    return _switch(connection, employee_id, now, receive=True, how=how)


def _switch(connection: Connection, employee_id: int, now: datetime, *, receive: bool, how: str) -> bool:
    address = connection.execute(select(employee.c.address).where(employee.c.id == employee_id)).scalar_one_or_none()
    if address is None:
        return False
    reason = SuppressionReason.UNSUBSCRIBED
    changed = lift(connection, address, reason, now) > 0 if receive else suppress(connection, address, reason, now)
    if changed:
        consents.record(connection, employee_id, "receive", value=receive, wording=_WORDING, now=now, how=how_of(how))
        if receive:
            notices.gather(connection, employee_id, "receive", "on", now)
        else:
            notices.put(connection, employee_id, Notice.LEFT, now)
        what = "came back" if receive else "unsubscribed"
        connection.execute(insert(audit).values(at=now, who="the person", what=what, subject=f"employee:{employee_id}", detail=how))
    return changed


def person(connection: Connection, employee_id: int) -> tuple[str, str] | None:
    """(address, language) of an employee, or None."""
    row = connection.execute(select(employee.c.mailbox, employee.c.language).where(employee.c.id == employee_id)).first()
    return None if row is None else (row.mailbox, row.language)
