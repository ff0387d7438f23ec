"""Reading one inbound message: delivery report, complaint, automatic answer, or none of these.

Only fields count, never prose: "5.1.1" in somebody's text is not a bounce. Time and memory are bounded by `parts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header

from digest.domain.bounce import BounceSource, Report, Said
from digest.domain.lines import one_line
from digest.mail.guess import guess
from digest.mail.parts import Fields, Part, decoded, first, parts, read_fields

_RECIPIENTS = ("x-original-to", "delivered-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-rcpt-to", "to", "cc")
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]]{1,256}@[A-Za-z0-9.-]{1,255}")
_FOR = re.compile(r"\bfor\s+<?([^\s<>;]{1,256}@[^\s<>;]{1,255})")
_REFERENCE = re.compile(rb"(?<![0-9])[0-9]{4}-W[0-9]{2}\.[0-9]{1,19}\.[0-9a-f]{16}(?![0-9a-f])")
_STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_DAEMON = re.compile(r"mailer-?daemon|mdaemon|postmaster|mail[ ._-]?delivery|delivery[ ._-]subsystem|system administrator", re.IGNORECASE)
_SUBJECT = re.compile(
    r"undeliver|returned (?:mail|to sender)|delivery (?:fail|status|notif|report|problem|warning)|(?:failed|delayed) mail|failure (?:notice|delivery)"
    r"|mail (?:error|system error|not delivered|failed|delivery)|could not be delivered|non-?delivery|message delayed|message delivery fail",
    re.IGNORECASE,
)
_AUTOMATIC = ("x-autoreply", "x-autorespond", "x-auto-reply-from")
_MOST_SAID = 50
_MOST_REFERENCES = 20
_MOST_RECIPIENTS = 100


def read_report(data: bytes, recipient: str = "") -> Report:
    """What a message is. `data`: its beginning, all of it when it is small. `recipient`: the address it came to, if that is known."""
    head, kind, found = parts(data)
    source, said, feedback = _standard(head, kind, found)
    machine = _is_machine(head, kind)
    if source is None and machine:
        said = guess(data)
        source = BounceSource.GUESS if said else None
    return Report(
        source=source,
        said=said,
        feedback=feedback,
        recipients=tuple(_recipients(head, recipient)),
        references=tuple(_references(data, found)),
        machine=machine,
        identity=first(head, "message-id")[:200],
    )


def _standard(head: Fields, kind: str, found: list[Part]) -> tuple[BounceSource | None, tuple[Said, ...], str]:
    """What the message is by the standards: its source, the recipients it speaks of, its type of feedback."""
    said = [one for part in found if part.kind in _STATUS for one in _said(part)][:_MOST_SAID]
    if said:
        return BounceSource.DSN, tuple(said), ""
    for part in found:
        if part.kind == "message/feedback-report":
            return BounceSource.ARF, *_complaint(part)
    receipts = [one for part in found if part.kind == "message/disposition-notification" for one in _said(part)]  # RFC 8098
    if receipts or (_is_automatic(head) and not _from_daemon(head, kind)):
        return BounceSource.REPLY, tuple(receipts[:_MOST_SAID]), ""
    return None, (), ""


def _said(part: Part) -> Iterator[Said]:
    """Every recipient of a delivery report; a group of fields for each (RFC 3464, 2.3), or several in one by careless systems."""
    for group in _groups(decoded(part)):
        finals = group.get("final-recipient", []) or group.get("original-recipient", [])
        for number in range(len(finals)):
            yield Said(
                final=_recipient(_nth(group, "final-recipient", number)),
                original=_recipient(_nth(group, "original-recipient", number)),
                action=_action(_nth(group, "action", number)),
                status=_nth(group, "status", number).partition("(")[0].strip()[:20],
                diagnostic=_diagnostic(_nth(group, "diagnostic-code", number)),
            )


def _groups(raw: bytes) -> Iterator[dict[str, list[str]]]:
    for block in re.split(rb"\r?\n(?:[ \t]*\r?\n)+", raw.strip()):
        yield read_fields(iter(block.splitlines()))


def _nth(group: dict[str, list[str]], name: str, number: int) -> str:
    values = group.get(name, [])
    return values[min(number, len(values) - 1)] if values else ""


def _recipient(value: str) -> str:
    """The address in "rfc822; <ana@example.org>", in lower case, or ""."""
    found = _ADDRESS.search(value.rpartition(";")[2])
    return found[0].lower() if found else ""


def _action(value: str) -> str:
    word = value.strip().lower().partition(" ")[0]
    return "failed" if word.startswith("fail") else word[:20]


def _complaint(part: Part) -> tuple[tuple[Said, ...], str]:
    fields = read_fields(iter(decoded(part).lstrip().splitlines()))
    addresses = [_recipient(value) for name in ("original-rcpt-to", "removal-recipient") for value in fields.get(name, [])]
    return tuple(Said(original=address) for address in addresses if address)[:_MOST_SAID], first(fields, "feedback-type").strip().lower()[:40]


def _is_machine(head: Fields, kind: str) -> bool:
    """True when a mail system seems to have written it."""
    if _is_automatic(head) and not _from_daemon(head, kind):
        return False
    return "from" not in head or _from_daemon(head, kind) or _SUBJECT.search(_words(first(head, "subject"))) is not None


def _words(value: str) -> str:
    """A subject as people read it (RFC 2047)."""
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def _from_daemon(head: Fields, kind: str) -> bool:
    sender = first(head, "from")
    returned = first(head, "return-path").strip()
    nobody = returned in {"<>", "<MAILER-DAEMON>"} and not _is_automatic(head)  # absence notices have no return path either
    return "<>" in sender or _DAEMON.search(sender) is not None or "x-failed-recipients" in head or kind == "multipart/report" or nobody


def _is_automatic(head: Fields) -> bool:
    """True for automatic answers (RFC 3834, 5) and those older than it."""
    word = first(head, "auto-submitted").strip().lower().partition(";")[0].partition(" ")[0]
    return word not in {"", "no"} or first(head, "precedence").strip().lower() == "auto_reply" or any(name in head for name in _AUTOMATIC)


def _recipients(head: Fields, recipient: str) -> Iterable[str]:
    """Every address it may have come to, the surest first."""
    found = [recipient] if recipient else []
    for name in _RECIPIENTS:
        found += [address for value in head.get(name, []) for address in _ADDRESS.findall(value)]
    found += [match[1] for value in head.get("received", []) for match in _FOR.finditer(value)]
    return list(dict.fromkeys(found))[:_MOST_RECIPIENTS]


def _references(data: bytes, found: list[Part]) -> Iterable[str]:
    """What looks like a Message-ID of ours, anywhere; parts that are encoded are looked at decoded as well."""
    texts = [data, *(decoded(part) for part in found if "content-transfer-encoding" in part.fields)]
    matches = (match[0].decode("ascii") for text in texts for match in _REFERENCE.finditer(text))
    unique: dict[str, None] = {}
    for one in matches:
        unique[one] = None
        if len(unique) >= _MOST_REFERENCES:
            break
    return list(unique)


def _diagnostic(text: str) -> str:
    return one_line(text.removeprefix("smtp;"))[:500]
