"""Where an edition stands: read, put into words, nothing changed. Why one person got what they got stands in `why`."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from digest.db import ledger, relays
from digest.db.session import read
from digest.domain.edition import EditionState
from digest.domain.message import MessageState
from digest.domain.pace import MOST_TRIES, WINDOW, remaining
from digest.domain.spoken import span
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
        flat: Counter[str] = sum((Counter(mine) for mine in reasons.values()), Counter())
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
            "reasons": dict(sorted(flat.items())),
            "reasons_by_state": reasons,
            "came_back": ledger.came_back(connection, found.id),
            **(_progress(connection, found.id, now) if now and found.state in _GOING else {}),
        }


def _progress(connection: Connection, edition_id: int, now: datetime) -> dict[str, Any]:
    """How an edition that may go out gets on: by transport, its canary, and how long the rest takes if anything moves."""
    left, until = ledger.canary(connection, edition_id)
    tries = ledger.recent(connection, edition_id, now - WINDOW, MOST_TRIES)
    due = ledger.due(connection, edition_id, now)
    lately = Counter(name for at, name, _ in tries if at > now - _MINUTE)
    known = relays.troubles(connection, now)
    dealt, carried = ledger.routes(connection, edition_id), ledger.carried(connection, edition_id)
    waiting = {name: counts.get(MessageState.QUEUED, 0) + counts.get(MessageState.DEFERRED, 0) for name, counts in dealt.items()}
    rests = any(count and name in known and known[name].until for name, count in waiting.items())
    takes = None if left is not None or rests else remaining(due, [at for at, _, outcome in tries if outcome in _FINAL], now)
    return {
        "due": due,
        "remaining_seconds": None if takes is None else round(takes.total_seconds()),
        "next_try": _text(ledger.next_try(connection, edition_id)),
        "canary": None if left is None else {"left": left, "until": _text(until)},
        "transports": {
            name: {
                "sent": carried.get(name, 0),
                "waiting": waiting.get(name, 0),
                "last_minute": lately[name],
                "rest_until": _text(known[name].until) if name in known else None,
                "trouble_at": _text(known[name].at) if name in known else None,
                "reason": known[name].reason if name in known else "",
            }
            for name in sorted({*dealt, *carried})
        },
    }


def _text(moment: Any) -> str | None:  # noqa: ANN401 - a moment or None
    return None if moment is None else moment.isoformat()


def sentence(found: dict[str, Any], *, approval: str) -> str:
    """The status for people: a headline, the counts that are not zero, what to type next."""
    paused = " and paused" if found["paused"] else ""
    lines = [f"{found['period']} is {found['state']}{paused}{_named(found['reason'])}."]
    lines += [f"  {found[state]:>8,}  {state.replace('_', ' ')}{_because(found, state)}" for state in COUNTS if found[state]]
    lines.append(f"  {found['audience']:>8,}  audience")
    if found["came_back"]:
        back = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in found["came_back"].items())
        lines.append(f"Came back later: {back}.")
    if found["due_from"]:
        lines.append(f"Due from {_moment(found['due_from'])} to {_moment(found['due_until'])} UTC.")
    lines += _getting_on(found)
    hint = _next(found, approval)
    return "\n".join([*lines, hint] if hint else lines)


def _because(found: dict[str, Any], state: str) -> str:
    """The reasons beside the count they belong to: the one of all, or each with its own count."""
    reasons: dict[str, int] = found["reasons_by_state"].get(state, {})
    if list(reasons.values()) == [found[state]]:
        return f" ({next(iter(reasons))})"
    return f" ({', '.join(f'{reason}: {count:,}' for reason, count in reasons.items())})" if reasons else ""


def _moment(iso: str) -> str:
    return iso[:16].replace("T", " ")


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
    for name, one in transports.items():
        if one["rest_until"]:
            lines.append(f"Transport {name} rests until {_moment(one['rest_until'])} UTC, or `digest edition resume`: {one['reason']}")
        elif one["trouble_at"] and one["waiting"]:
            lines.append(f"Transport {name} was away at {_moment(one['trouble_at'])} UTC, when it was last tried: {one['reason']}")
    if found.get("next_try") and found["deferred"]:
        lines.append(f"The next try of what is deferred is due at {_moment(found['next_try'])} UTC.")
    if found.get("remaining_seconds") is not None and not found["paused"]:
        takes = span(timedelta(seconds=found["remaining_seconds"]))
        lines.append(f"About {takes} for the {found['due']:,} that are due, at the pace of the last minutes.")
    return lines


def _canary(found: dict[str, Any]) -> list[str]:
    canary = found.get("canary")
    if not canary:
        return []
    out = sum(found[state] for state in (*_FINAL, MessageState.DEFERRED, MessageState.SENDING))
    if canary["until"] is None:
        return [f"The canary goes first: {canary['left']:,} of it are still to go out."]
    return [f"The canary is out ({out:,}); the rest follows at {_moment(canary['until'])} UTC, unless too much of it fails."]


def _named(reason: str) -> str:
    return f" ({reason})" if reason else ""
