"""What a relay's log proves about a message in doubt: that it was taken, or, far harder, that it never came.

A log that does not name a message proves nothing by itself: it may be another relay's, or end too early, or have a hole.
So other messages of ours are the witnesses: those that the same relay surely took around that time. If the log names each of
them, tells how its clock stands to ours, and reaches over the time of doubt, then what it does not name never came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from digest.domain.maillog import Span, Trace

Finding = Literal["taken", "unclear", "missing", "unproven"]

EVIDENCE: Final = "evidence"  # the reason on the message; its kind is never said, because a press is the person's own affair
_BEFORE = timedelta(minutes=1)
_AFTER = timedelta(minutes=10)  # how long a relay may still be at it after we lost it (RFC 5321, 4.5.3.2.6)
_DRIFT = timedelta(minutes=5)  # most that two witnesses may differ about the relay's clock
_ROTATION = timedelta(minutes=10)  # most that may lie between the end of one file and the begin of the next


@dataclass(frozen=True, kw_only=True)
class Case:
    """A message in doubt: its possible Message-IDs, and between which moments it was offered."""

    message: int
    ids: tuple[str, ...]
    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Witness:
    """A message that the same relay surely took, and when we heard so."""

    ids: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the logs say about a case, and why they say no more."""

    finding: Finding
    why: str


def judge(case: Case, witnesses: Sequence[Witness], traces: Mapping[str, Trace], spans: Sequence[Span]) -> Verdict:
    """What the logs prove about one message."""
    trace = _trace(case.ids, traces)
    if trace is not None and trace.taken:
        return Verdict(finding="taken", why=_fate(trace))
    if trace is not None and trace.last != "refused":
        said = f": {trace.words}" if trace.words else ""
        return Verdict(finding="unclear", why=f"the log names it, but does not say that the relay took it{said}")
    what = f"not taken, says this log ({trace.words})" if trace else "not in this log"
    hole = _hole(case, witnesses, traces, spans)
    if hole:
        return Verdict(finding="unproven", why=f"{what}, but that proves nothing: {hole}")
    return Verdict(finding="missing", why=what if trace else f"{what}, which covers its time")


def _trace(ids: Sequence[str], traces: Mapping[str, Trace]) -> Trace | None:
    return next((traces[one] for one in ids if one in traces), None)


def _fate(trace: Trace) -> str:
    if trace.last in {"bounced", "deferred"}:
        return f"the relay took it, and then it {'failed' if trace.last == 'bounced' else 'had to wait'}: {trace.words}"
    return f"the relay passed it on: {trace.words}" if trace.last == "delivered" else "the relay took it"


def _hole(case: Case, witnesses: Sequence[Witness], traces: Mapping[str, Trace], spans: Sequence[Span]) -> str:
    """Why the log does not prove that the message never came; "" when it does."""
    clocks = _clocks(witnesses, traces)
    if not clocks:
        return "it names no message that was surely taken around then. Is it the right relay's log?"
    whole = _joined(spans)
    for source, offsets in clocks.items():
        if max(offsets) - min(offsets) > _DRIFT:
            return "its clock jumps"
        shift = sorted(offsets)[len(offsets) // 2]
        mine = [span for span in whole if span.source == source]
        first, last = case.since - _BEFORE, case.until + _AFTER
        if not any(span.first <= first + shift and last + shift <= span.last for span in mine):
            return f"it must reach from {first:%Y-%m-%d %H:%M:%S} to {_clock(last, first)} UTC, and {_reach(mine, shift, first)}"
        lost = [w for w in witnesses if _trace(w.ids, traces) is None and _within(w.at + shift, mine)]
        if lost:
            return f"it lacks one that was surely taken at {lost[0].at:%H:%M:%S} UTC, so it has a hole, or another relay took part"
    return ""


def _reach(spans: Sequence[Span], shift: timedelta, beside: datetime) -> str:
    """How far the logs reach, by our clock."""
    if not spans:
        return "it reaches nowhere near"
    reach = [f"from {_clock(span.first - shift, beside)} to {_clock(span.last - shift, beside)}" for span in spans]
    return f"it reaches {' and '.join(reach)}"


def _clock(moment: datetime, beside: datetime) -> str:
    return f"{moment:%H:%M:%S}" if moment.date() == beside.date() else f"{moment:%Y-%m-%d %H:%M:%S}"


def _clocks(witnesses: Sequence[Witness], traces: Mapping[str, Trace]) -> dict[str, list[timedelta]]:
    """Source -> how far its stamps are from our clock, by each witness it names: its zone, and what its clock is wrong by."""
    found: dict[str, list[timedelta]] = {}
    for witness in witnesses:
        trace = _trace(witness.ids, traces)
        if trace is not None and trace.taken and trace.at is not None:
            found.setdefault(trace.source, []).append(trace.at - witness.at)
    return found


def _within(moment: datetime, spans: Sequence[Span]) -> bool:
    return any(span.first + _DRIFT <= moment <= span.last - _DRIFT for span in spans)


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Files that follow upon each other count as one."""
    whole: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.source, one.first)):
        before = whole[-1] if whole else None
        if before is not None and before.source == span.source and span.first <= before.last + _ROTATION:
            whole[-1] = Span(source=span.source, first=before.first, last=max(before.last, span.last))
        else:
            whole.append(span)
    return whole
