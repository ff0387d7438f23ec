"""Conversions: what another system says came of a visit, checked against what we know, graded and stored once.

Whoever sends the same key again gets the same answer; nobody is told whose link it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine

from digest.db import outcomes
from digest.db.session import write
from digest.domain.conversion import Claim, Fault
from digest.domain.money import major
from digest.domain.outcome import WINDOW, Channel, channel_of, graded, out_of_window
from digest.domain.visitor import Audience, VisitorClass, audience
from digest.pipeline.tracking import employee_of

_COMPARED = ("event", "click_id", "external_id", "value_minor", "currency")


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of one claim: its row, or why it was refused."""

    row: Mapping[str, Any] = field(default_factory=dict)
    fresh: bool = False  # False: it was there before
    unknown: bool = False  # the click id is none that we gave, or its visit is kept no longer
    faults: tuple[Fault, ...] = ()
    differs: tuple[str, ...] = ()  # names of the fields in which the stored outcome is another


def receive(engine: Engine, claim: Claim, *, now: datetime) -> Taken:
    """Take one signed conversion in. Raises StorageError; then nothing was stored, and the same request may be sent again."""
    key = f"api:{claim.key}"
    with write(engine) as connection:
        before = outcomes.stored(connection, key)
        if before is None:
            row, refused = examine(connection, claim, now=now, source="api")
            if refused is not None:
                return refused
            if outcomes.put(connection, {**row, "key": key}):
                return Taken(row={**row, "key": key}, fresh=True)
            before = outcomes.stored(connection, key) or row  # somebody else sent it in the same moment
    return Taken(row=before, differs=_differs(before, claim))


def _differs(before: Mapping[str, Any], claim: Claim) -> tuple[str, ...]:
    said = {name: getattr(claim, name) for name in _COMPARED} | {"occurred_at": claim.occurred_at or before["at"]}
    return tuple(name for name, value in said.items() if before[name] != value)


def examine(
    connection: Connection, claim: Claim, *, now: datetime, source: str, networks: Collection[str] = ()
) -> tuple[dict[str, Any], Taken | None]:
    """The row that a claim would be, without its key; or why it is refused. `networks`: names that a utm_source may have."""
    visit = outcomes.seen(connection, claim.click_id) if claim.click_id else None
    if claim.click_id and visit is None:
        return {}, Taken(unknown=True)
    occurred = claim.occurred_at or now
    wrong = out_of_window(occurred, now, visit.at if visit else None)
    if wrong:
        return {}, Taken(faults=(Fault(field="occurred_at", found=f"{occurred:%Y-%m-%dT%H:%M:%SZ}", allowed=wrong),))
    row = {
        "at": now,
        "occurred_at": occurred,
        "source": source,
        **{name: getattr(claim, name) for name in _COMPARED},
        **(_by_visit(visit) if visit else _by_utm(connection, claim, networks)),
    }
    return row, None


def _by_visit(visit: outcomes.Seen) -> dict[str, Any]:
    insider = audience(visit.reasons) is not Audience.OUTSIDE
    channel = channel_of(visit.owner)
    known = channel is Channel.BRAND or visit.owner.startswith("group:") or employee_of(visit.owner) is not None
    return {
        "grade": graded(VisitorClass(visit.visitor), insider=insider).value,
        "edition_id": visit.edition,
        "post_id": visit.post,
        "network": visit.network,
        "channel": channel.value,
        "owner": visit.owner if known else "",  # that person was erased: it counts, and for nobody
        "visitor_class": visit.visitor,
    }


def _by_utm(connection: Connection, claim: Claim, networks: Collection[str]) -> dict[str, Any]:
    """UTM values name edition, post and network, but neither a visit nor whose post it was."""
    edition, post = outcomes.carried(connection, claim.campaign, claim.content) if claim.campaign else (None, "")
    network = claim.network if claim.network in networks else ""
    return {
        "grade": graded(None, matched=bool(post and network)).value,
        "edition_id": edition,
        "post_id": post,
        "network": network,
        "channel": "",
        "owner": "",
        "visitor_class": "",
    }


def as_data(row: Mapping[str, Any]) -> dict[str, Any]:
    """A stored outcome as its sender may see it: the same for the first answer and for every later one."""
    value = None if row["value_minor"] is None else major(row["value_minor"], row["currency"])
    return {
        "key": row["key"].partition(":")[2],
        "event": row["event"],
        "click_id": row["click_id"],
        "external_id": row["external_id"],
        "value": value,
        "currency": row["currency"],
        "occurred_at": _stamp(row["occurred_at"]),
        "received_at": _stamp(row["at"]),
        "grade": row["grade"],
        "visitor": row["visitor_class"],
        "post": row["post_id"],
        "network": row["network"],
        "channel": row["channel"],
        "window_days": WINDOW.days,
    }


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
