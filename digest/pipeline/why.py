"""Why one employee got what they got: what was planned, every try, and how it ended. Never what they pressed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row

from digest.config import Config
from digest.db import editions, ledger, people, suppressions
from digest.db.session import read
from digest.domain.edition import Edition
from digest.domain.message import MessageState, SkipReason
from digest.domain.saturation import GAVE_WAY
from digest.errors import NotFoundError
from digest.pipeline import explaining
from digest.pipeline.edition import find


def why(engine: Engine, address: str, period: str | None = None, *, now: datetime | None = None, config: Config | None = None) -> dict[str, Any]:
    """What one employee gets in an edition and why: picks, or the reason for none. Never what they pressed.

    With `now` also why they get no more letters, with `config` also why each other post is not in theirs.
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
            "spares": [{"n": n, "post": titles[n].id, "title": titles[n].title} for n, because in row.spares if because != GAVE_WAY],
            "asks": bool(row.networks),
            "left_out": explaining.left_out(connection, config, found, content, person, row) if config and _chosen(row) else [],
            "next_attempt_at": _text(row.next_attempt_at) if row.state == MessageState.DEFERRED else None,
            "attempts": ledger.attempts(connection, row.id),
            "came_back": ledger.returned(connection, row.id),
            "suppressed": _suppressed(connection, person.address, now),
        }


def _chosen(row: Row[Any]) -> bool:
    """Whether the rules of the mix had a say: not for somebody who gets no letter for another reason."""
    return bool(row.picks) or row.reason in {SkipReason.NOTHING_FOR_YOU, SkipReason.SEEN_ENOUGH}


def _suppressed(connection: Connection, address: str, now: datetime | None) -> list[dict[str, Any]]:
    """Why this address gets no more letters, and since when; asked only with a clock."""
    held = [] if now is None else suppressions.of_address(connection, address, now)
    return [{"at": at.isoformat(), "reason": reason, "until": _text(until)} for reason, at, until in held]


def _nothing(found: Edition, address: str) -> dict[str, Any]:
    joined = "joined after the edition was planned"
    nothing: dict[str, Any] = {"address": address, "period": found.period, "state": None, "reason": joined}
    nothing |= {"next_attempt_at": None, "came_back": [], "suppressed": [], "asks": False, "left_out": []}
    return nothing | {"due_at": None, "planned_at": _text(found.planned_at), "sent_at": None, "picks": [], "spares": [], "attempts": []}


def sentence(found: dict[str, Any]) -> str:
    """All of it for people: the state, the picks, and what happened when."""
    if found["state"] is None:
        return f"{found['address']} has no message in {found['period']}: {found['reason']}."
    due = f", due {found['due_at'][:16].replace('T', ' ')} UTC" if found["due_at"] else ""
    lines = [f"{found['address']} in {found['period']}: {found['state']}{_named(found['reason'])}{due}."]
    lines += [f"  {place}. {pick['title']}{_because(pick['because'])}" for place, pick in enumerate(found["picks"], 1)]
    lines += [f"  spare: {spare['title']}" for spare in found["spares"]]
    lines += [f"  not in it: {other['title']}, {other['because']}" for other in found["left_out"]]
    lines += ["  It carries no share link."] if found["picks"] and not found["asks"] else []
    return "\n".join([*lines, *_timeline(found)])


def _timeline(found: dict[str, Any]) -> list[str]:
    events = [(found["planned_at"], "planned")] if found["planned_at"] else []
    events += [(tried["at"], _tried(tried)) for tried in found["attempts"]]
    events += [(back["at"], _returned(back)) for back in found["came_back"]]
    events += [(held["at"], _held(held)) for held in found["suppressed"]]
    lines = [f"  {at[:19].replace('T', ' ')}  {what}" for at, what in sorted(events, key=lambda event: event[0])]  # all UTC, so text sorts
    if found["next_attempt_at"]:
        lines.append(f"  the next try is due {found['next_attempt_at'][:16].replace('T', ' ')} UTC")
    if found["state"] == MessageState.SENT and found["reason"]:
        lines.append(f"  taken for sent: {found['reason']}")
    return lines


def _returned(back: dict[str, Any]) -> str:
    status = f" {back['status']}" if back["status"] else ""
    words = f": {back['text']}" if back["text"] else ""
    return f"came back{status} ({back['kind'].replace('_', ' ')}){words}"


def _held(held: dict[str, Any]) -> str:
    until = f" until {held['until'][:10]}" if held["until"] else ""
    return f"no more letters{until}: {held['reason']}"


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
