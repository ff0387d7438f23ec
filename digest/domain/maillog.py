"""Mail logs: what one line of Postfix or Exim says, and what became of the messages we look for.

Written after Postfix 3.7 (syslog or RFC 3339 stamps, short and long queue ids, several instances) and Exim 4.96 and 4.97
(its main log, or the same through syslog). Nothing here raises, whatever stands in a log.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal

from digest.domain.lines import one_line

# seen: a Message-ID was read, which is not yet acceptance. taken: the relay keeps the message, so it said 250.
# held: kept aside by a rule before that. refused: a rule said no, or the connection broke before the end. done: the relay has forgotten it.
Event = Literal["seen", "taken", "delivered", "deferred", "bounced", "held", "refused", "done"]
TAKEN: Final = frozenset[Event]({"taken", "delivered", "deferred", "bounced", "done"})

_WORDS = 250
_LONGEST = 8192  # octets of a line that are looked at
_ZONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})? [+-]\d{4}")
_SYSLOG = re.compile(
    r"(?:<\d{1,3}>)?(?P<stamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S{0,20}) "
    r"(?P<host>\S+) (?P<program>[^\s\[:]+)(?:\[\d+\])?: (?P<rest>.*)"
)
_POSTFIX = re.compile(r"(?P<queue>[0-9A-Za-z]{5,20}): (?P<rest>.*)")
_POSTFIX_ID = re.compile(r"message-id=<?([^>\s]+)>?")
_STATUS = re.compile(r"to=<.*?status=([A-Za-z]+)(?: \((.*)\))?")
_EXIM = re.compile(
    r"(?:(?P<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})?(?: [+-]\d{4})?) )?(?:\[\d+\] )?"
    r"(?P<queue>[0-9A-Za-z]{6}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{6}-[0-9A-Za-z]{11}-[0-9A-Za-z]{4}) (?P<rest>.*)"
)
_EXIM_ID = re.compile(r" id=(\S+)")
_EXIM_FLAGS: dict[str, Event] = {"=>": "delivered", "->": "delivered", ">>": "delivered", "==": "deferred", "**": "bounced"}
_EXIM_REFUSED = re.compile(r"rejected (?:after DATA|by local_scan\(\))[:,]?\s*(.*)")
_RESULTS: dict[str, Event] = {"sent": "delivered", "deferred": "deferred", "bounced": "bounced", "expired": "bounced"}
_ANY_ID = re.compile(rb"(?:message-id=| id=)<?([^>\s]+)")
_EXIM_QUEUE = re.compile(rb"(?:^| )([0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}) ")
_SESSION = re.compile(rb"\S+ (?:[ \d]\d \S+ )?(\S+ \S+/smtpd\[\d+\]): ([0-9A-Za-z]{5,20}): client=")
_BROKEN = re.compile(rb"\S+ (?:[ \d]\d \S+ )?(\S+ \S+/smtpd\[\d+\]): ((?:lost connection|timeout) after DATA)\b")
_HEAD = 120  # octets that hold an Exim id, through syslog too
_STAMP = 16  # octets that hold a stamp to the minute
_MONTHS = {name: n for n, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], start=1)}


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one line says about one message. `at` is as the relay wrote it; without a zone it is that of the wall there."""

    source: str  # the relay: its host, and whether its stamps have a zone
    at: datetime | None
    queue: str  # host, instance and queue id together: what names a message within a relay
    event: Event
    message_id: str = ""
    words: str = ""


@dataclass(kw_only=True)
class Trace:
    """What a log says about one Message-ID, over all its lines."""

    source: str
    at: datetime | None  # when the relay first named it
    events: set[Event] = field(default_factory=set)
    last: Event = "seen"
    words: str = ""

    @property
    def taken(self) -> bool:
        """True when the relay kept it at least for a moment, so it had said 250, or was about to."""
        return not TAKEN.isdisjoint(self.events)


@dataclass(frozen=True, kw_only=True)
class Span:
    """From when until when one file of a relay's log names messages it was offered."""

    source: str
    first: datetime
    last: datetime


