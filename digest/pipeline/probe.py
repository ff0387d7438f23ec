"""A test message: the edition as it would arrive, marked, with dead links, over the real relay. Nothing is stored."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import editions, ledger, people, suppressions
from digest.db.session import read
from digest.domain import conversation
from digest.domain.conversation import Step
from digest.domain.edition import Edition
from digest.domain.employee import Employee, EmployeeId
from digest.domain.envelope import Envelope, Keys
from digest.domain.message import Message, MessageId, Pick
from digest.domain.routing import route_of
from digest.errors import DigestError, EditionError
from digest.mail.mime import unstructured
from digest.pipeline import networks, renderers, signing
from digest.pipeline.edition import find
from digest.pipeline.rendering import DEAD_TOKEN, Renderer, compile_languages
from digest.pipeline.templates import site_folder
from digest.smtp.look import Look
from digest.smtp.relay import Relay

MARK = "[Test] "
_NO_KEYS = Keys(control=b"", unsubscribe_id=0, unsubscribe=b"", message_id=b"")  # links are dead, and the reference is one of its own


class NotForTestsError(DigestError):
    """Test messages do not go there."""

    summary = "gets no test message"


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One test message, ready for the wire."""

    period: str
    address: str
    whose: str  # in words: "as the message of Ana Sousa" | "as a sample: ..."
    sender: str  # of the envelope
    wire: bytes
    signed: tuple[str, ...]  # selectors
    employee: int = 0  # 0: nobody on the roster


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What became of it, step by step."""

    probe: Probe
    steps: tuple[Step, ...]

    @property
    def accepted(self) -> bool:
        """True when the relay took it."""
        return all(step.ok for step in self.steps)

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        steps = [{"phase": step.phase, "ok": step.ok, "said": step.said, "do": step.do} for step in self.steps]
        probe = self.probe
        about = {"period": probe.period, "address": probe.address, "sent": probe.whose, "bytes": len(probe.wire), "dkim": list(probe.signed)}
        return {**about, "accepted": self.accepted, "steps": steps}

    def sentences(self) -> str:
        """For people."""
        probe = self.probe
        signed = f", signed with {' and '.join(probe.signed)}" if probe.signed else ""
        lines = [f"{probe.period} for {probe.address}, {probe.whose}; {len(probe.wire):,} octets{signed}."]
        for step in self.steps:
            lines += [f"{'ok ' if step.ok else 'BAD'}  {step.said}", *([f"     {step.do}"] if step.do else [])]
        lines += ["Its links are dead, and nothing of it is counted."] if self.accepted else []
        return "\n".join(lines)


def prepare(engine: Engine, config: Config, address: str, *, period: str | None, now: datetime) -> Probe:
    """The newest planned edition (or that of `period`) as a test message for `address`.

    Raises NotForTestsError when nobody agreed to mail there, EditionError when nothing is planned.
    """
    with read(engine) as connection:
        person = people.by_address(connection, address)
        here = person if person is not None and person.left_at is None else None
        _may_get(connection, config, address, here, now)
        found = _planned(connection, period)
        row = ledger.of_employee(connection, found.id, here.id) if here is not None else None
    if here is not None and row is not None and row.picks:
        message = _message(found, here.address, now, employee=here.id, id=row.id, name=row.name, language=row.language)
        message = replace(message, picks=tuple(Pick(n=n, because=because) for n, because in row.picks), networks=tuple(row.networks))
        return _finish(engine, config, found, renderers.load(engine, found.id, live=False), message, f"as the message of {row.name or address}")
    renderer, message = _sample(engine, config, found, _message(found, address, now, language=here.language if here else "en"))
    reason = "this person gets none in it" if here is not None else "nobody on the roster has this address"
    return _finish(engine, config, found, renderer, message, f"as a sample without anything internal ({reason})")


def carrier(relays: Sequence[Relay], probe: Probe) -> Relay:
    """The transport that carries this person's messages."""
    name = route_of(probe.address.rpartition("@")[2], probe.employee, [relay.route for relay in relays])
    return next(relay for relay in relays if relay.name == name)


def send(relay: Relay, probe: Probe) -> Tried:
    """Hand it to the relay as any message, and tell each step."""
    look = Look(relay)
    outcome = look.open()
    settings = met(relay, look)
    steps = list(conversation.opening(outcome, settings))
    if outcome.accepted:
        steps.append(conversation.sending(look.send(probe.sender, probe.address, probe.wire), settings))
        look.close()
    return Tried(probe=probe, steps=tuple(steps))


def met(relay: Relay, look: Look) -> conversation.Settings:
    """What is known of the relay after it was opened."""
    return conversation.Settings(
        place=relay.place,
        table=relay.table,
        security=relay.security,
        username=relay.username,
        protocol=look.encryption.protocol if look.encryption else "",
        offers=look.offers,
    )


