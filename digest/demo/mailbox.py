"""A real SMTP server on loopback that keeps every message as it came."""

from __future__ import annotations

import contextlib
import itertools
import socket
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_PARSER = BytesParser(EmailMessage, policy=policy.default)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One message as the server accepted it."""

    number: int
    recipient: str
    raw: bytes

    @property
    def parsed(self) -> EmailMessage:
        """The message, parsed by the standard library."""
        return _PARSER.parsebytes(self.raw)

    def part(self, subtype: str) -> str:
        """The decoded text of the `html` or `plain` part."""
        body = self.parsed.get_body((subtype,))
        return "" if body is None else str(body.get_content())


class Mailbox:
    """Keeps messages in a folder, one .eml file each; what is on disk was answered with 250."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._folder = folder
        self._letters: list[Letter] = []
        self._numbers = itertools.count(1)
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, data_size_limit=50_000_000, enable_SMTPUTF8=True)

    def start(self) -> None:
        """Listen."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening; what came stays."""
        with contextlib.suppress(AssertionError):  # aiosmtpd asserts that it was started
            self._controller.stop()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the message, then accept it."""
        raw = bytes(envelope.original_content or b"")
        for recipient in envelope.rcpt_tos:
            letter = Letter(number=next(self._numbers), recipient=recipient, raw=raw)
            (self._folder / f"{letter.number:04}.eml").write_bytes(raw)
            self._letters.append(letter)
        return "250 2.0.0 kept"

    def letters(self) -> list[Letter]:
        """Every message so far, in the order it came."""
        return list(self._letters)

    def letter(self, number: int) -> Letter | None:
        """The message with this number, or None."""
        return next((letter for letter in self.letters() if letter.number == number), None)


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