def parse(raw: bytes, near: datetime) -> Line | None:
    """What a line says about a message, or None. `near` gives stamps without a year their year."""
    text = raw[:_LONGEST].decode("utf-8", "replace").rstrip("\r\n")
    outer = _SYSLOG.match(text)
    if outer is None:
        return _exim(text, "", "", near)
    host, program, rest = outer["host"], outer["program"], outer["rest"]
    if "/" in program:
        return _postfix(outer["stamp"], host, program, rest, near)
    return _exim(rest, host, outer["stamp"], near) if program.startswith("exim") else None


def _postfix(stamp: str, host: str, program: str, rest: str, near: datetime) -> Line | None:
    found = _POSTFIX.match(rest)
    if found is None or found["queue"] == "NOQUEUE":
        return None
    instance, _, daemon = program.partition("/")
    said = _postfix_says(daemon.rpartition("/")[2], found["rest"])
    if said is None:
        return None
    event, message_id, words = said
    queue = f"{host} {instance} {found['queue']}"
    return Line(source=_source(host, stamp), at=_moment(stamp, near), queue=queue, event=event, message_id=message_id, words=words)


def _postfix_says(daemon: str, rest: str) -> tuple[Event, str, str] | None:
    if daemon == "cleanup":
        return _cleanup_says(rest)
    if rest == "removed":
        return "done", "", ""
    if rest.startswith("from=<"):
        if "status=expired" in rest:
            return "bounced", "", "expired"
        return ("taken", "", "") if "(queue active)" in rest else None
    result = _STATUS.match(rest)
    event = _RESULTS.get(result[1].lower()) if result else None
    return (event, "", _clean(result[2] or "")) if result and event else None


def _cleanup_says(rest: str) -> tuple[Event, str, str] | None:
    """A rule may still refuse or hold what cleanup has read; then the client did not hear 250, or nothing left the relay."""
    if rest.startswith("message-id="):
        found = _POSTFIX_ID.match(rest)
        return ("seen", found[1], "") if found else None
    verb = rest.partition(":")[0]
    if verb in {"reject", "milter-reject"}:
        return "refused", "", _clean(rest)
    return ("held", "", _clean(rest)) if verb in {"hold", "milter-hold", "discard", "milter-discard"} else None


def _exim(text: str, host: str, stamp: str, near: datetime) -> Line | None:
    found = _EXIM.match(text)
    if found is None or not (found["stamp"] or stamp):
        return None
    said = _exim_says(found["rest"])
    if said is None:
        return None
    event, message_id, words = said
    own = found["stamp"] or stamp
    queue = f"{host} exim {found['queue']}"
    return Line(source=_source(host or "exim", own), at=_moment(own, near), queue=queue, event=event, message_id=message_id, words=words)


def _exim_says(rest: str) -> tuple[Event, str, str] | None:
    flag, _, more = rest.partition(" ")
    if flag == "<=":
        named = _EXIM_ID.search(more)
        return "taken", named[1].strip("<>") if named else "", ""
    if flag in _EXIM_FLAGS:
        return _EXIM_FLAGS[flag], "", _clean(more.partition(" ")[2])
    if flag in {"Completed", "Completed,"}:
        return "done", "", ""
    refused = _EXIM_REFUSED.search(rest)
    return ("refused", "", _clean(refused[1])) if refused else None


def _clean(words: str) -> str:
    """A log holds what strangers sent: nothing of it may steer a terminal."""
    return one_line(words)[:_WORDS]


def _source(host: str, stamp: str) -> str:
    return f"{host} {'zoned' if _ZONED.fullmatch(stamp) else 'wall'}"


@lru_cache(maxsize=4096)
def _moment(stamp: str, near: datetime) -> datetime | None:
    """The stamp; without a zone its wall time is kept as if it were UTC, and without a year the one nearest to `near` is taken."""
    try:
        if stamp[:1].isdigit():
            found = datetime.fromisoformat(stamp.replace(",", ".").replace(" ", "T", 1).replace(" ", ""))
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        month, day, clock = stamp.split()
        hour, minute, second = (int(part) for part in clock.split(":"))
        years = (_dated(year, _MONTHS[month], int(day), hour, minute, second) for year in range(near.year - 1, near.year + 2))
        return min((one for one in years if one), key=lambda one: abs(one - near), default=None)
    except (ValueError, KeyError, OverflowError):
        return None


