"""The outbox as people meet it: the accounting identity, doubts, and stopping or resuming an edition."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine

from digest.db import routes, standing
from digest.db.session import read, write
from digest.domain.edition import NEXT, Edition, EditionState
from digest.domain.message import MessageState
from digest.errors import EditionError
from digest.pipeline.edition import find

_BY_SIGNAL = "paused by signal"
_SIGNAL = "signal"


def counts(connection: Connection, edition_id: int) -> dict[str, int]:
    """State -> messages of the edition, every state named. Their sum is the audience: nobody is lost without a name."""
    return standing.counts(connection, edition_id)


def doubts(connection: Connection, edition_id: int) -> list[dict[str, Any]]:
    """Every message whose outcome is unknown: message, employee, address, reason, since."""
    return standing.doubts(connection, edition_id)


def resolve(connection: Connection, message_id: int, decision: Literal["sent", "queued"], *, who: str, now: datetime) -> bool:
    """Decide a doubtful message, or queue a failed one again; False when there is nothing to decide about it."""
    return standing.resolve(connection, message_id, decision, who=who, now=now)


def cancellable(engine: Engine, period: str | None) -> tuple[str, int]:
    """The edition that `cancel` would stop, and how many messages of it wait. Raises EditionError when it is over."""
    with read(engine) as connection:
        found = find(connection, period)
        if EditionState.CANCELLED not in NEXT[found.state]:
            raise _nothing_to(found, "cancel")
        mine = standing.counts(connection, found.id)
        return found.period, mine[MessageState.QUEUED] + mine[MessageState.DEFERRED]


def _nothing_to(found: Edition, do: str) -> EditionError:
    return EditionError(found.period, f"it is {found.state}, so there is nothing to {do}", hint="See `digest edition status`.")


def pause(engine: Engine, period: str | None, *, reason: str = "", who: str, now: datetime) -> str:
    """Stop sending after the messages on the wire; a sentence. Raises EditionError."""
    with write(engine) as connection:
        found = find(connection, period)
        if standing.pause(connection, found.id, reason=reason, who=who, now=now):
            return f"{found.period} is paused. What is on the wire is still finished; go on with `digest edition resume`."
    if found.paused:
        return f"{found.period} is paused already."
    raise _nothing_to(found, "pause")


def resume(engine: Engine, period: str | None, *, who: str, now: datetime) -> str:
    """Go on with a paused edition and with transports that rest; a sentence. Raises EditionError when there is none."""
    with write(engine) as connection:
        found = find(connection, period)
        woken = routes.wake(connection, now)
        if standing.resume(connection, found.id, who=who, now=now):
            return f"{found.period} goes on: the next `digest tick` sends what is due."
    if woken:
        return f"{found.period} is not paused; the relays that rested are used again."
    return f"{found.period} is not paused; nothing to resume."


def pause_all(engine: Engine, *, now: datetime) -> str:
    """Stop every edition that is going out, because a signal asked for it; a sentence."""
    with write(engine) as connection:
        count = standing.pause_open(connection, reason=_BY_SIGNAL, who=_SIGNAL, now=now)
    return f"Paused by signal: {count} {_editions(count)}. What is on the wire is still finished."


def resume_all(engine: Engine, *, now: datetime) -> str:
    """Go on with what a signal paused, and with nothing that anybody else paused; a sentence."""
    with write(engine) as connection:
        count = standing.resume_paused(connection, reason=_BY_SIGNAL, who=_SIGNAL, now=now)
    return f"Resumed by signal: {count} {_editions(count)}."


def _editions(count: int) -> str:
    return "edition" if count == 1 else "editions"


def cancel(engine: Engine, period: str | None, *, reason: str = "", who: str, now: datetime) -> str:
    """Stop an edition for good; a sentence. Raises EditionError."""
    with write(engine) as connection:
        found = find(connection, period)
        stopped = standing.cancel(connection, found.id, reason=reason, who=who, now=now)
    if stopped is None:
        raise _nothing_to(found, "cancel")
    return f"{found.period} is cancelled: {stopped:,} {'message that waited is' if stopped == 1 else 'messages that waited are'} never sent."
