"""A run's lines: opened as there is work, each given its next message as soon as its last one is settled on disk."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import Engine

from digest.db import routes, standing
from digest.db.runs import Slots
from digest.db.session import write
from digest.domain.conversation import Settings, unusable
from digest.domain.message import Message
from digest.domain.phase import TEXT_LIMIT, Effect, Outcome, decide
from digest.errors import StorageError
from digest.pipeline import crash
from digest.pipeline.committer import BREAKER, Answer, Committer
from digest.pipeline.letters import Letters
from digest.pipeline.lines import Line, Lines
from digest.pipeline.outcomes import Done, become, put_back, unmade
from digest.smtp.relay import Relay

_log = logging.getLogger(__name__)
_REOPENINGS = (0.5, 1.0, 2.0)  # seconds between tries to come back to a relay that was there a moment ago
_LONGEST_PAUSE = 30.0
_LOOK = 0.1  # seconds between looks at the stop event
_ASK_AGAIN = 1.0  # seconds until an idle line asks once more while others work
_LONGEST_WAIT = 10.0  # seconds for a rate limit; what must wait longer waits for the next run
_LOOK_AROUND = 30.0  # seconds between looks at what else has become due
_AUTH_REST = timedelta(hours=1)  # of one relay among several that refuses the login; more tries might lock the account


Needs = Callable[[], Mapping[str, int]]  # transport that may be used -> messages that are due


class Crew:
    """One run's lines and what they share."""

    def __init__(self, engine: Engine, committer: Committer, letters: Letters, slots: Slots, *, needs: Needs, stop: threading.Event) -> None:
        self._engine = engine
        self._needs = needs
        self._committer = committer
        self._policy = committer.policy
        self._letters = letters
        self._slots = slots
        self._stop = stop
        self._watch = crash.armed()
        self._lines: list[Line] = []
        self._done: list[Done] = []
        self._rest_until: dict[str, float] = {}  # transport -> monotonic
        self._pauses: Counter[str] = Counter()
        self._stopped_at: float | None = None
        self._exchange_took = 0.0  # seconds, the last time
        self._look_at = 0.0  # monotonic; when to look around again
        self._troubles: dict[str, str] = {}  # transport -> its last failure to open
        self._fatal = ""  # the failure that ended the run

    def send(self) -> None:
        """Send what is due, until nothing more can be sent now."""
        with Lines() as lines:
            try:
                while self._step(lines):
                    pass
            except BaseException:
                self._stop_now(lines)
                raise
            finally:
                self._give_up_opening()
                lines.goodbye(self._lines)

    def _look_around(self) -> None:
        """Have lines where there is work. A long run looks again now and then: at hours that have come, and at relays that are back."""
        if self._stopping or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_AROUND
        self._lines = [line for line in self._lines if not line.gone]
        for name, count in self._needs().items():
            relay = self._committer.relays[name]
            have = {line.number for line in self._lines if line.relay.name == name}
            free = [number for number in range(1, relay.connections + 1) if number not in have]
            self._lines += [Line(number, relay) for number in free[: max(0, count - len(have))]]

    def trouble(self, *, left: bool) -> str | None:
        """What an operator must hear. A connection that failed is worth a word only when work was `left` undone."""
        away = " ".join(self._troubles.values()) if left else ""
        return self._fatal or self._committer.stopped_by or away or None

    def _step(self, lines: Lines) -> bool:
        """One round: open, settle and claim, offer, listen. False when nothing is left to do."""
        if self._stopping:
            self._give_up_opening()
        self._look_around()
        self._open(lines)
        ready = [] if self._stopping else [line for line in self._lines if self._is_ready(line)]
        if self._done or ready:
            self._exchange(lines, ready)
        if self._done:
            return True
        if not self._goes_on():
            return False
        self._listen(lines)
        if self._stopped_at is not None and time.monotonic() >= self._stopped_at + self._policy.grace:
            self._break_off(lines)
        return True

    def _listen(self, lines: Lines) -> None:
        """Hear what has ended. While endings come thick and fast, gather some: they share one commit, which costs more than the wait."""
        for line, outcome in lines.poll(self._patience()):
            self._ended(line, outcome)
        until = time.monotonic() + self._exchange_took / 2
        while self._done and lines.busy and (left := until - time.monotonic()) > 0:
            before = len(self._done)
            for line, outcome in lines.poll(min(left, self._exchange_took / 4)):
                self._ended(line, outcome)
            if len(self._done) == before:
                return

    @property
    def _stopping(self) -> bool:
        if self._stopped_at is None and self._stop.is_set():
            self._stopped_at = time.monotonic()
        return self._stopped_at is not None

    def _is_ready(self, line: Line) -> bool:
        """True when it may be given a message. One that waited may have been closed by the relay meanwhile."""
        if not line.connection.usable or line.busy or line.opening or line.gone or time.monotonic() < self._not_before(line):
            return False
        return not line.not_before or line.connection.still_there()

    def _not_before(self, line: Line) -> float:
        return max(line.not_before, self._rest_until.get(line.relay.name, 0.0))

    def _goes_on(self) -> bool:
        """True while anything may still happen: where one line asked and got nothing, no other need be opened for it."""
        if any(line.busy for line in self._lines):
            return True
        idle = {line.relay.name for line in self._lines if line.idle}
        waiting = [line for line in self._lines if not (line.gone or line.idle)]
        return not self._stopping and any(line.connection.usable or line.relay.name not in idle for line in waiting)

    def _patience(self) -> float:
        """Seconds to listen: until a line's wait is over, and not so long that a stop is heard late."""
        if self._stopping:
            return _LOOK
        now = time.monotonic()
        soonest = [self._not_before(line) - now for line in self._lines if line.not_before and not (line.busy or line.opening or line.gone)]
        return max(0.0, min([_LOOK, *soonest]))

    # Connections

    def _open(self, lines: Lines) -> None:
        """Open what is needed: of each transport one line first, the others once that one is through."""
        for line in self._lines:
            name = line.relay.name
            if line.connection.usable or line.busy or line.opening or line.gone or self._stopping or time.monotonic() < self._not_before(line):
                continue
            if any(other.idle or (other.opening and not self._is_through(name)) for other in self._lines if other.relay.name == name):
                continue
            if line.connection.opened and not self._needs().get(name):
                line.idle, line.not_before = True, time.monotonic() + _ASK_AGAIN  # nothing to come back for
            elif line.has_slot or self._slots.take(name, line.relay.connections):
                line.has_slot = True
                lines.open(line)
            else:
                line.gone = True

    def _is_through(self, name: str) -> bool:
        return any(line.connection.opened for line in self._lines if line.relay.name == name)

    def _opened(self, line: Line, outcome: Outcome) -> None:
        name = line.relay.name
        if line.gone:
            return  # given up meanwhile: it says nothing about the relay any more
        if outcome.accepted:
            line.tries, line.idle, line.not_before = 0, False, 0.0
            self._troubles.pop(name, None)
            self._committer.away.discard(name)
            return
        relay = line.relay
        self._troubles[name] = unusable(outcome, Settings(place=relay.place, table=relay.table, security=relay.security, username=relay.username))
        _log.info("%s", self._troubles[name])
        if decide(outcome).effect is Effect.BREAKER:
            self._refused(line.relay, outcome)
        if line.connection.opened and line.tries < len(_REOPENINGS) and not line.gone:
            line.not_before = time.monotonic() + _REOPENINGS[line.tries]
            line.tries += 1
        else:  # one that was never open gets one try, for the relay may limit their number
            self._lose(line)

    def _lose(self, line: Line) -> None:
        line.gone = True
        name = line.relay.name
        if line.has_slot:
            self._slots.give(name)
            line.has_slot = False
        if not self._is_through(name):
            for other in self._lines:
                other.gone = other.gone or (other.relay.name == name and not other.opening)
        if all(other.gone for other in self._lines if other.relay.name == name):
            self._committer.away.add(name)
            for other in self._lines:
                other.idle = False  # there may be work to take over

    def _refused(self, relay: Relay, outcome: Outcome) -> None:
        """The login is refused: with one relay nothing can go out, with several this one rests."""
        reason = f"the login is refused: {outcome.text}"[:TEXT_LIMIT]
        now = self._committer.clock()
        with write(self._engine) as database:
            if len(self._committer.relays) == 1:
                standing.pause_open(database, reason=f"breaker: {reason}"[:TEXT_LIMIT], who=BREAKER, now=now)
            else:
                routes.rest(database, relay.name, now + _AUTH_REST, reason)
        for line in self._lines:
            line.gone = line.gone or line.relay.name == relay.name
        if len(self._committer.relays) == 1:
            self._fatal = self._troubles[relay.name]
            self._stopped_at = self._stopped_at or time.monotonic()

    # Messages

    def _exchange(self, lines: Lines, ready: list[Line]) -> None:
        done, self._done = self._done, []
        began = time.monotonic()
        try:
            answers = self._committer.exchange(done, Counter(line.relay.name for line in ready))
        except BaseException:
            self._done = [*done, *self._done]  # what the relay said is evidence; it is offered to the database once more
            raise
        self._exchange_took = time.monotonic() - began
        left = {name: iter(answer.messages) for name, answer in answers.items()}
        for line in ready:
            message = next(left[line.relay.name], None)
            if message is None:
                self._wait(line, answers[line.relay.name])
            else:
                line.idle, line.not_before = False, 0.0
                self._offer(lines, line, message)

    @staticmethod
    def _wait(line: Line, answer: Answer) -> None:
        """Nothing for this line now: a limit's wait, or idle until there is more."""
        line.idle = not 0 < answer.wait <= _LONGEST_WAIT
        line.not_before = time.monotonic() + (_ASK_AGAIN if line.idle else answer.wait)

    def _offer(self, lines: Lines, line: Line, message: Message) -> None:
        """Render and begin to send."""
        try:
            sender, wire = self._letters.letter(message)
        except StorageError as error:  # nothing was offered and nothing is wrong with the message
            self._done.append(put_back(message, error, line=line.number, transport=line.relay.name))
            line.not_before = time.monotonic() + _ASK_AGAIN
            return
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one message must not stop the others
            _log.warning("message %s cannot be rendered: %s", message.id, error)
            self._done.append(unmade(message, error, line=line.number, transport=line.relay.name))
            return
        outcome = lines.offer(line, message, line.connection.offer(sender, message.address, wire, self._watch))
        if outcome is not None:
            self._ended(line, outcome)

    def _ended(self, line: Line, outcome: Outcome) -> None:
        """A line is open, or its message has an outcome."""
        message, line.message = line.message, None
        if message is None:
            self._opened(line, outcome)
            return
        decision = decide(outcome)
        if decision.effect is Effect.PAUSE:
            self._pause(line.relay.name)
        elif outcome.accepted:
            self._pauses[line.relay.name] = 0
        self._done.append(become(message, outcome, decision, self._policy, self._committer.clock(), line=line.number, transport=line.relay.name))

    def _pause(self, name: str) -> None:
        """Rest the relay: 1, 2, 4 ... 30 seconds; lines that were told so together share one pause."""
        now = time.monotonic()
        if not self._policy.at_once and self._rest_until.get(name, 0.0) <= now:
            self._rest_until[name] = now + min(2.0 ** self._pauses[name], _LONGEST_PAUSE)
            self._pauses[name] += 1

    # The end

    def _break_off(self, lines: Lines) -> None:
        """The grace period is over."""
        for line, outcome in lines.break_off():
            self._ended(line, outcome)
        self._give_up_opening()
        for line in self._lines:
            line.gone = True

    def _give_up_opening(self) -> None:
        """Nothing was claimed for a line that is not open yet; its thread ends by itself."""
        for line in self._lines:
            if line.opening:
                line.connection.abort()
                line.opening, line.gone = False, True

    def _stop_now(self, lines: Lines) -> None:
        """An error or an interrupt: name what became of every message on the wire, if the database still answers."""
        self._stopped_at = self._stopped_at or time.monotonic()
        self._break_off(lines)
        try:
            self._committer.exchange(self._done, {})
        except Exception as error:  # noqa: BLE001 - the first error is the one to tell
            _log.warning("what was on the wire could not be recorded, the next run names it: %s", error)
