"""An SMTP client that knows at every moment whether the final dot was written.

It answers with an Outcome, never with an exception: what an outcome means is decided on the ground floor (`domain/phase.py`).
The standard library raises the same error before and after the dot, which loses exactly what matters.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from typing import Final

from digest.domain.phase import Kind, Outcome, Phase
from digest.smtp import words
from digest.smtp.relay import Relay
from digest.smtp.stream import CutError, Reply, Steps, Stream, connect, drive

_DOT: Final = b".\r\n"
_GO_AHEAD: Final = 354
_CHALLENGE: Final = 334
_UNSAFE: Final = frozenset(' <>"\\\x7f') | {chr(c) for c in range(32)}

Watch = Callable[[str], None]  # is told each point it passes; the fault tests pull the plug there


class Connection:
    """One connection to the relay, used for one message after the other."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._wait = relay.timeouts
        self._stream: Stream | None = None
        self._offers: dict[str, str] = {}
        self._phase = Phase.CONNECT
        self._sent = 0
        self._aborted = False
        self.opened = False  # at least once

    @property
    def phase(self) -> Phase:
        """How far the last conversation has come."""
        return self._phase

    @property
    def usable(self) -> bool:
        """True while the next message may go this way."""
        return self._stream is not None and self._sent < self._relay.messages_per_connection

    def still_there(self) -> bool:
        """False when the server spoke or left while nothing was asked; then the connection is closed."""
        if self._stream is not None and self._stream.spoke_early():
            self.drop()
        return self._stream is not None

    def open(self) -> Outcome:
        """Connect, greet, encrypt, log in. Anything but an accepted outcome leaves it closed."""
        self.close()
        self._sent, self._phase = 0, Phase.CONNECT
        try:
            outcome = drive(self._opening(), self.fileno)
        except CutError as cut:
            outcome = self._cut(cut)
        if outcome.accepted:
            self.opened = True
        if self._aborted or not outcome.accepted:  # who aborts drops too, but may have looked before there was a stream
            self.drop()
        return outcome

    def send(self, sender: str, recipient: str, wire: bytes, watch: Watch | None = None) -> Outcome:
        """Offer one message and wait for its outcome; see `offer`."""
        return drive(self.offer(sender, recipient, wire, watch), self.fileno)

    def offer(self, sender: str, recipient: str, wire: bytes, watch: Watch | None = None) -> Steps[Outcome]:
        """The steps of offering one message to one recipient; the connection must be usable.

        `wire`: dot-stuffed, lines end in CRLF, and so does the last one; the final dot is added here. A CutError thrown into
        the steps ends them with an outcome that names their phase.
        """
        self._phase = Phase.MAIL
        local = self._refuse_here(sender, recipient, wire)
        if local is not None:
            return local
        try:
            outcome = yield from self._transaction(self._stream_now(), self._commands(sender, recipient, wire), wire, watch)
        except CutError as cut:
            outcome = self._cut(cut)
        self._sent += 1
        yield from self._tidy(outcome)
        return outcome

    def fileno(self) -> int:
        """The socket's number, or -1 without one."""
        return -1 if self._stream is None else self._stream.fileno()

    def close(self) -> None:
        """Say goodbye and leave; what the server answers changes nothing."""
        drive(self.goodbye(), self.fileno)
        self.drop()

    def goodbye(self) -> Steps[None]:
        """The steps of saying QUIT, whose answer nobody needs to wait for; `drop` follows."""
        if self._stream is not None and not self._aborted:
            with contextlib.suppress(CutError):
                yield from self._stream.command("QUIT", min(5.0, self._wait.command))

    def abort(self) -> None:
        """Break off from another thread; the try under way ends with an outcome that names its phase."""
        self._aborted = True
        if self._stream is not None:
            self._stream.abort()

    def drop(self) -> None:
        """Close without a word."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _stream_now(self) -> Stream:
        if self._stream is None:
            raise CutError(Kind.BROKEN, "the connection is closed")
        return self._stream

    def _cut(self, cut: CutError) -> Outcome:
        self.drop()
        return Outcome(phase=self._phase, kind=cut.kind, text=cut.text, reused=self._sent > 0)

    def _told(self, reply: Reply, kind: Kind | None = None) -> Outcome:
        reused = self._sent > 0
        return Outcome(phase=self._phase, kind=kind or reply.kind, code=reply.code, enhanced=reply.enhanced, text=reply.text, reused=reused)

    # Opening

    def _opening(self) -> Steps[Outcome]:
        relay = self._relay
        stream = self._stream = connect(relay.host, relay.port, self._wait.connect)
        if self._aborted:
            raise CutError(Kind.BROKEN, "broken off")
        if relay.security == "tls":
            self._phase = Phase.STARTTLS
            yield from stream.encrypt(self._context(), relay.host, self._wait.command)
        self._phase = Phase.GREETING
        outcome = self._told((yield from stream.reply(self._wait.greeting)))
        for step in (self._hello, self._starttls, self._login):
            if outcome.accepted:
                outcome = (yield from step(stream)) or outcome
        return outcome

    def _context(self) -> ssl.SSLContext:
        return self._relay.tls or ssl.create_default_context()

    def _hello(self, stream: Stream) -> Steps[Outcome]:
        self._phase = Phase.EHLO
        name = words.own_name(*stream.own_address)
        reply = yield from stream.command(f"EHLO {name}", self._wait.command)
        self._offers = words.offers(reply) if reply.kind is Kind.ACCEPTED else {}
        if reply.kind is Kind.PERMANENT:  # an old server; 502 and 500 mean that it knows no EHLO (RFC 5321, 4.1.4)
            reply = yield from stream.command(f"HELO {name}", self._wait.command)
        return self._told(reply)

    def _starttls(self, stream: Stream) -> Steps[Outcome | None]:
        if self._relay.security != "starttls":
            return None
        self._phase = Phase.STARTTLS
        if "STARTTLS" not in self._offers:
            return Outcome(phase=self._phase, kind=Kind.PERMANENT, text="the relay does not offer STARTTLS")
        outcome = self._told((yield from stream.command("STARTTLS", self._wait.command)))
        if not outcome.accepted:
            return outcome
        yield from stream.encrypt(self._context(), self._relay.host, self._wait.command)
        return (yield from self._hello(stream))

    def _login(self, stream: Stream) -> Steps[Outcome | None]:
        if not self._relay.username:
            return None
        ways = self._offers.get("AUTH", "").upper().split()
        if not {"PLAIN", "LOGIN"} & set(ways):  # a matter of our settings, so it opens no breaker
            return Outcome(phase=self._phase, kind=Kind.PERMANENT, text=f"the relay offers no AUTH PLAIN or LOGIN, found {' '.join(ways) or 'none'}")
        self._phase = Phase.AUTH
        user, password = self._relay.username, self._relay.password
        if "PLAIN" in ways:
            word = words.b64(f"{chr(0)}{user}{chr(0)}{password}")
            return self._told((yield from stream.command(f"AUTH PLAIN {word}", self._wait.command)))
        reply = yield from stream.command("AUTH LOGIN", self._wait.command)
        for word in (user, password):
            if reply.code != _CHALLENGE:
                return self._told(reply)
            reply = yield from stream.command(words.b64(word), self._wait.command)
        return self._told(reply)

    def _refuse_here(self, sender: str, recipient: str, wire: bytes) -> Outcome | None:
        """What the relay need not be asked: the answer is certain."""
        utf8 = "SMTPUTF8" in self._offers
        if not _UNSAFE.isdisjoint(sender) or not (utf8 or words.ascii_form(sender)):
            return _refusal(Phase.MAIL, 553, "5.1.7", "the sender's address cannot be written into an SMTP command of this relay")
        if "@" not in recipient or not _UNSAFE.isdisjoint(recipient):
            return _refusal(Phase.RCPT, 553, "5.1.3", "the address cannot be written into an SMTP command")
        if not utf8 and not words.ascii_form(recipient):
            return _refusal(Phase.RCPT, 553, "5.6.7", "the relay does not offer SMTPUTF8, which this address needs")
        if not wire.isascii() and "8BITMIME" not in self._offers:
            return _refusal(Phase.DATA, 554, "5.6.3", "the relay does not offer 8BITMIME, which this message needs")
        limit = self._offers.get("SIZE", "")
        if limit.isdigit() and 0 < int(limit) < len(wire):
            return _refusal(Phase.MAIL, 552, "5.3.4", f"the message has {len(wire)} octets, the relay takes {limit}")
        return None

    def _commands(self, sender: str, recipient: str, wire: bytes) -> tuple[bytes, bytes]:
        extra = f" SIZE={len(wire)}" if "SIZE" in self._offers else ""
        extra += " BODY=8BITMIME" if not wire.isascii() else ""
        if not (sender + recipient).isascii():
            if "SMTPUTF8" in self._offers:
                extra += " SMTPUTF8"
            else:
                sender, recipient = words.ascii_form(sender), words.ascii_form(recipient)
        return f"MAIL FROM:<{sender}>{extra}\r\n".encode(), f"RCPT TO:<{recipient}>\r\n".encode()

    def _transaction(self, stream: Stream, commands: tuple[bytes, bytes], wire: bytes, watch: Watch | None) -> Steps[Outcome]:
        mail, rcpt = commands
        steps = [(Phase.MAIL, mail, self._wait.mail), (Phase.RCPT, rcpt, self._wait.rcpt), (Phase.DATA, b"DATA\r\n", self._wait.data)]
        at_once = "PIPELINING" in self._offers
        if at_once:
            yield from stream.send(b"".join(line for _, line, _ in steps), self._wait.mail)
        for place, (phase, line, patience) in enumerate(steps, start=1):
            self._phase = phase
            if not at_once:
                yield from stream.send(line, patience)
            refused = self._judge(phase, (yield from stream.reply(patience)))
            if watch:
                watch(f"after_{phase}")
            if refused:
                yield from self._pass_over(stream, steps[place:] if at_once else [])
                return refused
        return (yield from self._body(stream, wire, watch))

    def _pass_over(self, stream: Stream, steps: list[tuple[Phase, bytes, float]]) -> Steps[None]:
        """Read the replies to commands that a refusal has overtaken."""
        try:
            for phase, _, patience in steps:
                if (yield from stream.reply(patience)).code == _GO_AHEAD and phase is Phase.DATA:
                    self.drop()  # it waits for a body that nobody may get: never send the dot (RFC 2920, 3.1)
        except CutError:
            self.drop()

    def _judge(self, phase: Phase, reply: Reply) -> Outcome | None:
        if phase is Phase.DATA:
            if reply.code == _GO_AHEAD:
                return None
            return self._told(reply, Kind.UNREADABLE if reply.kind is Kind.ACCEPTED else None)
        return None if reply.kind is Kind.ACCEPTED else self._told(reply)

    def _body(self, stream: Stream, wire: bytes, watch: Watch | None) -> Steps[Outcome]:
        self._phase = Phase.BODY
        taken = 0 if watch else stream.send_at_once(wire, _DOT, self._dotted)
        if taken <= len(wire):
            half = len(wire) // 2
            for part, point in ((wire[taken:half], "mid_body"), (wire[max(taken, half) :], "before_dot")):
                if not (yield from stream.send(part, self._wait.block, hear=True)):
                    return (yield from self._interrupted(stream))
                if watch:
                    watch(point)
            if stream.spoke_early():
                return (yield from self._interrupted(stream))
        if not (yield from stream.send_dot(_DOT[max(0, taken - len(wire)) :], self._wait.block, self._dotted)):
            return (yield from self._interrupted(stream))
        if watch:
            watch("after_dot")
        reply = yield from stream.reply(self._wait.dot)
        if watch:
            watch("after_reply")
        return self._told(reply)

    def _interrupted(self, stream: Stream) -> Steps[Outcome]:
        """The server spoke before the dot: its words are the outcome, and it never gets the dot."""
        reply = yield from stream.reply(self._wait.command)
        self.drop()
        return self._told(reply, Kind.UNREADABLE if reply.kind is Kind.ACCEPTED else None)

    def _dotted(self) -> None:
        self._phase = Phase.DOT

    def _tidy(self, outcome: Outcome) -> Steps[None]:
        """Leave nothing half open behind a refusal: RSET, or close."""
        if self._stream is None or outcome.accepted:
            return
        if outcome.code == 421 or outcome.kind in {Kind.BROKEN, Kind.UNREADABLE}:  # noqa: PLR2004 - the server is closing (RFC 5321, 3.8)
            self.drop()
        elif outcome.phase is not Phase.DOT:
            try:
                if (yield from self._stream.command("RSET", self._wait.command)).kind is not Kind.ACCEPTED:
                    self.drop()
            except CutError:
                self.drop()


def _refusal(phase: Phase, code: int, enhanced: str, text: str) -> Outcome:
    return Outcome(phase=phase, kind=Kind.PERMANENT, code=code, enhanced=enhanced, text=text)
