"""The head of a message, and the whole of it as it goes over the wire.

Values are scrubbed, encoded by RFC 2047 where they need it, folded, and checked; nothing here can be made to write a
header of its own (CVE-2024-6923 is about the standard library doing so). Made by hand because a Message object costs
milliseconds per employee.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import format_datetime
from functools import lru_cache

import ada_url

from digest.domain.envelope import Envelope
from digest.errors import DigestError
from digest.mail.fill import BOUNDARY

FOLD = 76  # where lines are folded; 998 is the limit (RFC 5322, 2.1.1)
_LIMIT = 998
_CHUNK = 45  # octets in one encoded word: 60 of base64 and 12 around it, within 75 (RFC 2047, section 2)
_DROPPED = {"Cc", "Cs", "Cn", "Zl", "Zp"}
_DIRECTIONS = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}  # would turn a name around
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_LOCAL = re.compile(r"[^\x00-\x20\x7f-\x9f\s\"(),:;<>@\[\\\]\u202a-\u202e\u2066-\u2069\ud800-\udfff]{1,64}")
_VALUE = re.compile(rb"[\x21-\x7e\x80-\xff][\x20-\x7e\x80-\xff]*(?:\r\n[ ][\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff][\x20-\x7e\x80-\xff]*)*")


class HeadError(DigestError):
    """A value cannot stand in a message's head."""

    summary = "cannot stand in the head of a message"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What is on the outside of one message."""

    to_name: str
    to_address: str
    subject: str
    date: datetime
    reference: str  # "2026-W48.17.<16 hex>": the Message-ID's local part and our own reference for bounces
    unsubscribe: str  # the https address that takes a one-click POST (RFC 8058, 3.1)


def scrub(text: str) -> str:
    """`text` on one line, without control characters, direction marks or the start of an encoded word."""
    if text.isascii() and text.isprintable() and "=?" not in text:
        return " ".join(text.split())
    kept = "".join(" " if c.isspace() else c for c in text if c.isspace() or not (c in _DIRECTIONS or unicodedata.category(c) in _DROPPED))
    return re.sub(r"=(?=\?)", "= ", " ".join(kept.split()))


@lru_cache(maxsize=4096)
def unstructured(text: str, taken: int) -> bytes:
    """A value such as a subject. `taken`: octets on its line before it."""
    clean = scrub(text)
    return _fold(clean.split(" "), taken) if _plain(clean) else _encoded_words(clean, taken)


def _plain(text: str) -> bool:
    """True for ASCII whose words fit a line; anything else goes as encoded words."""
    return text.isascii() and all(len(word) < FOLD - 1 for word in text.split(" "))


def _fold(words: Sequence[str], taken: int) -> bytes:
    lines, line = [], ""
    for word in words:
        if line and taken + len(line) + 1 + len(word) > FOLD:
            lines.append(line)
            line, taken = word, 1
        else:
            line = f"{line} {word}" if line else word
    return "\r\n ".join([*lines, line]).encode("ascii")


def _encoded_words(text: str, taken: int) -> bytes:
    """`text` as encoded words, each of whole characters; the white space between them is not part of the text."""
    chunks: list[bytearray] = [bytearray()]
    room = max(4, (FOLD - taken - len("=?utf-8?B??=")) // 4 * 3)
    for letter in text:
        raw = letter.encode()
        if len(chunks[-1]) + len(raw) > min(_CHUNK, room):
            chunks.append(bytearray())
            room = _CHUNK
        chunks[-1] += raw
    return b"\r\n ".join(b"=?utf-8?B?" + b64encode(bytes(chunk)) + b"?=" for chunk in chunks if chunk)


def needs_smtputf8(address: str) -> bool:
    """True when the address can only go to a server that offers SMTPUTF8 (RFC 6531): its local part is not ASCII."""
    return not address.rpartition("@")[0].isascii()


def wire_address(address: str) -> str:
    """`address` as the envelope and the head carry it, its domain in ASCII. Raises HeadError."""
    local, at, domain = address.rpartition("@")
    ascii_domain = _ascii_domain(domain)
    if not at or not _LOCAL.fullmatch(local) or not ascii_domain:
        raise HeadError(repr(address), "found no address", hint="Correct it in the roster and import it again.")
    return f"{local}@{ascii_domain}"


@lru_cache(maxsize=4096)
def _ascii_domain(domain: str) -> str:
    """The domain as DNS knows it, or "" when it is none."""
    found = domain if domain.isascii() else str(ada_url.idna_to_ascii(domain).decode())
    return found if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f.:IPv]+\]", found) else ""


def mailbox(name: str, address: str, taken: int) -> bytes:
    """`Name <address>`, or the address alone. A name with special characters is quoted or encoded. Raises HeadError."""
    place = f"<{wire_address(address)}>"
    clean = scrub(name)
    if not clean:
        return place[1:-1].encode()
    shown = _phrase(clean, taken)
    last = len(shown) - (shown.rfind(b"\n") + 1) + (0 if b"\n" in shown else taken)
    return shown + (b" " if last + 1 + len(place) <= FOLD else b"\r\n ") + place.encode()


def _phrase(clean: str, taken: int) -> bytes:
    if _plain(clean) and _ATOMS.fullmatch(clean):
        return _fold(clean.split(" "), taken)
    if _plain(clean) and len(clean) + 2 + taken <= FOLD and not set('"\\') & set(clean):
        return f'"{clean}"'.encode("ascii")
    return _encoded_words(clean, taken)


def feedback_sender(domain: str) -> str:
    """A sender's name of 5 to 15 letters and digits for Feedback-ID; the same for the same domain."""
    plain = re.sub(r"[^a-z0-9]", "", domain.lower())
    return (plain if len(plain) >= 5 else f"digest{plain}")[:15]  # noqa: PLR2004 - Gmail's own bounds


