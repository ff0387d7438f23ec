"""What mail systems send back, made to measure; and a person with editions to send it back for."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select, update

from digest.db import keys
from digest.db.schema import audit, bounce, edition, employee, message, suppression
from digest.db.session import read, write
from digest.domain.reference import reference
from digest.domain.suppression import address_hash
from digest.domain.verp import verp_address
from digest.pipeline.inbound import Taken, collect
from tests.conftest import NOW
from tests.factories import person
from tests.letters import row

BOUNCES = "*@bounces.example.com"


def dsn(  # noqa: PLR0913 - each field of a report may be the one that matters
    *,
    to: str = "digest@example.com",
    final: str = "ana@example.org",
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <ana@example.org>: no such user",
    original: str = "",
    quoted: str = "",
    identity: str = "<report-1@mx.example.org>",
    prose: str = "I'm sorry to have to inform you that your message could not be delivered.",
) -> bytes:
    """A delivery report (RFC 3464) as Postfix writes it. `quoted`: the head of the letter that it returns."""
    lines = ["Return-Path: <>", f"Delivered-To: {to}", "From: MAILER-DAEMON@mx.example.org (Mail Delivery System)", f"To: {to}"]
    lines += ["Subject: Undelivered Mail Returned to Sender", "Auto-Submitted: auto-replied", f"Message-ID: {identity}", "MIME-Version: 1.0"]
    lines += ['Content-Type: multipart/report; report-type=delivery-status; boundary="B1"', "", "--B1", "Content-Type: text/plain", "", prose]
    lines += ["", "--B1", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example.org", ""]
    lines += [f"Original-Recipient: rfc822;{original}"] if original else []
    lines += [f"Final-Recipient: rfc822; {final}", f"Action: {action}", f"Status: {status}"]
    lines += [f"Diagnostic-Code: {diagnostic}"] if diagnostic else []
    lines += ["", "--B1", "Content-Type: text/rfc822-headers", "", quoted or "Subject: The Weekly Letter", "", "--B1--", ""]
    return "\r\n".join(lines).encode()


def arf(*, to: str = "digest@example.com", feedback: str = "abuse", quoted: str = "", recipient: str = "ana@example.org") -> bytes:
    """A complaint (RFC 5965)."""
    lines = ["From: <feedback@mx.example.net>", f"To: {to}", "Subject: FW: The Weekly Letter", "Message-ID: <complaint@mx.example.net>"]
    lines += ['Content-Type: multipart/report; report-type=feedback-report; boundary="B2"', "", "--B2", "Content-Type: text/plain", "", "Spam."]
    lines += ["--B2", "Content-Type: message/feedback-report", "", f"Feedback-Type: {feedback}", "User-Agent: x/1", "Version: 1"]
    lines += [f"Original-Rcpt-To: <{recipient}>", "", "--B2", "Content-Type: message/rfc822", "", quoted or "Subject: x", "", "Hello", "--B2--", ""]
    return "\r\n".join(lines).encode()


def away(*, to: str = "digest@example.com") -> bytes:
    """An absence notice that speaks of 5.1.1, as the one that other engines took for a bounce."""
    lines = [
        "Return-Path: <>",
        "From: Ana <ana@example.org>",
        f"To: {to}",
        "Subject: Automatic reply: Delivery failed",
        "Auto-Submitted: auto-replied",
    ]
    lines += ["Message-ID: <away@example.org>", "", "550 5.1.1 I am out of office. <ana@example.org>: user unknown until Monday.", ""]
    return "\r\n".join(lines).encode()


def answer(*, to: str = "digest@example.com", quoted: str = "") -> bytes:
    """Somebody writes back who is not on the roster."""
    return f"From: Carla <carla@example.net>\r\nTo: {to}\r\nSubject: Re: hello\r\nIn-Reply-To: {quoted}\r\n\r\nWhat a nice letter!\r\n".encode()


@dataclass(kw_only=True)
class Office:
    """Ana, her messages of the last weeks, and the door that mail comes back through."""

    engine: Engine
    kept: Path
    ana: int = 0
    now: datetime = NOW + timedelta(hours=1)

    def open(self, *, address: str = "ana@example.org") -> Office:
        """Make the keys and Ana."""
        with write(self.engine) as connection:
            keys.ensure_keys(connection, lambda size: b"k" * size, NOW)
            self.ana = int(connection.execute(insert(employee).values(person(address)).returning(employee.c.id)).scalar_one())
        return self

    def send(self, week: int = 48, **fields: Any) -> int:
        """A message to Ana in that week, `sent` unless `fields` say otherwise; returns its number."""
        at = NOW + timedelta(weeks=week - 48)
        values = {"period": f"2026-W{week:02}", "state": "sending", "paused": False, "reason": "", "hash": "", "planned_through": 0, "audience": 1}
        with write(self.engine) as connection:
            found = connection.execute(insert(edition).values(**values, created_at=at).returning(edition.c.id)).scalar_one()
            mine = row(int(found), self.ana, **{"state": "sent", "sent_at": at, "dated_at": at, "due_at": at, "attempts": 1, **fields})
            return int(connection.execute(insert(message).values(mine).returning(message.c.id)).scalar_one())

    def return_path(self, number: int) -> str:
        """The signed address of a message."""
        with read(self.engine) as connection:
            secret = next(iter(keys.signing_keys(connection, "bounce").values()))
            at = connection.execute(select(message.c.dated_at).where(message.c.id == number)).scalar_one()
        return verp_address(BOUNCES, secret, number, at)

    def reference(self, number: int) -> str:
        """The local part of a message's Message-ID."""
        with read(self.engine) as connection:
            secret = next(iter(keys.signing_keys(connection, "message-id").values()))
            period = connection.execute(select(edition.c.period).join(message).where(message.c.id == number)).scalar_one()
        return reference(secret, period, number)

    def take(self, raw: bytes, recipient: str = "") -> Taken:
        """One message comes in."""
        return collect(self.engine, "-", kept=self.kept, clock=lambda: self.now, stdin=io.BytesIO(raw), recipient=recipient)

    def bounces(self) -> list[Any]:
        """Every bounce row, in order."""
        return self._rows(select(bounce).order_by(bounce.c.id))

    def stopped(self) -> dict[str, datetime | None]:
        """Reason -> until, of what keeps mail from Ana now or did once."""
        mine = suppression.c.address_hash == address_hash("ana@example.org")
        return {one.reason: one.until for one in self._rows(select(suppression).where(mine, suppression.c.lifted_at.is_(None)))}

    def audits(self) -> list[tuple[str, str, str, str]]:
        """(who, what, subject, detail) of every audit row."""
        return [(one.who, one.what, one.subject, one.detail) for one in self._rows(select(audit).order_by(audit.c.id))]

    def state(self, number: int) -> tuple[str, str]:
        """State and reason of a message."""
        found = self._rows(select(message).where(message.c.id == number))[0]
        return found.state, found.reason

    def change(self, **fields: Any) -> None:
        """Change Ana's row."""
        with write(self.engine) as connection:
            connection.execute(update(employee).where(employee.c.id == self.ana).values(fields))

    def files(self) -> dict[str, list[bytes]]:
        """Folder -> what is kept in it."""
        found: dict[str, list[bytes]] = {}
        for path in sorted(self.kept.rglob("*")) if self.kept.exists() else ():
            if path.is_file():
                found.setdefault(path.parent.name, []).append(path.read_bytes())
        return found

    def _rows(self, statement: Any) -> list[Any]:
        with read(self.engine) as connection:
            return list(connection.execute(statement).all())


def maildir(folder: Path, messages: Iterable[bytes]) -> Path:
    """A Maildir with new messages."""
    for room in ("new", "cur", "tmp"):
        (folder / room).mkdir(parents=True)
    for number, raw in enumerate(messages):
        (folder / "new" / f"{number}.host").write_bytes(raw)
    return folder
