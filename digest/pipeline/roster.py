"""The roster: a file compared with who is stored, shown or acted on; and forgetting one person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from digest.db import editions, people, privacy, suppressions
from digest.db.session import fold, read, write
from digest.domain.employee import Employee
from digest.domain.roster import DEFAULTS, Difference, RosterRow, difference, sparing
from digest.errors import DigestError, FileProblemsError, NotFoundError
from digest.files.roster import read_roster


class TooManyLeaversError(DigestError):
    """So many would leave that the file is more likely cut than the company."""

    summary = "nothing was imported"


@dataclass(frozen=True, kw_only=True)
class RosterFile:
    """A roster file without problems."""

    rows: tuple[RosterRow, ...]
    notes: tuple[str, ...]


def check(path: Path, networks: Iterable[str] | None = None) -> RosterFile:
    """Read the roster in `path`. `networks`: names that may stand in it; None: ours.

    Raises FileProblemsError with every problem, or UnreadableFileError.
    """
    rows, problems, notes = read_roster(path, networks)
    if problems:
        raise FileProblemsError([str(problem) for problem in problems], hint="Nothing was changed. Mend them, then try again.")
    return RosterFile(rows=rows, notes=tuple(notes))


def preview(engine: Engine, file: RosterFile, *, zone: str) -> Difference:
    """What an import would change. `zone`: where people live of whom the file does not say."""
    with read(engine) as connection:
        return _difference(connection, file, zone)


def bring_in(engine: Engine, file: RosterFile, *, zone: str, now: datetime, allow_leavers: bool = False) -> Difference:
    """Make the stored roster what the file says, in one transaction, and say what changed.

    Raises TooManyLeaversError, before anything is changed, when more than a fifth would leave.
    """
    found = preview(engine, file, zone=zone)  # comparing is the long part, and nobody's click waits for it
    if found.too_many_leave and not allow_leavers:
        raise TooManyLeaversError(
            "roster",
            f"{len(found.left):,} of {found.here:,} people would leave, which looks like half a file",
            hint="See who with --dry-run. If it is right, repeat with --allow-leavers.",
        )
    if found.is_empty:
        return found
    with write(engine) as connection:
        touched = [change.employee.id for change in (*found.changed, *found.returned)]
        found = sparing(found, people.chosen(connection, touched))
        _apply(connection, found, now)
    return found


def _difference(connection: Connection, file: RosterFile, zone: str) -> Difference:
    defaults: Mapping[str, Any] = {**DEFAULTS, "zone": zone}
    return difference(file.rows, people.everybody(connection), people.erased_hashes(connection), defaults)


def _apply(connection: Connection, found: Difference, now: datetime) -> None:
    people.leave(connection, [person.id for person in found.left], now)
    people.release(connection, found.released)
    people.come_back(connection, [change.employee.id for change in found.returned])
    people.change(connection, {change.employee.id: change.values for change in (*found.changed, *found.returned)})
    people.add(connection, found.joined, now)
    back = [(change.employee.id, str(change.values.get("address", change.employee.address))) for change in found.returned]
    suppressions.end_for_returned(connection, back, now)


def listed(engine: Engine) -> list[Employee]:
    """Everybody on the roster now, by number."""
    with read(engine) as connection:
        return list(people.stream(connection))


def erase(engine: Engine, address: str, *, now: datetime, random: Callable[[], str], who: str = "operator") -> bool:
    """Forget whoever has this address, former colleagues included. `random` gives letters nobody can guess.

    False when SQLite's log could not be emptied just now, because somebody reads; the next tick does it. Raises NotFoundError
    when nobody has the address.
    """
    with write(engine) as connection:
        person = people.by_address(connection, address)
        if person is None:
            raise NotFoundError(address, "nobody on the roster has this address", hint="List them with `digest roster list`.")
        forget(connection, person, now, random=random, who=who)
    return fold(engine)


def forget(connection: Connection, person: Employee, now: datetime, *, random: Callable[[], str], who: str) -> None:
    """Forget one person, as part of a transaction; `fold` the database afterwards."""
    for edition_id in editions.forget_author(connection, person.id):
        privacy.keep_letters(connection, edition_id, who=who, now=now)
    privacy.erase(connection, person, now, draw=random, who=who)
