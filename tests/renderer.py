"""A small real renderer for the tests of delivery; it imports little, because the fault tests start it often."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

from digest.domain.message import Message


class Letters:
    """Makes a whole, small message. `broken`: employees whose message cannot be made."""

    def __init__(self, *, padding: int = 0, broken: frozenset[int] = frozenset()) -> None:
        self._padding = b".." + b"x" * 70 + b"\r\n"
        self._lines = padding // 74
        self._broken = broken

    def wire(self, message: Message) -> bytes:
        if message.employee in self._broken:
            raise ValueError(f"no words for employee {message.employee}")
        letter = EmailMessage(policy=SMTP)
        letter["To"] = message.address
        letter["Subject"] = f"Edition {message.period}"
        letter["Date"] = message.dated_at
        letter["Message-ID"] = f"<{message.period}.{message.id}@example.com>"
        letter["X-Digest-ID"] = f"{message.period}.{message.id}"
        letter.set_content(f"Hello {message.name}\r\n")
        return letter.as_bytes() + self._padding * self._lines
