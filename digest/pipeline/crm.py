"""Outcomes by file: a CRM's export taken in whole or not at all, and what is stored, listed.

Reading and checking look only; then short transactions store, so that nobody's click waits. A file that was cut off half-way
is simply imported again: what is there already stays one.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import outcomes
from digest.db.session import read, write, yield_to_others
from digest.domain.money import AmountError, check_currency, major
from digest.domain.outcome import Grade, Outcome, counted
from digest.errors import DigestError, FileProblemsError
from digest.files.outcomes import OutcomeRow, identity, read_outcomes
from digest.files.problems import Problem
from digest.pipeline import networks
from digest.pipeline.conversions import examine
from digest.pipeline.edition import find

_CHUNK = 200


class CurrencyError(DigestError):
    """What was typed is no currency."""

    summary = "there is no such currency"


@dataclass(frozen=True, kw_only=True)
class Import:
    """What a file brings: new outcomes, what a later export corrects, and how many were there as they are."""

    new: tuple[dict[str, Any], ...] = ()
    corrected: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    same: int = 0
    notes: tuple[str, ...] = field(default=())

    @property
    def grades(self) -> dict[str, int]:
        """Grade -> how many of the new ones."""
        found = Counter(row["grade"] for row in self.new)
        return {grade.value: found[grade.value] for grade in Grade}


def compare(engine: Engine, config: Config, path: Path, *, now: datetime, currency: str = "") -> Import:
    """What the file would bring; nothing is changed. Raises FileProblemsError with every problem, CurrencyError or UnreadableFileError."""
    try:
        currency = check_currency(currency) if currency else ""
    except AmountError as error:
        raise CurrencyError(currency, f"allowed {error}") from None
    rows, problems, notes = read_outcomes(path, events=config.conversions.events, now=now, zone=config.site_zone, currency=currency)
    if problems:
        raise _refused(problems)
    with read(engine) as connection:
        return _compared(connection, rows, notes, names=networks.names(config), now=now)


def _refused(problems: Sequence[Problem]) -> FileProblemsError:
    return FileProblemsError([str(problem) for problem in problems], hint="Nothing was stored. Mend them, then try again.")


def _compared(connection: Connection, rows: Sequence[OutcomeRow], notes: Sequence[str], *, names: Collection[str], now: datetime) -> Import:
    new: list[dict[str, Any]] = []
    corrected: list[tuple[str, Mapping[str, Any]]] = []
    problems: list[Problem] = []
    same = 0
    for row in rows:
        key = _key(row)
        before = outcomes.stored(connection, key)
        if before is None:
            made, refused = examine(connection, row.claim, now=now, source="csv", networks=names)
            if refused is not None and refused.unknown:
                said = "allowed an ac_id that we gave, while its visit is kept; an empty cell makes it grade C"
                problems.append(row.problem("click_id", f"found {row.claim.click_id!r}, {said}"))
            elif refused is not None:
                problems += [row.problem(fault.field, f"found {fault.found}, allowed {fault.allowed}") for fault in refused.faults]
            new += [] if refused else [{**made, "key": key}]
        elif changes := _changes(before, row):
            corrected.append((key, changes))
        else:
            same += 1
    if problems:
        raise _refused(sorted(problems))
    return Import(new=tuple(new), corrected=tuple(corrected), same=same, notes=tuple(notes))


def _key(row: OutcomeRow) -> str:
    return f"csv:{hashlib.sha256(chr(10).join(identity(row.claim)).encode()).hexdigest()}"


def _changes(before: Mapping[str, Any], row: OutcomeRow) -> dict[str, Any]:
    """What a later export says otherwise; its value may have been put right, its origin may not."""
    said: dict[str, Any] = {"value_minor": row.claim.value_minor, "currency": row.claim.currency}
    if row.claim.occurred_at is not None:
        said["occurred_at"] = row.claim.occurred_at
    return {name: value for name, value in said.items() if before[name] != value}


def bring_in(engine: Engine, found: Import, *, file: Path, who: str, now: datetime) -> None:
    """Store what a file brings."""
    for start in range(0, len(found.new), _CHUNK):
        with write(engine) as connection:
            for row in found.new[start : start + _CHUNK]:
                outcomes.put(connection, row)
        yield_to_others(engine)
    with write(engine) as connection:
        for key, values in found.corrected:
            outcomes.correct(connection, key, values)
        outcomes.note(connection, who=who, file=file.name, detail=f"{len(found.new)} new, {len(found.corrected)} corrected", now=now)


def listed(engine: Engine, period: str | None = None) -> list[Outcome]:
    """Every outcome once, the oldest first; of one edition when `period` names it. Raises EditionError."""
    with read(engine) as connection:
        wanted = find(connection, period) if period else None
        once = counted(outcomes.listed(connection, wanted.id if wanted else None))
    return [one for one in once if wanted is None or one.period == wanted.period]


def as_data(one: Outcome) -> dict[str, Any]:
    """An outcome beside the visit that led to it, for JSON. Whose link it was stands nowhere."""
    visit = {"at": _stamp(one.visited_at), "class": one.visitor, "country": one.country, "referrer": one.referrer} if one.visitor else None
    return {
        "event": one.event,
        "grade": one.grade.value,
        "external_id": one.external_id,
        "occurred_at": _stamp(one.occurred_at),
        "received_at": _stamp(one.at),
        "edition": one.period,
        "post": one.post,
        "network": one.network,
        "channel": one.channel,
        "value": None if one.value_minor is None else major(one.value_minor, one.currency),
        "currency": one.currency,
        "click_id": one.click_id,
        "visit": visit,
        "source": one.source,
    }


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
