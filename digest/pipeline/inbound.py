"""Inbound mail: read each message, ask the rules what it means, and note that before the source is told that we have it.

One transaction per message. What could not be understood, or is for a person to read, is kept whole as a file. Reading
anything twice changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, Engine

from digest.db import bounces, evidence, keys, suppressions
from digest.db.bounces import Bounce, Known
from digest.db.session import read, write
from digest.domain.bounce import BounceKind, BounceSource, Folder, Report, Verdict, Whom, judge
from digest.domain.evidence import EVIDENCE
from digest.domain.reference import reference
from digest.domain.reply import Written
from digest.domain.suppression import SuppressionReason
from digest.domain.verp import read_verp
from digest.mail.arrival import Arrival, arriving
from digest.mail.inbound import read_report
from digest.mail.sources import MailboxError, Waiting, from_imap, from_maildir, from_stream
from digest.mail.written import read_written
from digest.pipeline import replies

STDIN = "-"
_SOURCES = "Name a file that holds one message, a Maildir (the folder that has new, cur and tmp), or imaps://USER@HOST/FOLDER."
_log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Taken:
    """What a run took in."""

    read: int = 0
    empty: int = 0  # of those: nothing was in them
    again: int = 0  # reports that were noted before
    kinds: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)  # what people wrote: what it became -> letters
    asked: int = 0  # of those: whoever they name was asked whether they wrote it
    skipped: Counter[str] = field(default_factory=Counter)  # why what somebody wrote was not taken -> letters
    kept: Counter[str] = field(default_factory=Counter)  # folder -> messages
    stopped: list[tuple[str, SuppressionReason]] = field(default_factory=list)  # (address, why), for whoever keeps the roster
    settled: int = 0  # messages in doubt of which something came back
    problems: list[str] = field(default_factory=list)  # messages that could not be fetched; they wait where they are

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        stopped = [{"address": address, "reason": reason} for address, reason in self.stopped]
        counts = {"read": self.read, "empty": self.empty, "again": self.again, "kinds": dict(self.kinds), "kept": dict(self.kept)}
        counts |= {"replies": dict(self.replies), "asked": self.asked, "skipped": dict(self.skipped)}
        return {**counts, "stopped": stopped, "settled": self.settled, "problems": self.problems}


@dataclass(frozen=True, kw_only=True)
class _Secrets:
    verp: tuple[bytes, ...] = field(repr=False)
    reference: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class _Desk:
    """What reading every message needs."""

    engine: Engine
    kept: Path
    secrets: _Secrets = field(repr=False)
    recipient: str
    clock: Callable[[], datetime]
    settings: replies.Settings | None


@dataclass(frozen=True, kw_only=True)
class _Found:
    """Whom a report is about, and how surely."""

    known: Known | None = None
    signed: bool = False
    forged: bool = False  # it came to an address whose signature is wrong or too old


@dataclass(frozen=True, kw_only=True)
class _Noted:
    verdict: Verdict
    again: bool = False
    settled: bool = False
    stopped: tuple[str, SuppressionReason] | None = None
    reply: replies.Reply | None = None


def collect(  # noqa: PLR0913 - where mail is, and what is known of it
    engine: Engine,
    source: str,
    *,
    kept: Path,
    clock: Callable[[], datetime],
    stdin: BinaryIO,
    password: str = "",
    recipient: str = "",
    settings: replies.Settings | None = None,
) -> Taken:
    """Take in everything that waits at `source`: "-" (`stdin`), a file, a Maildir, or the URL of an IMAP mailbox.

    `kept`: the folder for what a person should look at. `recipient`: the address it came to, when the source knows it.
    `settings`: how answers of people are taken in; None: they are kept, all of them.
    Raises MailboxError, StorageError, or UnreadableFileError; what was not taken in waits where it was.
    """
    with read(engine) as connection:
        secrets = _Secrets(
            verp=tuple(keys.signing_keys(connection, "bounce").values()), reference=tuple(keys.signing_keys(connection, "message-id").values())
        )
    if settings is not None:
        settings = replace(settings, secrets=secrets.reference)
    desk = _Desk(engine=engine, kept=kept, secrets=secrets, recipient=recipient, clock=clock, settings=settings)
    taken = Taken()
    with _opened(source, password, stdin) as messages:
        for message in messages:
            try:
                _take(desk, message, taken)
            except OSError as error:
                taken.problems.append(f"{message.name}: {error.strerror or error}")
            except MailboxError as error:
                taken.problems.append(f"{message.name}: {error}")
                break
    return taken


@contextmanager
def _opened(source: str, password: str, stdin: BinaryIO) -> Iterator[Iterable[Waiting]]:
    if source == STDIN:
        yield from_stream(stdin, "standard input")
    elif source.startswith(("imaps://", "imap://")):
        with from_imap(source, password) as messages:
            yield messages
    elif Path(source).is_file():
        with Path(source).open("rb") as file:
            yield from_stream(file, source)
    elif Path(source).exists():
        yield from_maildir(Path(source))
    else:
        raise MailboxError(source, "there is nothing of this name", hint=_SOURCES)


def _take(desk: _Desk, message: Waiting, taken: Taken) -> None:
    with arriving(message.chunks(), desk.kept) as arrival:
        if arrival.empty:
            message.seen()
            taken.read, taken.empty = taken.read + 1, taken.empty + 1
            return
        report = _read(arrival, desk.recipient)
        written = _written(arrival, desk) if _by_somebody(report) else None
        with write(desk.engine) as connection:
            noted = _note(connection, report, arrival, desk, written)
        if noted.verdict.keep is not None:
            arrival.keep(desk.kept / noted.verdict.keep)
    message.seen()
    taken.read += 1
    taken.again += noted.again
    taken.settled += noted.settled
    if noted.reply is not None:
        _count(noted.reply, taken)
    if noted.verdict.keep is not None:
        taken.kept[noted.verdict.keep] += 1
    elif noted.reply is None and not noted.again:
        taken.kinds[noted.verdict.kind] += 1
    if noted.stopped is not None:
        taken.stopped.append(noted.stopped)


def _count(reply: replies.Reply, taken: Taken) -> None:
    if reply.became is not None:
        taken.replies[reply.became] += 1
        taken.asked += reply.asked
    elif reply.skip is not None:
        taken.skipped[reply.skip] += 1


def _by_somebody(report: Report) -> bool:
    """Whether a person may have written it, or a program in a person's place."""
    return report.source is None and not report.machine


