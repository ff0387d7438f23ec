"""Why one employee got what they got: what was planned, every try, and how it ended. Never what they pressed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from digest.db import editions, ledger, people
from digest.db.session import read
from digest.domain.edition import Edition
from digest.domain.message import MessageState
from digest.errors import NotFoundError
from digest.pipeline.edition import find


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
            "planned_at": _text(found.planned_at),
            "sent_at": _text(row.sent_at),
            "picks": [{"n": n, "post": titles[n].id, "title": titles[n].title, "because": because} for n, because in row.picks],
            "spares": [{"n": n, "post": titles[n].id, "title": titles[n].title} for n, _ in row.spares],
            "attempts": ledger.attempts(connection, row.id),
        }


def _nothing(found: Edition, address: str) -> dict[str, Any]:
    joined = "joined after the edition was planned"
    nothing: dict[str, Any] = {"address": address, "period": found.period, "state": None, "reason": joined}
    return nothing | {"due_at": None, "planned_at": _text(found.planned_at), "sent_at": None, "picks": [], "spares": [], "attempts": []}


def sentence(found: dict[str, Any]) -> str:
    """All of it for people: the state, the picks, and what happened when."""
    if found["state"] is None:
        return f"{found['address']} has no message in {found['period']}: {found['reason']}."
    due = f", due {found['due_at'][:16]} UTC" if found["due_at"] else ""
    lines = [f"{found['address']} in {found['period']}: {found['state']}{_named(found['reason'])}{due}."]
    lines += [f"  {place}. {pick['title']}{_because(pick['because'])}" for place, pick in enumerate(found["picks"], 1)]
    lines += [f"  spare: {spare['title']}" for spare in found["spares"]]
    return "\n".join([*lines, *_timeline(found)])


def _timeline(found: dict[str, Any]) -> list[str]:
    lines = [f"  {found['planned_at'][:19]}  planned"] if found["planned_at"] else []
    lines += [f"  {tried['at'][:19]}  {_tried(tried)}" for tried in found["attempts"]]
    if found["state"] == MessageState.SENT and found["reason"]:
        lines.append(f"  taken for sent: {found['reason']}")
    return lines


def _tried(tried: dict[str, Any]) -> str:
    by = tried["transport"] or "the relay"
    code = str(tried["code"] or "")
    words = tried["text"] if tried["text"].startswith(code) else f"{code} {tried['text']}"
    if tried["outcome"] == MessageState.SENT:
        return f"accepted by {by}{_named(words)}"
    return f"{tried['outcome'].replace('_', ' ')} at {tried['phase']} by {by}{_named(words)}"


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _named(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _because(reason: str) -> str:
    kind, _, topic = reason.partition(":")
    said = {"topic": f"follows {topic}", "team": "same team", "country": "same country"}.get(kind, reason)
    return f" — {said}" if said else ""
