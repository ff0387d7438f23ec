"""Sending an edition again, only to those who are without it because their message failed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from digest.db import ledger, people, resending, standing
from digest.db.session import write
from digest.domain.edition import Edition, EditionState
from digest.domain.message import MessageState
from digest.errors import EditionError, NotFoundError
from digest.pipeline.edition import find

_OUT = (EditionState.APPROVED, EditionState.SENDING, EditionState.CLOSED)
_REFUSED = {
    MessageState.SENT: "the relay accepted it already; nobody gets an edition twice",
    MessageState.IN_DOUBT: "nobody knows whether it arrived; decide that with `digest edition resolve`",
    MessageState.QUEUED: "it waits for its hour already",
    MessageState.DEFERRED: "it waits for its next attempt already; `digest tick --now` does not wait",
    MessageState.SENDING: "it is on the wire",
    MessageState.SUPPRESSED: "this address must not be mailed",
    MessageState.SKIPPED: "nothing was planned for them",
    MessageState.CANCELLED: "it was cancelled",
}


@dataclass(frozen=True, kw_only=True)
class Resent:
    """What was queued again, or with `dry_run` would be."""

    period: str
    dry_run: bool
    queued: int
    reasons: dict[str, int]  # why those had failed
    kept: dict[str, int]  # failed and not sent again, with what stands against it
    in_doubt: int
    joined_later: int
    paused: bool

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)

    def sentence(self) -> str:
        """For people."""
        lines = [self._head()]
        lines += [f"  {count:>8,}  had failed: {reason}" for reason, count in self.reasons.items()]
        lines += [f"  {count:>8,}  not again: {why}" for why, count in self.kept.items()]
        lines += [f"  {self.in_doubt:>8,}  in doubt, not sent again: see `digest edition resolve`"] if self.in_doubt else []
        lines += [f"  {self.joined_later:>8,}  joined after the edition was planned; their first letter is the next one"] if self.joined_later else []
        if self.queued and self.dry_run:
            lines.append("Nothing was changed; without --dry-run they are queued again.")
        elif self.queued:
            lines.append("It is paused, so first `digest edition resume`." if self.paused else "The next `digest tick` sends them.")
        return "\n".join(lines)

    def _head(self) -> str:
        if not self.queued:
            return f"{self.period}: nothing to send again."
        would = "would be" if self.dry_run else ("is" if self.queued == 1 else "are")
        return f"{self.period}: {self.queued:,} {'message' if self.queued == 1 else 'messages'} {would} queued again."


def resend(
    engine: Engine, period: str | None, *, address: str | None = None, reason: str | None = None, dry_run: bool = False, who: str, now: datetime
) -> Resent:
    """Queue the failed messages of an edition again, or those of one `reason`, or the one to `address`. Raises EditionError and NotFoundError.

    Never what was sent or is in doubt, never who must not be mailed, and nobody who has no message in it.
    """
    with write(engine) as connection:
        found = _out(connection, period)
        employee = None if address is None else _failed_one(connection, found, address, now)
        missing = resending.missing(connection, found.id, employee, reason, now)
        detail = "" if employee is None else f"employee:{employee}; "
        detail += ", ".join(f"{reason}: {count}" for reason, count in missing.reasons.items())
        queued = len(missing.ids) if dry_run else resending.requeue(connection, found.id, missing.ids, detail, who=who, now=now)
        everybody = address is None
        return Resent(
            period=found.period,
            dry_run=dry_run,
            queued=queued,
            reasons=missing.reasons,
            kept=missing.kept,
            in_doubt=standing.counts(connection, found.id)[MessageState.IN_DOUBT] if everybody else 0,
            joined_later=resending.later(connection, found.id) if everybody else 0,
            paused=found.paused,
        )


def _out(connection: Connection, period: str | None) -> Edition:
    found = find(connection, period)
    if found.state not in _OUT:
        detail = f"it is {found.state}, so nothing of it can be sent again"
        raise EditionError(found.period, detail, hint="See `digest edition status`; a cancelled edition stays cancelled.")
    if not resending.has_letters(connection, found.id):
        raise EditionError(found.period, "its letters are no longer kept, so nothing of it can be sent again", hint="They get the next edition.")
    return found


def _failed_one(connection: Connection, found: Edition, address: str, now: datetime) -> int:
    """The employee at `address`, whose message has failed. Raises NotFoundError and EditionError."""
    person = people.by_address(connection, address)
    if person is None:
        raise NotFoundError(address, "nobody on the roster has this address", hint="List them with `digest roster list`.")
    row = ledger.of_employee(connection, found.id, person.id)
    if row is None:
        hint = "They were not on the roster when it was planned; the next edition is their first."
        raise EditionError(found.period, f"{address} has no message in it", hint=hint)
    if row.state != MessageState.FAILED:
        said = _REFUSED[MessageState(row.state)]
        if row.state == MessageState.QUEUED and row.next_attempt_at is not None and row.next_attempt_at <= now:
            said = "it is due, and the next `digest tick` offers it; `digest verify` says what keeps it"
        raise EditionError(found.period, f"the message to {address} is {row.state.replace('_', ' ')}", hint=f"{said[0].upper()}{said[1:]}.")
    return int(person.id)
