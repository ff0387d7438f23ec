"""Employees in the database: found, streamed by number, and brought up to date.

An address is compared in lower case and mailed as `mailbox`. A number is never given twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Select, Text, bindparam, cast, insert, null, or_, select, update

from digest.db.prepared import Prepared
from digest.db.schema import employee, suppression
from digest.domain.employee import Employee, EmployeeId
from digest.domain.roster import Known
from digest.domain.suppression import SuppressionReason

_ABOUT = ("name", "roster_id", "language", "zone", "country", "team", "topics", "networks", "shared", "named")
_THEIRS = ("measured", "frequency", "paused_until", "hour", "chosen")  # their own wishes
_FIELDS = ("id", *_ABOUT, *_THEIRS, "left_at")
_TEXTS = frozenset({"topics", "networks", "chosen"})  # read as their text: many people have the same
_COLUMNS = tuple(cast(employee.c[name], Text).label(name) if name in _TEXTS else employee.c[name] for name in (*_FIELDS, "mailbox"))
_HERE = employee.c.left_at.is_(None)
_MANY = 500  # values in one IN list


def _next(_dialect: str) -> Select[Any]:
    behind = employee.c.id > bindparam("after", type_=BigInteger)
    return select(*_COLUMNS).where(_HERE, behind).order_by(employee.c.id).limit(bindparam("most", type_=Integer))


_NEXT = Prepared(_next)


def _noun(row: Any) -> Employee:  # noqa: ANN401 - of either kind of statement
    values = dict(zip(_FIELDS, row, strict=False))  # they come first
    values |= {"address": row.mailbox, "topics": _listed(row.topics), "networks": _listed(row.networks), "chosen": frozenset(_listed(row.chosen))}
    return Employee(**values)


@lru_cache(maxsize=8192)
def _listed(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def stream(connection: Connection, after: int = 0, chunk: int = 1000) -> Iterator[Employee]:
    """Everybody on the roster now whose number is above `after`, by number; memory holds one chunk."""
    while True:
        rows = _NEXT.rows(connection, {"after": after, "most": chunk})
        yield from map(_noun, rows)
        if len(rows) < chunk:
            return
        after = rows[-1].id


def everybody(connection: Connection) -> Iterator[Known]:
    """Everybody stored, those who left included, with what they chose themselves."""
    for row in connection.execute(select(*_COLUMNS).order_by(employee.c.id)):
        found = _noun(row)
        yield Known(employee=found, chosen=found.chosen)


def addresses(connection: Connection) -> frozenset[str]:
    """Every address in lower case. Former colleagues are in it: what they wrote stays theirs."""
    return frozenset(connection.execute(select(employee.c.address)).scalars())


def names(connection: Connection) -> frozenset[str]:
    """The names of everybody on the roster."""
    return frozenset(connection.execute(select(employee.c.name).where(_HERE, employee.c.shared.is_(False))).scalars())


def by_address(connection: Connection, address: str) -> Employee | None:
    """Whoever has this address, former colleagues included; letter case does not matter."""
    row = connection.execute(select(*_COLUMNS).where(employee.c.address == address.strip().lower())).first()
    return None if row is None else _noun(row)


def search(connection: Connection, words: Sequence[str], limit: int) -> list[Employee]:
    """People on the roster now whose name or address has each of `words` in it, by name; at most `limit`.

    SQLite folds the case of ASCII letters alone, so a word is also looked for as a name is written.
    """
    ways = [{word, word.lower(), word.title()} for word in words]
    fits = [or_(*(column.icontains(way, autoescape=True) for way in some for column in (employee.c.name, employee.c.address))) for some in ways]
    rows = connection.execute(select(*_COLUMNS).where(_HERE, *fits).order_by(employee.c.name, employee.c.id).limit(limit))
    return [_noun(row) for row in rows]


def by_ids(connection: Connection, ids: Collection[int]) -> dict[int, Employee]:
    """Number -> employee, for those that exist."""
    wanted, found = sorted(ids), {}
    for start in range(0, len(wanted), _MANY):
        rows = connection.execute(select(*_COLUMNS).where(employee.c.id.in_(wanted[start : start + _MANY])))
        found.update({int(row.id): _noun(row) for row in rows})
    return found


def by_hashes(connection: Connection, hashes: Collection[str], hashed: Callable[[str], str]) -> dict[str, Employee]:
    """Hash -> whoever has an address of that hash, former colleagues included; reads everybody's address."""
    numbers = {
        int(row.id): digest for row in connection.execute(select(employee.c.id, employee.c.address)) if (digest := hashed(row.address)) in hashes
    }
    return {numbers[number]: person for number, person in by_ids(connection, numbers).items()}