def _written(arrival: Arrival, desk: _Desk) -> Written | None:
    """What a person wrote; None when replies are not taken in, or a poison letter finds a bug of ours: it is kept whole then."""
    if desk.settings is None:
        return None
    try:
        found = read_written(arrival.head, desk.recipient)
    except Exception:  # noqa: BLE001 - a poison letter of whatever kind
        _log.exception("This is a bug in digest; the message is kept as %s.eml", arrival.digest[:32])
        return None
    return replace(found, cut=found.cut or (arrival.whole is not None and not found.attachments))


def _read(arrival: Arrival, recipient: str) -> Report:
    try:
        return read_report(arrival.head, recipient)
    except Exception:  # noqa: BLE001 - a poison message of whatever kind
        # A message that finds a bug of ours must not stop those behind it; it is kept whole.
        _log.exception("This is a bug in digest; the message is kept as %s.eml", arrival.digest[:32])
        return Report(source=None, machine=True)


def _note(connection: Connection, report: Report, arrival: Arrival, desk: _Desk, written: Written | None) -> _Noted:
    """Everything that one message changes, in one transaction."""
    now = desk.clock()
    found = _identify(connection, report, desk.secrets, now)
    if written is not None and desk.settings is not None:
        return _reply(connection, written, found, desk.settings, now)
    if found.forged:
        return _Noted(verdict=Verdict(kind=BounceKind.UNKNOWN, keep=Folder.UNSIGNED))
    known = found.known
    verdict = judge(report, None if known is None else Whom(address=known.address, signed=found.signed))
    settled = known is not None and found.signed and evidence.prove(connection, known.message, who=EVIDENCE, now=now)
    if known is None or report.source is None or verdict.keep is not None:
        return _Noted(verdict=verdict, settled=settled)
    source = report.source if found.signed else BounceSource.GUESS
    row = Bounce(
        fingerprint=_fingerprint(source, known, verdict, report.identity or arrival.digest),
        message=known.message,
        employee=known.employee,
        kind=verdict.kind,
        source=source,
        status=verdict.status,
        text=verdict.text if known.employee is not None else "",  # it often repeats the address, which was to be forgotten
    )
    if not bounces.record(connection, row, now):
        return _Noted(verdict=verdict, again=True, settled=settled)
    return _Noted(verdict=verdict, settled=settled, stopped=_stop(connection, known, verdict, now))


