"""A run's lines: opened as there is work, each given its next message as soon as its last one is settled on disk."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter

from sqlalchemy import Engine

from digest.db.runs import Slots
from digest.domain.message import Message, MessageState
from digest.domain.phase import Effect, Outcome, decide
from digest.errors import StorageError
from digest.pipeline import crash
from digest.pipeline.committer import Answer, Committer
from digest.pipeline.letters import Letters
from digest.pipeline.lines import Line, Lines
from digest.pipeline.openings import ASK_AGAIN, Needs, Openings
from digest.pipeline.outcomes import Done, become, put_back, unmade

_log = logging.getLogger(__name__)
_LONGEST_PAUSE = 30.0
_PAUSES = 5  # without one acceptance in between; then the relay waits for another run
_LOOK = 0.1  # seconds between looks at the stop event
_LONGEST_WAIT = 10.0  # seconds for a rate limit; what must wait longer waits for the next run


class Crew:
    """One run's lines and what they share."""

    def __init__(self, engine: Engine, committer: Committer, letters: Letters, slots: Slots, *, needs: Needs, stop: threading.Event) -> None:
        self._openings = Openings(engine, committer, slots, needs)
        self._committer = committer
        self._policy = committer.policy
        self._letters = letters
        self._stop = stop
        self._watch = crash.armed()
        self._done: list[Done] = []
        self._rest_until: dict[str, float] = {}  # transport -> monotonic
        self._pauses: Counter[str] = Counter()
        self._stopped_at: float | None = None

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

    @property
    def _lines(self) -> list[Line]:
        return self._openings.lines

    def trouble(self, *, left: bool) -> str | None:
        """What an operator must hear. A connection that failed is worth a word only when work was `left` undone."""
        away = " ".join(self._openings.troubles.values()) if left else ""
        return self._openings.fatal or self._committer.stopped_by or away or None

    def _step(self, lines: Lines) -> bool:
        """One round: open, settle and claim, offer, listen. False when nothing is left to do."""
        if self._stopping:
            self._give_up_opening()
        else:
            self._openings.look_around()
            self._openings.open(lines, self._rest_until)
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
        """Hear what has ended; all of it shares the next commit."""
        for line, outcome in lines.poll(self._patience()):
            self._ended(line, outcome)

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
        return not self._stopping and any((line.connection.usable and not line.opening) or line.relay.name not in idle for line in waiting)

    def _patience(self) -> float:
        """Seconds to listen: until a line's wait is over, and not so long that a stop is heard late."""
        if self._stopping:
            return _LOOK
        now = time.monotonic()
        soonest = [self._not_before(line) - now for line in self._lines if line.not_before and not (line.busy or line.opening or line.gone)]
        return max(0.0, min([_LOOK, *soonest]))

    # Messages

    def _exchange(self, lines: Lines, ready: list[Line]) -> None:
        done, self._done = self._done, []
        try:
            answers = self._committer.exchange(done, Counter(line.relay.name for line in ready))
        except BaseException:
            self._done = [*done, *self._done]  # what the relay said is evidence; it is offered to the database once more
            raise
        if any(item.settlement.state is MessageState.QUEUED for item in done):
            for line in self._lines:
                line.idle = False  # a message came back, so there is work again
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
        line.not_before = time.monotonic() + (ASK_AGAIN if line.idle else answer.wait)

    def _offer(self, lines: Lines, line: Line, message: Message) -> None:
        """Render and begin to send."""
        try:
            sender, wire = self._letters.letter(message)
        except StorageError as error:  # nothing was offered and nothing is wrong with the message
            self._done.append(put_back(message, error, line=line.number, transport=line.relay.name))
            line.not_before = time.monotonic() + ASK_AGAIN
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
            self._openings.opened(line, outcome)
            if self._openings.fatal:
                self._stopped_at = self._stopped_at or time.monotonic()
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
            if self._pauses[name] >= _PAUSES:
                self._openings.give_up(name)

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
