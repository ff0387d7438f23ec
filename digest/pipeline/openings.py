"""Opening a run's lines: where there is work, one first, again when a relay was lost, and never where it would do harm."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import Engine

from digest.db import relays, routes, standing
from digest.db.runs import Slots
from digest.db.session import write
from digest.domain.conversation import Settings, unusable
from digest.domain.phase import TEXT_LIMIT, Effect, Outcome, decide
from digest.pipeline.committer import BREAKER, Committer
from digest.pipeline.lines import Line, Lines
from digest.smtp.relay import Relay

_log = logging.getLogger(__name__)
ASK_AGAIN = 1.0  # seconds until an idle line asks once more while others work
_REOPENINGS = (0.5, 1.0, 2.0)  # seconds between tries to come back to a relay that was there a moment ago
_LOOK_AROUND = 30.0  # seconds between looks at what else has become due
_AUTH_REST = timedelta(hours=1)  # of one relay among several that refuses the login; more tries might lock the account

Needs = Callable[[], Mapping[str, int]]  # transport that may be used -> messages that are due


class Openings:
    """The lines of a run, and what is known of their relays."""

    def __init__(self, engine: Engine, committer: Committer, slots: Slots, needs: Needs) -> None:
        self._engine = engine
        self._committer = committer
        self._slots = slots
        self._needs = needs
        self._look_at = 0.0  # monotonic; when to look around again
        self.lines: list[Line] = []
        self.troubles: dict[str, str] = {}  # transport -> its last failure to open
        self._noted: dict[str, str] = {}  # transport -> what the database knows of it
        self.fatal = ""  # the failure after which nothing can go out

    def look_around(self) -> None:
        """Have lines where there is work. A long run looks again now and then: at hours that have come, and at relays that are back."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_AROUND
        self.lines = [line for line in self.lines if not line.gone]
        for name, count in self._needs().items():
            relay = self._committer.relays[name]
            have = {line.number for line in self.lines if line.relay.name == name}
            free = [number for number in range(1, relay.connections + 1) if number not in have]
            self.lines += [Line(number, relay) for number in free[: max(0, count - len(have))]]

    def open(self, lines: Lines, rests: Mapping[str, float]) -> None:
        """Open what is needed: of each transport one line first, the others once that one is through.

        `rests`: transport -> monotonic seconds before which nothing is asked of it.
        """
        for line in self.lines:
            name = line.relay.name
            if line.connection.usable or line.busy or line.opening or line.gone or time.monotonic() < max(line.not_before, rests.get(name, 0.0)):
                continue
            if any(other.idle or (other.opening and not self._is_through(name)) for other in self.lines if other.relay.name == name):
                continue
            if line.connection.opened and not self._needs().get(name):
                line.idle, line.not_before = True, time.monotonic() + ASK_AGAIN  # nothing to come back for
            elif line.has_slot or self._slots.take(name, line.relay.connections):
                line.has_slot = True
                lines.open(line)
            else:
                line.gone = True

    def _is_through(self, name: str) -> bool:
        return any(line.connection.opened for line in self.lines if line.relay.name == name)

    def opened(self, line: Line, outcome: Outcome) -> None:
        """How the opening of a line ended."""
        name = line.relay.name
        if line.gone:
            return  # given up meanwhile: it says nothing about the relay any more
        if outcome.accepted:
            line.tries, line.idle, line.not_before = 0, False, 0.0
            self.troubles.pop(name, None)
            self._committer.away.discard(name)
            self._note(name, "")
            return
        relay = line.relay
        self.troubles[name] = unusable(outcome, Settings(place=relay.place, table=relay.table, security=relay.security, username=relay.username))
        _log.info("%s", self.troubles[name])
        self._note(name, self.troubles[name])
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
            for other in self.lines:
                other.gone = other.gone or (other.relay.name == name and not other.opening)
        if all(other.gone for other in self.lines if other.relay.name == name):
            self._hand_over(name)

    def give_up(self, name: str) -> None:
        """Leave a relay that puts everything off alone for the rest of this run."""
        place = self._committer.relays[name].place
        self.troubles[name] = f"SMTP relay {place} puts everything off; what was offered is tried again later. Check the relay's own log."
        self._note(name, self.troubles[name])
        for line in self.lines:
            line.gone = line.gone or line.relay.name == name
        self._hand_over(name)

    def _note(self, name: str, trouble: str) -> None:
        """Remember for `digest edition status` and `verify` what was last wrong with a relay; once as long as it stays the same."""
        if self._noted.get(name) == trouble:
            return
        self._noted[name] = trouble
        with write(self._engine) as connection:
            if trouble:
                relays.note_trouble(connection, name, trouble, self._committer.clock())
            else:
                relays.clear(connection, name)

    def _hand_over(self, name: str) -> None:
        self._committer.away.add(name)
        for line in self.lines:
            line.idle = False  # there may be work to take over

    def _refused(self, relay: Relay, outcome: Outcome) -> None:
        """The login is refused: with one relay nothing can go out, with several this one rests."""
        reason = f"the login is refused: {outcome.text}"[:TEXT_LIMIT]
        now = self._committer.clock()
        with write(self._engine) as database:
            if len(self._committer.relays) == 1:
                standing.pause_open(database, reason=f"breaker: {reason}"[:TEXT_LIMIT], who=BREAKER, now=now)
            else:
                routes.rest(database, relay.name, now + _AUTH_REST, reason)
        for line in self.lines:
            line.gone = line.gone or line.relay.name == relay.name
        if len(self._committer.relays) == 1:
            self.fatal = self.troubles[relay.name]