def _may_get(connection: Connection, config: Config, address: str, person: Employee | None, now: datetime) -> None:
    domain = address.rpartition("@")[2].lower()
    only = {name.lower() for name in config.delivery.only}
    named = domain in only or address.lower() in only
    if only and not named:
        raise NotForTestsError(address, "delivery.only does not name it", hint="Add the address or its domain to delivery.only in config.toml.")
    if not (named or person is not None or domain == signing.sender_domain(config)):
        raise NotForTestsError(
            address,
            "it is neither on the roster nor in the sender's own domain",
            hint="Take an address of the roster (`digest roster list`), or name this one in delivery.only while you are trying things out.",
        )
    reason = suppressions.reasons(connection, [address], now).get(address)
    if reason is not None:
        raise NotForTestsError(address, f"it is suppressed: {reason}", hint="Take another address; nobody is mailed against their word.")


def _planned(connection: Connection, period: str | None) -> Edition:
    """The edition of `period`, or the newest one, that has words and rows."""
    if period is None:
        planned = [edition for edition in editions.every(connection) if edition.planned_at is not None]
        if planned:
            return planned[-1]
    found = find(connection, period)
    if found.planned_at is None:
        raise EditionError(found.period, "it is not planned, so there is nothing to send", hint="Run `digest edition plan`.")
    return found


def _message(found: Edition, address: str, now: datetime, **more: Any) -> Message:  # noqa: ANN401 - fields of Message
    values: dict[str, Any] = {"id": MessageId(0), "employee": EmployeeId(0), "name": "", "language": "en", "picks": (), "networks": ()}
    fixed: dict[str, Any] = {"edition": found.id, "period": found.period, "address": address, "spares": (), "share_token": DEAD_TOKEN, "attempts": 0}
    return Message(**(values | fixed | {"due_at": now, "dated_at": now} | more))


def _sample(engine: Engine, config: Config, found: Edition, message: Message) -> tuple[Renderer, Message]:
    """Who is not on the roster may stand outside the wall: only what everybody may read, compiled for this once."""
    with read(engine) as connection:
        content = replace(editions.content(connection, found.id), figures=(), answers=())
        outside = Envelope(**editions.envelope(connection, found.id))
    posts = [post for post in content.posts if not post.internal][: config.mix.posts]
    if not posts:
        raise EditionError(found.period, "it carries internal posts only, so there is no sample", hint="Take an address of the roster.")
    picks, letters = tuple(Pick(n=post.n) for post in posts), tuple(letter for letter, _, _ in content.networks)
    renderer = Renderer(
        content, outside, compile_languages(content, [message.language], networks.usable(config), site_folder(config)), _NO_KEYS, live=False
    )
    return renderer, replace(message, picks=picks, networks=letters[:2])


def _finish(engine: Engine, config: Config, found: Edition, renderer: Renderer, message: Message, whose: str) -> Probe:
    with read(engine) as connection:
        outside = Envelope(**editions.envelope(connection, found.id))
    subject = dict(renderer.preview(message)["headers"])["Subject"]
    reference = f"test.{found.period}.{secrets.token_hex(8)}"  # its own: servers throw a second message of one Message-ID away
    changes = {
        "Subject": unstructured(MARK + subject, len("Subject: ")),
        "Message-ID": f"<{reference}@{outside.message_id_domain}>".encode(),
        "X-Digest-ID": reference.encode(),
    }
    wire = b"X-Digest-Test: 1\r\n" + _with_fields(renderer.wire(message), changes)
    signer = signing.load(config)
    return Probe(
        period=found.period,
        address=message.address,
        whose=whose,
        sender=_bounces(config.sender.bounces) or outside.from_address,
        wire=signer.sign(wire, message.dated_at) if signer else wire,
        signed=tuple(signer.records) if signer else (),
        employee=message.employee,
    )


def _with_fields(wire: bytes, changes: Mapping[str, bytes]) -> bytes:
    """`wire` with the values of some fields of its head replaced."""
    head, gap, body = wire.partition(b"\r\n\r\n")
    for name, value in changes.items():
        field = re.compile(rb"(?m)^%s: [^\r]*(?:\r\n[ \t][^\r]*)*" % re.escape(name.encode()))
        head = field.sub(partial(_always, name.encode() + b": " + value), head, count=1)
    return head + gap + body


def _always(made: bytes, _found: re.Match[bytes]) -> bytes:
    return made


def _bounces(setting: str) -> str:
    """An address of the domain that reports come back to, so that SPF is asked about the right one."""
    return "test" + setting.removeprefix("*") if setting.startswith("*") else setting