def _reply(connection: Connection, written: Written, found: _Found, settings: replies.Settings, now: datetime) -> _Noted:
    """What somebody wrote. That they have the letter proves that it was sent."""
    known = found.known if found.signed else None
    settled = known is not None and evidence.prove(connection, known.message, who=EVIDENCE, now=now)
    message, person = (known.message, known.employee) if known is not None else (None, None)
    reply = replies.take(connection, written, settings, message=message, person=person, now=now)
    verdict = Verdict(kind=BounceKind.UNKNOWN, keep=Folder.REPLIES if reply.look else None)
    return _Noted(verdict=verdict, again=reply.again, settled=settled, reply=reply)


def _fingerprint(source: BounceSource, known: Known, verdict: Verdict, identity: str) -> str:
    """Of a guess one row per message and kind, so that a stranger's letters do not fill the table."""
    last = verdict.kind if source is BounceSource.GUESS else identity
    return hashlib.sha256(f"{source}:{known.message}:{last}".encode()).hexdigest()


def _stop(connection: Connection, known: Known, verdict: Verdict, now: datetime) -> tuple[str, SuppressionReason] | None:
    """Suppress whom the verdict stops, or three soft bounces; (address, why) when this stopped them."""
    if known.employee is None:
        return None
    if verdict.stop is not None and suppressions.stop(connection, known.employee, known.address, verdict.stop, now, who="a report"):
        return known.address, verdict.stop
    if verdict.kind is BounceKind.SOFT and bounces.count_soft(connection, known.employee, now):
        return known.address, SuppressionReason.SOFT_BOUNCE
    return None


def _identify(connection: Connection, report: Report, secrets: _Secrets, now: datetime) -> _Found:
    """By the address it came to, then by a Message-ID of ours in it, then by the addresses it speaks of."""
    returned = [found for address in report.recipients if (found := read_verp(address, secrets.verp, now)) is not None]
    number = next((found.message for found in returned if found.message is not None), None)
    if returned and number is None:
        return _Found(forged=True)
    if number is None:
        number = next((genuine for text in report.references if (genuine := _genuine(text, secrets)) is not None), None)
    if number is not None:
        known = bounces.by_message(connection, number)
        return _Found(known=known, signed=known is not None)
    named = [address for said in report.said for address in (said.original, said.final) if address]
    return _Found(known=bounces.by_addresses(connection, named) if named and report.source is not BounceSource.REPLY else None)


def _genuine(text: str, secrets: _Secrets) -> int | None:
    """The message whose Message-ID `text` is, when we made it."""
    period, number, _ = text.split(".")
    made = (reference(secret, period, int(number)) for secret in secrets.reference)
    return int(number) if any(hmac.compare_digest(text, one) for one in made) else None
