"""Notices on their way: connect first, claim second, one try each time; what nobody can know is in doubt and not sent again."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import parseaddr

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import buckets, capabilities, control, keys, notices, routes, suppressions
from digest.db.notices import Waiting
from digest.db.session import read, write
from digest.domain import phase, retry
from digest.domain.envelope import Envelope, envelope
from digest.domain.link import sign_unsubscribe
from digest.domain.message import MessageState
from digest.domain.notice import DEADLINE, Notice, may_go
from digest.domain.phase import Outcome
from digest.domain.reference import reference
from digest.domain.routing import route_of
from digest.errors import DigestError
from digest.mail import catalogue
from digest.mail import notice as letter
from digest.pipeline import signing, transports
from digest.smtp.connection import Connection as Wire
from digest.smtp.relay import Relay

_MOST = 200  # in one run; the next tick goes on
_AGAIN = (MessageState.QUEUED, MessageState.DEFERRED)
_log = logging.getLogger(__name__)


def send_due(engine: Engine, config: Config, *, clock: Callable[[], datetime]) -> int:
    """Send the notices that are due; how many were accepted. Raises StorageError, or ConfigError for a key that is no key."""
    now = clock()
    with write(engine) as connection:
        notices.recover(connection, now)
        waiting = notices.due(connection, now, _MOST)
        resting = set(routes.rests(connection, now))
    waiting = [one for one in waiting if _wanted(engine, config, one, now)]
    if not waiting:
        return 0
    relays = transports.relays(config)
    by_route: dict[str, list[Waiting]] = {}
    for one in waiting:
        by_route.setdefault(route_of(one.address.rpartition("@")[2], one.employee, [relay.route for relay in relays]), []).append(one)
    writer = _Writer(engine, config)
    return sum(_carry(engine, relay, by_route[relay.name], writer, clock) for relay in relays if relay.name in by_route and relay.name not in resting)


def _wanted(engine: Engine, config: Config, one: Waiting, now: datetime) -> bool:
    """Put aside what nobody needs any more, and what may not go: never against anybody's word."""
    only = {name.lower() for name in config.delivery.only}
    named = not only or one.address.lower() in only or one.address.rpartition("@")[2].lower() in only
    with write(engine) as connection:
        held = suppressions.held(connection, one.address, now)
        if named and may_go(one.kind, held, here=one.here) and now < one.made_at + DEADLINE:
            return True
        notices.settle(connection, one.id, MessageState.CANCELLED, now)
    return False


class _Writer:
    """Makes the octets of a notice."""

    def __init__(self, engine: Engine, config: Config) -> None:
        self._engine = engine
        self._config = config
        self._outside: Envelope = envelope(sender=config.sender.sender, reply_to=config.sender.reply_to, list_name=config.site.name)
        self._signer = signing.load(config)
        with read(engine) as connection:
            self._unsubscribe = keys.signing_keys(connection, "unsubscribe")
            self._message_id = keys.signing_keys(connection, "message-id")

    @property
    def sender(self) -> str:
        """Of the envelope: where reports about it come back to."""
        bounces = self._config.sender.bounces
        return f"notice{bounces.removeprefix('*')}" if bounces.startswith("*") else parseaddr(bounces)[1] or self._outside.from_address

    def wire(self, one: Waiting, now: datetime) -> bytes:
        dated = one.dated_at or now
        site = self._config.site
        content = letter.Content(
            kind=one.kind, language=one.language, site_name=site.name, address=site.address, link=self._link(one), day=one.made_at,
            values=one.told.values, quotes=_choices(one) or one.told.quotes,
        )  # fmt: skip
        name = reference(next(iter(self._message_id.values())), "notice", one.id)  # the same on every try
        head = letter.Outside(to_name=one.name, to_address=one.address, dated_at=dated, reference=name, answers=one.told.answers)
        wire = letter.wire(self._outside, content, head)
        return self._signer.sign(wire, dated) if self._signer else wire

    def _link(self, one: Waiting) -> str:
        """Where its button leads; "" for none."""
        if one.kind in {Notice.LEFT, Notice.STOP_HOW}:
            key_id, secret = next(iter(self._unsubscribe.items()))
            return f"{self._config.site.url}/u/{sign_unsubscribe(key_id, secret, one.employee)}"
        if one.told.url or not one.told.path:
            return one.told.url
        if one.kind is Notice.CHOSE:
            with read(self._engine) as connection:
                own = control.newest(connection, one.employee)
            return f"{self._config.site.url}/{one.told.path}/{own}" if own else ""
        if one.told.purpose is None:
            return f"{self._config.site.url}/{one.told.path}"
        with read(self._engine) as connection:
            made = capabilities.token_of(connection, one.employee, one.told.purpose, one.made_at, subject=one.told.subject)
        return f"{self._config.site.url}/{one.told.path}/{made}"


def _choices(one: Waiting) -> tuple[tuple[str, str], ...]:
    """What somebody's receipt lists, a line each."""
    words = catalogue.words(one.language)
    lines = [f"{words('label', what=words(f'own_{matter}'))} {words(f'own_{how}')}" for matter, how in one.told.choices]
    return (("", "\n".join(lines)),) if lines else ()


def _carry(engine: Engine, relay: Relay, waiting: Sequence[Waiting], writer: _Writer, clock: Callable[[], datetime]) -> int:
    """One connection for all of them; while it cannot be had they wait, untouched."""
    line = Wire(relay)
    sent = 0
    try:
        for one in waiting:
            if not _room(engine, relay, clock()) or not (line.usable or line.open().accepted):
                break
            sent += _send(engine, relay, line, one, writer, clock)
    finally:
        line.close()
    return sent


def _room(engine: Engine, relay: Relay, now: datetime) -> bool:
    """Whether the relay's limits allow one more."""
    with write(engine) as connection:
        return buckets.allowance(connection, relay.name, relay.limits, 1, now).room > 0


def _send(engine: Engine, relay: Relay, line: Wire, one: Waiting, writer: _Writer, clock: Callable[[], datetime]) -> bool:
    now = clock()
    try:
        wire = writer.wire(one, now)
    except DigestError as error:
        _log.warning("A notice (%s) cannot be made: %s", one.kind, error.summary)
        with write(engine) as connection:
            notices.settle(connection, one.id, MessageState.FAILED, now, text=error.summary)
        return False
    with write(engine) as connection:
        if not buckets.allowance(connection, relay.name, relay.limits, 1, now).room or not notices.claim(connection, one.id, now, as_of=one.made_at):
            return False
        buckets.take(connection, relay.name, relay.limits, 1, now)
    outcome = line.send(writer.sender, one.address, wire)
    with write(engine) as connection:
        return _settle(connection, one, outcome, clock())


def _settle(connection: Connection, one: Waiting, outcome: Outcome, now: datetime) -> bool:
    state = phase.decide(outcome).state
    again = None
    if state in _AGAIN:
        jitter = secrets.randbelow(1000) / 1000
        waits = retry.asked_wait(outcome.text) or retry.wait(one.attempts + 1) * (0.9 + 0.2 * jitter)
        again = now + waits if now + waits < one.made_at + DEADLINE else None
        state = MessageState.QUEUED if again is not None else MessageState.FAILED
    notices.settle(connection, one.id, state, now, text=outcome.text, again=again)
    return state is MessageState.SENT
