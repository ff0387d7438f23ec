"""Whose letter a control link came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from digest.db.keys import signing_keys
from digest.db.schema import edition, employee, message
from digest.domain.link import clean, control_hash, control_token, valid_token


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The person a letter was made for, and what stood in it. Whoever has the letter has its links: never show a name by them."""

    message: int
    edition: int
    period: str
    employee: int
    language: str  # the person's own
    shared: bool  # a mailbox of several people
    numbers: frozenset[int]  # the letter's posts, picks and spares
    left_at: datetime | None


def holder(connection: Connection, control: str) -> Holder | None:
    """Read `control` as people and gateways send it; None when no letter that we know carries it."""
    plain, _ = clean(control)
    if not valid_token(plain):
        return None
    joined = message.join(edition, edition.c.id == message.c.edition_id).join(employee, employee.c.id == message.c.employee_id)
    wanted = (message.c.id, message.c.picks, message.c.spares, edition.c.id, edition.c.period, employee.c.id, employee.c.language)
    labels = ("message", "picks", "spares", "edition", "period", "employee", "language")
    columns = [column.label(label) for column, label in zip(wanted, labels, strict=True)]
    found = select(*columns, employee.c.shared, employee.c.left_at).select_from(joined).where(message.c.control_hash == control_hash(plain))
    row = connection.execute(found).first()
    if row is None:
        return None
    numbers = frozenset(n for n, *_ in [*row.picks, *row.spares])
    plain_values = {name: getattr(row, name) for name in ("message", "edition", "period", "employee", "language", "shared", "left_at")}
    return Holder(**plain_values, numbers=numbers)


def newest(connection: Connection, employee_id: int) -> str | None:
    """The control token of somebody's newest letter; None when they have none."""
    mine = (message.c.employee_id == employee_id) & message.c.control_hash.is_not(None)
    found = connection.execute(select(message.c.id).where(mine).order_by(message.c.id.desc()).limit(1)).scalar()
    return None if found is None else token_of(connection, found)


def token_of(connection: Connection, message_id: int) -> str | None:
    """The control token that stands in a letter, made again; None when the letter is not known any more."""
    columns = (message.c.control_hash, message.c.employee_id, edition.c.period)
    joined = message.join(edition, edition.c.id == message.c.edition_id)
    row = connection.execute(select(*columns).select_from(joined).where(message.c.id == message_id)).first()
    if row is None or row.control_hash is None or row.employee_id is None:
        return None
    made = (control_token(secret, row.period, row.employee_id) for secret in signing_keys(connection, "control").values())
    return next((one for one in made if control_hash(one) == row.control_hash), None)
