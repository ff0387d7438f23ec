"""What the crew sends: octets and envelope sender of each message, from what was frozen with its edition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sqlalchemy import Engine

from digest.db import outbox
from digest.db.session import read
from digest.domain.message import Message
from digest.domain.verp import verp_address
from digest.pipeline.policy import Policy


class Renderer(Protocol):
    """Makes the octets of one edition's messages."""

    def wire(self, message: Message) -> bytes:
        """The whole message: CRLF, dot-stuffed, ending with CRLF, without the final dot."""


class Letters:
    """Renderers and senders, fetched once per edition."""

    def __init__(self, engine: Engine, renderers: Callable[[int], Renderer], policy: Policy) -> None:
        self._engine = engine
        self._renderers = renderers
        self._policy = policy
        self._known: dict[int, tuple[str, Renderer]] = {}

    def letter(self, message: Message) -> tuple[str, bytes]:
        """Sender and octets: the same on every attempt. Raises ValueError for octets that do not end as they must."""
        sender, renderer = self._known.get(message.edition) or self._load(message.edition)
        wire = renderer.wire(message)
        if not wire.endswith(b"\r\n"):
            raise ValueError("the message does not end with CRLF")
        if self._policy.sign is not None:
            wire = self._policy.sign(wire, message.dated_at)
        if self._policy.bounces:
            sender = verp_address(self._policy.bounces, self._policy.bounce_key, message.id, message.dated_at)
        return sender, wire

    def _load(self, edition: int) -> tuple[str, Renderer]:
        with read(self._engine) as connection:
            sender = outbox.sender(connection, edition)
        self._known[edition] = (sender, self._renderers(edition))
        return self._known[edition]
