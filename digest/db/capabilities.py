"""Links that work once, in the database: only the hash of what stands in the link, and whether it was used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from digest.db.keys import signing_keys
from digest.db.schema import capability
from digest.domain.capability import LIFE, Purpose
from digest.domain.link import capability_token, clean, control_hash


@dataclass(frozen=True, kw_only=True)
class Capability:
    """What a link that works once stands for."""

    employee: int
    purpose: Purpose
    subject: int | None
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None

    def open(self, now: datetime) -> bool:
        """Whether it may still be used."""
        return self.used_at is None and now < self.expires_at


def make(connection: Connection, employee_id: int, purpose: Purpose, now: datetime, *, subject: int | None = None) -> str:
    """A new link's token, which `token_of` makes again at any time: nothing secret is stored."""
    made = token_of(connection, employee_id, purpose, now, subject=subject)
    row = {"hash": control_hash(made), "employee_id": employee_id, "purpose": purpose, "subject": subject}
    connection.execute(delete(capability).where(capability.c.hash == row["hash"]))  # the same one of the same instant
    connection.execute(insert(capability).values(**row, made_at=now, expires_at=now + LIFE[purpose]))
    return made


def token_of(connection: Connection, employee_id: int, purpose: Purpose, made_at: datetime, *, subject: int | None = None) -> str:
    """The token of the link that was made at that moment. The oldest key signs, so that a newer one changes no link."""
    keys = signing_keys(connection, "control")
    return capability_token(keys[min(keys)], purpose, employee_id, subject, made_at)


def newest(connection: Connection, employee_id: int, purpose: Purpose, subject: int) -> str:
    """The token of the last link that was made for this person, deed and subject; "" for none."""
    mine = (capability.c.employee_id == employee_id) & (capability.c.purpose == purpose) & (capability.c.subject == subject)
    made = connection.execute(select(capability.c.made_at).where(mine).order_by(capability.c.made_at.desc()).limit(1)).scalar_one_or_none()
    return token_of(connection, employee_id, purpose, made, subject=subject) if made is not None else ""


def find(connection: Connection, text: str, purpose: Purpose) -> Capability | None:
    """What the link stands for, used up and expired ones too; None for one that was never made."""
    plain, _ = clean(text)
    mine = (capability.c.hash == control_hash(plain)) & (capability.c.purpose == purpose)
    row = connection.execute(select(capability).where(mine)).first()
    if row is None:
        return None
    times = {"made_at": row.made_at, "expires_at": row.expires_at, "used_at": row.used_at}
    return Capability(employee=row.employee_id, purpose=Purpose(row.purpose), subject=row.subject, **times)


def use(connection: Connection, text: str, purpose: Purpose, now: datetime) -> bool:
    """Use it up; False when it is none, is over, or somebody was first."""
    plain, _ = clean(text)
    mine = (capability.c.hash == control_hash(plain)) & (capability.c.purpose == purpose) & capability.c.used_at.is_(None)
    return connection.execute(update(capability).where(mine, capability.c.expires_at > now).values(used_at=now)).rowcount == 1


def forget(connection: Connection, before: datetime) -> int:
    """Delete those that ended before that moment; how many."""
    return connection.execute(delete(capability).where(capability.c.expires_at < before)).rowcount
