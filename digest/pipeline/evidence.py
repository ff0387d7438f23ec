"""Messages in doubt: list each case, and settle it by evidence or by an operator's decision. Never by a guess.

A press or a report settles by itself at the begin of every run; a relay's log is read when an operator hands it over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine

from digest.db import evidence, keys, standing
from digest.db.session import read, write
from digest.domain.evidence import Case, Verdict, Witness, judge
from digest.domain.maillog import Reader
from digest.domain.message import MessageState
from digest.domain.reference import message_id
from digest.errors import NotFoundError
from digest.pipeline.edition import find

Decision = Literal["sent", "queued"]


def settle(connection: Connection, now: datetime) -> int:
    """Doubtful messages of which a press or a report proves that they were taken; how many are settled now."""
    return evidence.settle(connection, now)


def cases(engine: Engine, period: str | None = None) -> list[dict[str, Any]]:
    """Every message of the edition whose outcome is unknown, with what an operator needs to look for it."""
    with read(engine) as connection:
        edition_id = find(connection, period).id
        ids = _Ids(connection, edition_id)
        return [_as_data(case, ids) for case in evidence.doubts(connection, edition_id)]


def still_sending(engine: Engine, period: str | None = None) -> int:
    """How many of the edition's messages a run holds, alive or dead; the next run names those of a dead one."""
    with read(engine) as connection:
        return standing.counts(connection, find(connection, period).id)[MessageState.SENDING]


def _as_data(case: evidence.Doubt, ids: _Ids) -> dict[str, Any]:
    return {
        "message": case.message,
        "employee": case.employee,
        "address": case.address,
        "reason": case.reason,
        "since": case.since,
        "until": case.until,
        "transport": case.route,
        "message_id": next(iter(ids.of(case.message)), ""),
        "said": case.text,
    }


def decide(engine: Engine, period: str | None, *, message: int | None, decision: Decision, who: str, now: datetime) -> int:
    """Decide one doubtful message of the edition, or all of them; how many were decided. Raises NotFoundError for one that is not."""
    with write(engine) as connection:
        found = find(connection, period)
        mine = [case.message for case in evidence.doubts(connection, found.id)]
        if message is not None and message not in mine:
            raise NotFoundError(
                f"message {message}", f"it is not in doubt in {found.period}", hint="List those that are with `digest edition resolve`."
            )
        chosen = mine if message is None else [message]
        return sum(standing.resolve(connection, number, decision, who=who, now=now) for number in chosen)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What logs said: message -> verdict, and what was done about it."""

    verdicts: dict[int, Verdict]
    sent: int
    queued: int
    lines: int

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        said = [{"message": number, "finding": v.finding, "why": v.why} for number, v in self.verdicts.items()]
        return {"sent": self.sent, "queued": self.queued, "lines": self.lines, "found": said}

    def sentence(self) -> str:
        """For people."""
        lines = [f"  {number:>8}  {verdict.why}" for number, verdict in self.verdicts.items()]
        missing = sum(verdict.finding == "missing" for verdict in self.verdicts.values()) - self.queued
        left = len(self.verdicts) - self.sent - self.queued
        lines.append(f"{self.lines:,} lines read: {self.sent} settled as sent, {self.queued} queued again, {left} left.")
        if missing:
            lines.append(f"{missing} never reached the relay; `--missing queued` beside `--log` sends {'it' if missing == 1 else 'them'} again.")
        return "\n".join(lines)


def from_logs(
    engine: Engine, period: str | None, logs: Iterable[Iterable[bytes]], *, missing: Literal["queued"] | None = None, who: str, now: datetime
) -> Found:
    """Settle doubtful messages by the relay's own logs: what it took is sent; with `missing`, what it provably never saw is queued again."""
    with read(engine) as connection:
        edition_id = find(connection, period).id
        trials = _trials(connection, edition_id)
    named = [case.ids for case, _ in trials] + [witness.ids for _, seen in trials for witness in seen]
    reader = Reader({one for ids in named for one in ids}, now)
    if trials:
        for log in logs:
            reader.read(log)
    verdicts = {case.message: judge(case, seen, reader.traces, reader.spans) for case, seen in trials}
    with write(engine) as connection:
        taken = [number for number, verdict in verdicts.items() if verdict.finding == "taken"]
        sent = sum(evidence.prove(connection, number, who=who, now=now) for number in taken)
        lost = [number for number, verdict in verdicts.items() if verdict.finding == "missing"] if missing else []
        queued = sum(standing.resolve(connection, number, "queued", who=who, now=now) for number in lost)
    return Found(verdicts=verdicts, sent=sent, queued=queued, lines=reader.lines)


def _trials(connection: Connection, edition_id: int) -> list[tuple[Case, list[Witness]]]:
    doubts = evidence.doubts(connection, edition_id)
    ids = _Ids(connection, edition_id)
    around = evidence.witnesses(connection, edition_id, doubts)
    return [
        (
            Case(message=doubt.message, ids=ids.of(doubt.message), since=doubt.since, until=doubt.until),
            [Witness(ids=ids.of(number), at=at) for number, at in around[doubt.message]],
        )
        for doubt in doubts
    ]


class _Ids:
    """The Message-IDs of one edition, one for each key that may have signed them, the newest first."""

    def __init__(self, connection: Connection, edition_id: int) -> None:
        self._secrets: Sequence[bytes] = list(keys.signing_keys(connection, "message-id").values())
        self._period, self._domain = evidence.period_and_domain(connection, edition_id)

    def of(self, message: int) -> tuple[str, ...]:
        return tuple(message_id(secret, self._period, message, self._domain) for secret in self._secrets)


def sentence(found: Sequence[dict[str, Any]], *, sending: int = 0) -> str:
    """The cases for people, how to decide them, and what may become one."""
    held = []
    if sending:
        held = [f"{sending:,} {'is' if sending == 1 else 'are'} still sending; if no run is alive, the next `digest tick` lists them here."]
    if not found:
        return "\n".join(held) or "Nothing is in doubt."
    lines = [line for case in found for line in _case(case)]
    ask = (
        "Settle them by the relay's own log: `digest edition resolve --log FILE`.\n"
        "Or decide by hand: `digest edition resolve --message NUMBER --as sent` or `--as queued`. A press of any of its links settles one by itself."
    )
    return "\n".join([f"{len(found)} in doubt:", *lines, ask, *held])


def _case(case: dict[str, Any]) -> list[str]:
    said = f", the last words: {case['said']}" if case["said"] else ""
    return [
        f"  {case['message']:>8}  {case['address'] or '(erased)'}  since {case['since']:%Y-%m-%d %H:%M:%S} UTC ({case['reason']})",
        f"            by {case['transport']}{said}",
        f"            Message-ID <{case['message_id']}>",
    ]
