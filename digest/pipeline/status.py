"""Where an edition stands: read, put into words, nothing changed. Why one person got what they got stands in `why`."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from digest.db import ledger
from digest.db.session import read
from digest.domain.edition import EditionState
from digest.domain.message import MessageState
from digest.domain.pace import MOST_TRIES, WINDOW, remaining
from digest.pipeline import outbox
from digest.pipeline.edition import find

COUNTS = tuple(state.value for state in MessageState)
_GOING = (EditionState.APPROVED, EditionState.SENDING)
_MINUTE = timedelta(minutes=1)
_FINAL = (MessageState.SENT, MessageState.FAILED, MessageState.IN_DOUBT)


def status(engine: Engine, period: str | None = None, *, now: datetime | None = None) -> dict[str, Any]:
    """One object: the edition, its counts (their sum is `audience`) and the reasons; with `now` also how it gets on.

    Raises EditionError when there is no edition.
    """
    with read(engine) as connection:
        found = find(connection, period)
        counts = outbox.counts(connection, found.id)
        reasons = ledger.reasons(connection, found.id)
        return {
            "period": found.period,
            "state": found.state.value,
            "paused": found.paused,
            "reason": found.reason,
            "hash": found.hash,
            "audience": sum(counts.values()) if found.state is EditionState.PLANNING else found.audience,
            "planned_at": _text(found.planned_at),
            "due_from": _text(found.due_from),
            "due_until": _text(found.due_until),
            **{state: counts.get(state, 0) for state in COUNTS},
            "reasons": reasons,
            **(_progress(connection, found.id, now) if now and found.state in _GOING else {}),
        }


def _progress(connection: Connection, edition_id: int, now: datetime) -> dict[str, Any]:
    """How an edition that may go out gets on: by transport, its canary, and how long the rest takes if anything moves."""
    left, until = ledger.canary(connection, edition_id)
    tries = ledger.recent(connection, edition_id, now - WINDOW, MOST_TRIES)
    due = ledger.due(connection, edition_id, now)
    lately = Counter(name for at, name, _ in tries if at > now - _MINUTE)
    rests = ledger.resting(connection, now)
    takes = None if left is not None else remaining(due, [at for at, _, outcome in tries if outcome in _FINAL], now)
    return {
        "due": due,
        "remaining_seconds": None if takes is None else round(takes.total_seconds()),
        "canary": None if left is None else {"left": left, "until": _text(until)},
        "transports": {
            name: {
                "sent": counts.get(MessageState.SENT, 0),
                "waiting": counts.get(MessageState.QUEUED, 0) + counts.get(MessageState.DEFERRED, 0),
                "last_minute": lately[name],
                "rest_until": _text(rests[name][0]) if name in rests else None,
                "reason": rests[name][1] if name in rests else "",
            }
            for name, counts in ledger.routes(connection, edition_id).items()
        },
    }


def _text(moment: Any) -> str | None:  # noqa: ANN401 - a moment or None
    return None if moment is None else moment.isoformat()


def sentence(found: dict[str, Any], *, approval: str) -> str:
    """The status for people: a headline, the counts that are not zero, what to type next."""
    paused = " and paused" if found["paused"] else ""
    lines = [f"{found['period']} is {found['state']}{paused}{_named(found['reason'])}."]
    lines += [f"  {found[state]:>8,}  {state.replace('_', ' ')}" for state in COUNTS if found[state]]
    lines.append(f"  {found['audience']:>8,}  audience")
    lines += [f"  because {reason}: {count:,}" for reason, count in found["reasons"].items()]
    if found["due_from"]:
        lines.append(f"Due from {found['due_from'][:16]} to {found['due_until'][:16]} UTC.")
    lines += _getting_on(found)
    hint = _next(found, approval)
    return "\n".join([*lines, hint] if hint else lines)


def _next(found: dict[str, Any], approval: str) -> str:
    if found["paused"]:
        return "It goes on with `digest edition resume`."
    if found["in_doubt"]:
        return "Some outcomes are unknown: list them with `digest edition resolve`."
    if found["state"] == EditionState.DRAFT:
        ask = "Read it with `digest edition preview --as ADDRESS`"
        return f"{ask}, then run `digest edition approve`." if approval == "required" else f"{ask}; the next `digest tick` approves it."
    if found["state"] == EditionState.PLANNING:
        return "Planning is under way or was interrupted; the next `digest tick` carries on."
    return ""


def _getting_on(found: dict[str, Any]) -> list[str]:
    """Canary, transports and what is left, in sentences; only what is there to say."""
    lines = _canary(found)
    transports = found.get("transports", {})
    if len(transports) > 1:
        lines += [
            f"  {name}: {one['sent']:,} sent, {one['waiting']:,} waiting, {one['last_minute']:,} tries in the last minute"
            for name, one in transports.items()
        ]
    resting = [(name, one) for name, one in transports.items() if one["rest_until"]]
    lines += [f"Transport {name} rests until {one['rest_until'][11:16]} UTC: {one['reason']}" for name, one in resting]
    if found.get("remaining_seconds") is not None and not found["paused"]:
        lines.append(f"About {_span(found['remaining_seconds'])} for the {found['due']:,} that are due, at the pace of the last minutes.")
    return lines


def _canary(found: dict[str, Any]) -> list[str]:
    canary = found.get("canary")
    if not canary:
        return []
    out = sum(found[state] for state in (*_FINAL, MessageState.DEFERRED, MessageState.SENDING))
    if canary["until"] is None:
        return [f"The canary goes first: {canary['left']:,} of it are still to go out."]
    return [f"The canary is out ({out:,}); the rest follows at {canary['until'][11:16]} UTC, unless too much of it fails."]


def _span(seconds: int) -> str:
    if seconds < 90:  # noqa: PLR2004 - a minute and a half
        return f"{max(seconds, 1)} seconds"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"  # noqa: PLR2004 - two hours


def _named(reason: str) -> str:
    return f" ({reason})" if reason else ""