def _dated(*parts: int) -> datetime | None:
    try:
        return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # six whole numbers; a 29 February has not every year
    except ValueError:
        return None


class Reader:
    """Follows the Message-IDs in `wanted` (without angle brackets) through logs, file by file; keeps nothing about other mail."""

    def __init__(self, wanted: Collection[str], near: datetime) -> None:
        self._wanted = frozenset(wanted)
        self._near = near
        self._queues: dict[str, str] = {}  # queue -> Message-ID
        self._wanted_raw = frozenset(one.encode() for one in wanted)
        self._postfix: set[bytes] = set()  # bare queue ids that are followed: what is looked for in every line
        self._exim: set[bytes] = set()
        self._sessions: dict[bytes, bytes] = {}  # host and process of an smtpd -> the queue id that it works on
        self._stamp = b""
        self.traces: dict[str, Trace] = {}
        self.spans: list[Span] = []
        self.lines = 0

    def read(self, lines: Iterable[bytes]) -> None:
        """Take in one file, oldest line first."""
        spans: dict[str, tuple[datetime, datetime]] = {}
        self._stamp = b""
        for raw in lines:
            self.lines += 1
            if b": client=" in raw:
                self._opened(raw)
                continue
            if b" after DATA" in raw:
                self._lost(raw)
            named = b"message-id=" in raw or b" <= " in raw
            if not (self._followed(raw) or (named and self._news(raw))):
                continue
            line = parse(raw, self._near)
            if line is None:
                continue
            if line.at is not None and line.event in {"seen", "taken"}:
                first, last = spans.get(line.source, (line.at, line.at))
                spans[line.source] = (min(first, line.at), max(last, line.at))
            self._follow(line)
        self.spans += [Span(source=source, first=first, last=last) for source, (first, last) in spans.items()]

    def _opened(self, raw: bytes) -> None:
        """Postfix says whose connection brings the message before it says which message that is."""
        session = _SESSION.match(raw[:_LONGEST])
        if session:
            self._sessions[session[1]] = session[2]

    def _lost(self, raw: bytes) -> None:
        """The connection broke before the final dot: Postfix had read the head, and threw the message away."""
        found = _BROKEN.match(raw[:_LONGEST])
        queue = self._sessions.get(found[1]) if found else None
        if found is None or queue not in self._postfix:
            return
        host, _, program = found[1].decode("utf-8", "replace").partition(" ")
        trace = self.traces.get(self._queues.get(f"{host} {program.partition('/')[0]} {queue.decode()}", ""))
        if trace is not None:
            trace.events.add("refused")
            trace.last, trace.words = "refused", _clean(found[2].decode("utf-8", "replace"))

    def _followed(self, raw: bytes) -> bool:
        """Cheap: does it name a queue id that we follow?"""
        if self._postfix:
            parts = raw.split(b": ", 2)
            if len(parts) > 1 and parts[1] in self._postfix:
                return True
        if self._exim:
            found = _EXIM_QUEUE.search(raw[:_HEAD])
            return found is not None and found[1] in self._exim
        return False

    def _news(self, raw: bytes) -> bool:
        """Cheap: does it name a message we look for? Of other mail one line for each stamp says how far the log reaches."""
        found = _ANY_ID.search(raw[:_LONGEST])
        if found is not None and found[1] in self._wanted_raw:
            return True
        stamp, self._stamp = self._stamp, raw[:_STAMP]
        return stamp != self._stamp

    def _follow(self, line: Line) -> None:
        message_id = line.message_id or self._queues.get(line.queue, "")
        if line.message_id:
            self._queues.pop(line.queue, None)  # a short queue id is used again for other mail
        if message_id not in self._wanted:
            return
        if line.message_id:
            self._queues[line.queue] = message_id
            bare = line.queue.rpartition(" ")[2].encode()
            (self._exim if b"-" in bare else self._postfix).add(bare)
        trace = self.traces.setdefault(message_id, Trace(source=line.source, at=line.at))
        trace.events.add(line.event)
        if line.event == "done":
            self._queues.pop(line.queue, None)
            return
        if line.event != "taken" or trace.last == "seen":  # Postfix says "queue active" again for every later try
            trace.last, trace.words = line.event, line.words or trace.words