def chosen(connection: Connection, numbers: Collection[EmployeeId]) -> dict[EmployeeId, frozenset[str]]:
    """Number -> the fields this person set themselves."""
    wanted, found = sorted(numbers), {}
    for start in range(0, len(wanted), _MANY):
        rows = connection.execute(select(employee.c.id, employee.c.chosen).where(employee.c.id.in_(wanted[start : start + _MANY])))
        found.update({EmployeeId(row.id): frozenset(row.chosen) for row in rows})
    return found


def add(connection: Connection, people: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Insert employees; each mapping has the fields a roster may say, by the names of Employee."""
    rows = [
        {**_stored(values), "shared": bool(values["shared"]), "named": False, "measured": None, "chosen": [], "joined_at": now, "left_at": None}
        for values in people
    ]
    if rows:
        connection.execute(insert(employee), rows)


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """An employee's fields as columns."""
    row: dict[str, Any] = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    if "address" in row:
        row |= {"mailbox": row["address"], "address": row["address"].lower()}
    return row


def change(connection: Connection, changes: Mapping[EmployeeId, Mapping[str, Any]]) -> None:
    """Set fields of employees, each by its number. Addresses and roster numbers may change hands among them."""
    _let_go(connection, [number for number, values in changes.items() if "address" in values], "address")
    _let_go(connection, [number for number, values in changes.items() if "roster_id" in values], "roster_id")
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for number, values in changes.items():
        row = _stored(values)
        if row:
            alike.setdefault(tuple(sorted(row)), []).append({f"new_{name}": value for name, value in row.items()} | {"number": number})
    for names, rows in alike.items():  # one statement for all who change the same fields
        values_of: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        connection.execute(update(employee).where(employee.c.id == bindparam("number")).values(values_of), rows)


def _let_go(connection: Connection, numbers: Sequence[int], *columns: str) -> None:
    """Take unique values out of the way before they change hands, or the database refuses half of an exchange."""
    if numbers:
        nobody = [{"number": number, "nobody": f"{number}@released.invalid"} for number in numbers]
        values: dict[str, Any] = {column: bindparam("nobody") for column in columns}
        connection.execute(update(employee).where(employee.c.id == bindparam("number")).values(values), nobody)


def release(connection: Connection, numbers: Sequence[EmployeeId]) -> None:
    """People who are gone give up their address, which somebody else has now."""
    _let_go(connection, numbers, "address", "mailbox")


def leave(connection: Connection, numbers: Sequence[EmployeeId], now: datetime) -> None:
    """Note that these people are no longer on the roster."""
    if numbers:
        connection.execute(update(employee).where(employee.c.id == bindparam("number")).values(left_at=now), [{"number": n} for n in numbers])


def come_back(connection: Connection, numbers: Sequence[EmployeeId]) -> None:
    """Note that these people are on the roster again."""
    if numbers:
        connection.execute(update(employee).where(employee.c.id == bindparam("number")).values(left_at=null()), [{"number": n} for n in numbers])


def remember_mastodon(connection: Connection, number: int, server: str) -> None:
    """The Mastodon server this person shares to; "" forgets it."""
    connection.execute(update(employee).where(employee.c.id == number).values(mastodon=server))


def erased_hashes(connection: Connection) -> frozenset[str]:
    """Hashes of the addresses of people who asked to be forgotten."""
    held = (suppression.c.reason == SuppressionReason.ERASED) & suppression.c.lifted_at.is_(None)
    return frozenset(connection.execute(select(suppression.c.address_hash).where(held)).scalars())
