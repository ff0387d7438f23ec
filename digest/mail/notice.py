"""A notice as it goes over the wire: small, plain, without any link that is counted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any

from digest.domain.envelope import Envelope
from digest.mail import catalogue
from digest.mail.environment import render_file
from digest.mail.mime import wire_address

_ONE_ID = re.compile(r"<[!-;=?-~]{1,300}>", re.ASCII)  # what others wrote goes into a head only as one plain Message-ID
_LEADING_DOT = re.compile(rb"(?m)^\.")


@dataclass(frozen=True, kw_only=True)
class Content:
    """What the three texts are made of."""

    kind: str
    language: str
    site_name: str
    address: str  # the postal one
    link: str  # "" for none
    day: datetime
    values: Mapping[str, str] = field(default_factory=dict)  # fill the {places} of its words
    quotes: Sequence[tuple[str, str]] = ()  # (word of its heading or "", what people wrote)


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What its head is made of."""

    to_name: str
    to_address: str
    dated_at: datetime
    reference: str  # of the Message-ID
    answers: str = ""  # the Message-ID it answers, with its angle brackets


def wire(outside: Envelope, content: Content, head: Outside, site: Path | None = None) -> bytes:
    """The whole message: CRLF, no line begins with a dot, ends with CRLF, without the final dot. Raises TemplateError or HeadError."""
    words = catalogue.words(content.language)
    filled = {"name": content.site_name, "day": words.day(content.day.date(), "date_long"), **content.values}
    context: dict[str, Any] = {
        "words": words,
        "kind": content.kind,
        "site_name": content.site_name,
        "address": content.address,
        "link": content.link,
        "quotes": content.quotes,
        "filled": filled,
    }
    subject, text, html = (render_file(f"notice/{name}", context, site) for name in ("subject.txt", "body.txt", "body.html"))
    made = EmailMessage(policy=SMTP)
    made["From"] = _address(outside.from_name, outside.from_address)
    made["To"] = _address(head.to_name, wire_address(head.to_address))
    made["Reply-To"] = parseaddr(outside.reply_to)[1] or outside.from_address
    made["Subject"] = " ".join(subject.split())
    made["Date"] = format_datetime(head.dated_at)
    made["Message-ID"] = f"<{head.reference}@{outside.message_id_domain}>"
    if _ONE_ID.fullmatch(head.answers):
        made["In-Reply-To"] = head.answers
        made["References"] = head.answers
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "DR, RN, NRN, OOF, AutoReply"
    made["Content-Language"] = words.language
    made.set_content(text.strip() + "\n", cte="quoted-printable")
    made.add_alternative(html.strip() + "\n", subtype="html", cte="quoted-printable")
    return _LEADING_DOT.sub(b"=2E", made.as_bytes())


def _address(name: str, address: str) -> Address:
    return Address(" ".join(name.split()), addr_spec=address)
