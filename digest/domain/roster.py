"""The roster: what an import would change, decided before anything is touched.

A person is known by HR's `id` first, then by address; a new name or address is the same person. What a person chose
themselves stays. Somebody who is no longer in the file left; somebody who left and is in it again returned.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from digest.domain.employee import Employee, EmployeeId
from digest.domain.suppression import address_hash

MOST_LEAVERS: Final = 0.2  # of everybody here; more look like half a file
SMALL: Final = 5  # a company of fewer people may change as it likes
DEFAULTS: Final[Mapping[str, Any]] = {"language": "en", "zone": "UTC", "country": "", "team": "", "topics": (), "networks": (), "shared": False}
FIELDS: Final = ("address", "name", "roster_id", *DEFAULTS)  # what a file may change, by the names of Employee


@dataclass(frozen=True, kw_only=True)
class RosterRow:
    """One line of the file, checked. None: the file has no such column; "": it says nothing here."""

    line: int
    address: str  # as it is mailed
    name: str
    roster_id: str | None = None
    language: str | None = None
    zone: str | None = None
    country: str | None = None
    team: str | None = None
    topics: tuple[str, ...] | None = None
    networks: tuple[str, ...] | None = None
    shared: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Known:
    """An employee as stored, and the fields they set themselves."""

    employee: Employee
    chosen: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """One field's value before and after."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happens to one employee who stays or returns."""

    employee: Employee
    fields: tuple[FieldChange, ...]

    @property
    def values(self) -> dict[str, Any]:
        """Field -> new value."""
        return {change.field: change.after for change in self.fields}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Everything an import would do."""

    joined: tuple[Mapping[str, Any], ...] = ()  # all FIELDS of a new employee
    changed: tuple[Change, ...] = ()
    returned: tuple[Change, ...] = ()
    left: tuple[Employee, ...] = ()
    released: tuple[EmployeeId, ...] = ()  # gone, and somebody else has their address now
    unchanged: int = 0
    erased: int = 0  # lines of people who asked to be forgotten; never added again
    here: int = 0  # on the roster before the import

    @property
    def is_empty(self) -> bool:
        """True when an import would change nothing."""
        return not (self.joined or self.changed or self.returned or self.left or self.released)

    @property
    def too_many_leave(self) -> bool:
        """True when so many would leave that the file is more likely cut than the company."""
        return self.here >= SMALL and len(self.left) > MOST_LEAVERS * self.here


def sparing(found: Difference, chosen: Mapping[EmployeeId, frozenset[str]]) -> Difference:
    """The difference without what people have chosen since it was found; a person's own word is the last."""

    def spared(changes: tuple[Change, ...]) -> tuple[Change, ...]:
        return tuple(
            replace(change, fields=tuple(f for f in change.fields if f.field not in chosen.get(change.employee.id, frozenset())))
            for change in changes
        )

    changed = tuple(change for change in spared(found.changed) if change.fields)
    untouched = len(found.changed) - len(changed)
    return replace(found, changed=changed, returned=spared(found.returned), unchanged=found.unchanged + untouched)


@dataclass
class _Index:
    """Everybody who is stored, by HR's number and by address."""

    by_roster_id: dict[str, Known] = field(default_factory=dict)
    by_address: dict[str, Known] = field(default_factory=dict)

    def match(self, row: RosterRow) -> Known | None:
        """Whom a line means, or None for somebody new."""
        if row.roster_id and row.roster_id in self.by_roster_id:
            return self.by_roster_id[row.roster_id]
        known = self.by_address.get(row.address.lower())
        if known is None or _same_person(known.employee, row):
            return known
        return None


def _same_person(employee: Employee, row: RosterRow) -> bool:
    """With two different numbers one address was given to somebody else, unless the name says that HR counted anew."""
    numbers_agree = not row.roster_id or employee.roster_id is None or employee.roster_id == row.roster_id
    return numbers_agree or employee.name.casefold() == row.name.casefold()


def difference(rows: Sequence[RosterRow], people: Iterable[Known], erased: Container[str], defaults: Mapping[str, Any] = DEFAULTS) -> Difference:
    """What the file's lines change. `people`: everybody stored, also those who left. `erased`: hashes of addresses.

    `defaults` stand where the file says nothing about a new person, or an empty cell about a known one.
    """
    index, everybody = _Index(), list(people)
    for known in everybody:
        index.by_address[known.employee.address.lower()] = known
        if known.employee.roster_id:
            index.by_roster_id[known.employee.roster_id] = known
    sorter = _Sorter(index, erased, defaults)
    for row in _numbers_first(rows, index):
        sorter.take(row)
    return sorter.result(everybody)


def _numbers_first(rows: Sequence[RosterRow], index: _Index) -> list[RosterRow]:
    """Lines whose number is known come first: they are sure, and an address may have moved on to somebody else."""
    return sorted(rows, key=lambda row: not (row.roster_id and row.roster_id in index.by_roster_id))


class _Sorter:
    """Puts each line where it belongs."""

    def __init__(self, index: _Index, erased: Container[str], defaults: Mapping[str, Any]) -> None:
        self._index = index
        self._erased = erased
        self._defaults = defaults
        self._met: set[EmployeeId] = set()
        self._addresses: set[str] = set()  # that somebody has after the import
        self._joined: list[tuple[int, Mapping[str, Any]]] = []
        self._changed: list[Change] = []
        self._returned: list[Change] = []
        self._skipped = 0

    def take(self, row: RosterRow) -> None:
        """Decide about one line."""
        known = self._index.match(row)
        if known is not None and known.employee.id in self._met:
            known = None
        if known is None and address_hash(row.address) in self._erased:
            self._skipped += 1
            return
        self._addresses.add(row.address.lower())
        if known is None:
            self._joined.append((row.line, {name: self._value(row, name) for name in FIELDS}))
            return
        self._met.add(known.employee.id)
        change = Change(employee=known.employee, fields=self._fields(row, known))
        if known.employee.left_at is not None:
            self._returned.append(change)
        elif change.fields:
            self._changed.append(change)

    def _value(self, row: RosterRow, name: str) -> object:
        said = getattr(row, name)
        return self._defaults.get(name) if said is None or said == "" else said

    def _fields(self, row: RosterRow, known: Known) -> tuple[FieldChange, ...]:
        found = []
        for name in FIELDS:
            before, after = getattr(known.employee, name), self._value(row, name)
            silent = getattr(row, name) is None or name in known.chosen or (name == "roster_id" and after is None)
            if not silent and before != after:
                found.append(FieldChange(field=name, before=before, after=after))
        return tuple(found)

    def result(self, everybody: Sequence[Known]) -> Difference:
        """All decisions, and who left."""
        gone = [known.employee for known in everybody if known.employee.id not in self._met]
        here = sum(known.employee.left_at is None for known in everybody)
        left = tuple(employee for employee in gone if employee.left_at is None)
        active_changed = len(self._changed)
        return Difference(
            joined=tuple(values for _, values in sorted(self._joined, key=lambda pair: pair[0])),
            changed=tuple(self._changed),
            returned=tuple(self._returned),
            left=left,
            released=tuple(employee.id for employee in gone if employee.address.lower() in self._addresses),
            unchanged=here - len(left) - active_changed,
            erased=self._skipped,
            here=here,
        )
