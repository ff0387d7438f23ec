"""Where an edition stands, why somebody got what they got, and what is in doubt: read, put into words, nothing changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Engine

from digest.db import editions, ledger, people
from digest.db.session import read, write
from digest.domain.edition import Edition, EditionState
from digest.domain.message import MessageState
from digest.errors import NotFoundError
from digest.pipeline import outbox
from digest.pipeline.edition import find

COUNTS = tuple(state.value for state in MessageState)


def status(engine: Engine, period: str | None = None) -> dict[str, Any]:
    """One object: the edition, its counts (their sum is `audience`) and the reasons. Raises EditionError when there is none."""
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


def why(engine: Engine, address: str, period: str | None = None) -> dict[str, Any]:
    """What one employee gets in an edition and why: picks, or the reason for none. Never what they pressed.

    Raises NotFoundError for an address that is not on the roster.
    """
    with read(engine) as connection:
        found = find(connection, period)
        person = people.by_address(connection, address)
        if person is None:
            raise NotFoundError(address, "nobody on the roster has this address", hint="List them with `digest roster list`.")
        row = ledger.of_employee(connection, found.id, person.id)
        if row is None:
            return _nothing(found, address)
        content = editions.content(connection, found.id)
        titles = {post.n: post for post in content.posts}
        return {
            "address": address,
            "period": found.period,
            "state": row.state,
            "reason": row.reason,
            "due_at": _text(row.due_at),
            "picks": [{"n": n, "post": titles[n].id, "title": titles[n].title, "because": because} for n, because in row.picks],
            "spares": [{"n": n, "post": titles[n].id, "title": titles[n].title} for n, _ in row.spares],
            "attempts": ledger.attempts(connection, row.id),
        }


def _nothing(found: Edition, address: str) -> dict[str, Any]:
    joined = "joined after the edition was planned"
    return {"address": address, "period": found.period, "state": None, "reason": joined, "due_at": None, "picks": [], "spares": [], "attempts": []}


def why_sentence(found: dict[str, Any]) -> str:
    """`why` for people."""
    if found["state"] is None:
        return f"{found['address']} has no message in {found['period']}: {found['reason']}."
    head = f"{found['address']} in {found['period']}: {found['state']}{_named(found['reason'])}, due {found['due_at'][:16]} UTC."
    lines = [head, *[f"  {place}. {pick['title']}{_because(pick['because'])}" for place, pick in enumerate(found["picks"], 1)]]
    lines += [f"  spare: {spare['title']}" for spare in found["spares"]]
    lines += [f"  {a['at'][:19]}  {a['phase']}: {a['outcome']} {a['code'] or ''} {a['text']}".rstrip() for a in found["attempts"]]
    return "\n".join(lines)


def _named(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _because(reason: str) -> str:
    kind, _, topic = reason.partition(":")
    said = {"topic": f"follows {topic}", "team": "same team", "country": "same country"}.get(kind, reason)
    return f" — {said}" if said else ""


def doubts(engine: Engine, period: str | None = None) -> list[dict[str, Any]]:
    """Every message of the edition whose outcome is unknown."""
    with read(engine) as connection:
        return outbox.doubts(connection, find(connection, period).id)


def resolve(engine: Engine, period: str | None, *, message_id: int | None, decision: Literal["sent", "queued"], who: str, now: datetime) -> int:
    """Decide one doubtful message of the edition, or all of them; how many were decided."""
    with write(engine) as connection:
        mine = [int(doubt["message"]) for doubt in outbox.doubts(connection, find(connection, period).id)]
        chosen = mine if message_id is None else [message_id]
        return sum(outbox.resolve(connection, number, decision, who=who, now=now) for number in chosen)


def doubts_sentence(found: list[dict[str, Any]]) -> str:
    """The doubts for people, and how to decide them."""
    if not found:
        return "Nothing is in doubt."
    lines = [f"  {doubt['message']:>8}  {doubt['address']}  since {str(doubt['since'])[:19]} UTC" for doubt in found]
    ask = "Look for them in the relay's log, then run `digest edition resolve --message NUMBER --as sent` or `--as queued`."
    return "\n".join([f"{len(found)} in doubt:", *lines, ask])