def constant_head(envelope: Envelope, period: str, language: str) -> bytes:
    """The fields that are the same in every message of an edition in one language. Raises HeadError."""
    reply_to = envelope.reply_to or envelope.from_address
    fields = {
        "From": mailbox(envelope.from_name, envelope.from_address, len("From: ")),
        "Reply-To": mailbox("", reply_to, len("Reply-To: ")),
        "List-Unsubscribe-Post": b"List-Unsubscribe=One-Click",
        "List-Id": _list_id(envelope),
        "Auto-Submitted": b"auto-generated",
        "X-Auto-Response-Suppress": b"DR, RN, NRN, OOF, AutoReply",  # not All, which would stop non-delivery reports
        "Precedence": b"bulk",
        "Feedback-ID": f"{period}:{language}:digest:{feedback_sender(envelope.message_id_domain)}".encode("ascii"),
        "MIME-Version": b"1.0",
        "Content-Type": f'multipart/alternative; boundary="{BOUNDARY}"'.encode("ascii"),
    }
    head = b"".join(_line(name, value) for name, value in fields.items())
    check_names(head, tuple(fields))
    return head


def _list_id(envelope: Envelope) -> bytes:
    name = _phrase(scrub(envelope.list_name), len("List-Id: ")) if scrub(envelope.list_name) else b""
    if not re.fullmatch(r"[A-Za-z0-9.-]+", envelope.list_id):
        raise HeadError(repr(envelope.list_id), "found no list id, allowed a domain such as digest.example.com")
    return name + (b"\r\n <" if len(name) + len(envelope.list_id) > FOLD - 12 else b" <" if name else b"<") + envelope.list_id.encode() + b">"


def _line(name: str, value: bytes) -> bytes:
    """One field. The last gate: nothing passes that could begin another field. Raises HeadError."""
    if not _VALUE.fullmatch(value):
        raise HeadError(name, f"found {value[:60]!r}, allowed one line of text")
    line = b"%s: %s\r\n" % (name.encode("ascii"), value)
    if len(line) > FOLD and max(map(len, line.split(b"\r\n"))) > _LIMIT:
        raise HeadError(name, f"found a line of {len(line)} octets, allowed {_LIMIT}")
    return line


def check_names(head: bytes, names: Sequence[str]) -> None:
    """Read `head` as a mail program would. Raises HeadError unless it finds exactly `names`, in order."""
    found = BytesHeaderParser(policy=compat32).parsebytes(head + b"\r\n")
    if tuple(found.keys()) != tuple(names) or found.defects or found.get_payload():
        raise HeadError("head", f"found the fields {found.keys()}, wanted {list(names)}")


@lru_cache(maxsize=1024)
def _subject_line(subject: str) -> bytes:
    return _line("Subject", unstructured(subject, len("Subject: ")) or b"=?utf-8?Q??=")


@lru_cache(maxsize=1024)
def _date_line(moment: datetime) -> bytes:
    return _line("Date", format_datetime(moment.astimezone(UTC)).encode("ascii"))


def variable_head(letter: Letter, domain: str) -> bytes:
    """The fields that differ from message to message. Raises HeadError."""
    reference = letter.reference.encode("ascii", "replace")
    return b"".join(
        (
            _line("To", mailbox(letter.to_name, letter.to_address, len("To: "))),
            _subject_line(letter.subject),
            _date_line(letter.date),
            _line("Message-ID", b"<%s@%s>" % (reference, domain.encode("ascii", "replace"))),
            _line("List-Unsubscribe", b"<%s>" % letter.unsubscribe.encode("ascii", "replace")),
            _line("X-Digest-ID", reference),
        ),
    )


def build(head: bytes, domain: str, letter: Letter, body: bytes) -> bytes:
    """A whole message for the wire: CRLF, no line begins with a dot, ends with CRLF, without the final dot.

    `head`: from `constant_head`. `body`: filled, under BOUNDARY. Raises HeadError.
    """
    return b"".join((variable_head(letter, domain), head, b"\r\n", body))
