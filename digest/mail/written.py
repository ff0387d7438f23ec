"""Reading what a person wrote to us: who says so, to whom, which letters it answers, and their own words. Bounded by `parts`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from urllib.parse import unquote_to_bytes

from digest.domain.reply import BODY, Written
from digest.mail.charsets import text_of, tidy
from digest.mail.parts import Fields, Part, decoded, first, parameter, parts
from digest.mail.quoted import bounded, own_words
from digest.mail.unmarked import unmarked

_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]@]{1,64}@[^\s<>,;:\"()\[\]@]{1,255}")
_NOTICE = re.compile(r"(?<![\w.])notice\.[0-9]{1,19}\.[0-9a-f]{16}(?=@)")
_LETTER = re.compile(r"<?(?:[0-9]{4}-W[0-9]{2}|notice)\.[0-9]{1,19}\.[0-9a-f]{16}@")  # a Message-ID as a digest makes it
_THREAD = ("in-reply-to", "references")
_AUTOMATIC = ("x-autoreply", "x-autorespond", "x-auto-reply-from", "x-autoresponse", "x-mail-autoreply", "x-amz-auto-reply")
_BULK = (
    "list-id",
    "list-unsubscribe",
    "list-post",
    "list-help",
    "x-auto-response-suppress",
    "feedback-id",
    "x-loop",
    "x-campaign-id",
    "x-mailer-recptid",
)
_OURS = ("x-digest-id",)
_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature", "text/x-vcard", "text/vcard"})
_NAMES = 5  # attachments that are named
_NAME = 80  # characters of a name
_SUBJECT = 200
_TEXTS = 10  # parts that are read; programs cut a text around its pictures


def read_written(data: bytes, recipient: str = "") -> Written:
    """Read a message of somebody. `data`: its beginning, all of it when it is small. `recipient`: the address it came to, if that is known."""
    head, _, found = parts(data)
    whole = tidy(_text(found))
    seen = bounded(whole[: 4 * BODY])
    words = own_words(seen)
    more = len(seen) < len(whole) and words.endswith(seen.rstrip().rpartition("\n")[2].strip())  # their own words go on behind it
    sender = _sender(head)
    return Written(
        sender=sender,
        identity=_identity(head, sender, whole),
        subject=_subject(head),
        to=tuple(_recipients(head, recipient)),
        notices=tuple(one for name in _THREAD for value in head.get(name, []) for one in _NOTICE.findall(value))[:_TEXTS],
        automatic=_automatic(head),
        bulk=_bulk(head),
        digest=any(name in head for name in _OURS) or _LETTER.match(first(head, "message-id").strip()) is not None,
        authentication=tuple(head.get("authentication-results", [])),
        words=words[:BODY],
        cut=len(words) > BODY or more,
        attachments=tuple(_attachments(found)),
    )


def _sender(head: Fields) -> str:
    """The one address in From, in small letters. Display names that look like addresses do not count."""
    values = head.get("from", [])
    if len(values) != 1:
        return ""
    angled = re.findall(r"<([^<>]*)>", values[0])
    found = {one.lower() for text in (angled or [values[0]]) for one in _ADDRESS.findall(text)}
    return found.pop() if len(found) == 1 else ""


def _identity(head: Fields, sender: str, whole: str) -> str:
    """Its Message-ID; of a letter without one what makes it itself. Another copy of it has other fields, but not other words."""
    own = first(head, "message-id").strip()
    if "@" in own or len(own) > _NAMES:
        return own[:998]
    seed = "\n".join([sender, first(head, "date"), first(head, "subject"), whole])
    return hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()


def _subject(head: Fields) -> str:
    return " ".join(tidy(_decoded_words(first(head, "subject"))).split())[:_SUBJECT]


def _decoded_words(value: str) -> str:
    """Encoded words read (RFC 2047)."""
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError, AssertionError):
        return value


def _recipients(head: Fields, recipient: str) -> Iterator[str]:
    if recipient:
        yield recipient.lower()
    for name in ("x-original-to", "delivered-to", "envelope-to", "x-delivered-to", "to", "cc"):
        for value in head.get(name, []):
            yield from (address.lower() for address in _ADDRESS.findall(value))


def _automatic(head: Fields) -> bool:
    """What says of itself that a machine wrote it: RFC 3834, 5, and its forerunners; RFC 5321, 4.5.5: an empty return path."""
    word = first(head, "auto-submitted").partition(";")[0].strip().lower()
    return (
        word not in {"", "no"}
        or any(name in head for name in _AUTOMATIC)
        or first(head, "precedence").strip().lower() in {"auto_reply", "auto-reply"}
        or first(head, "return-path").strip() == "<>"
    )


def _bulk(head: Fields) -> bool:
    return any(name in head for name in _BULK) or first(head, "precedence").strip().lower() in _PRECEDENCE


def _text(found: list[Part]) -> str:
    """The message as text: its plain parts, or those of HTML when these say nothing."""
    shown = [part for part in found if not _attached(part)]
    plain = "\n".join(_plain(part) for part in shown if part.kind == "text/plain")[: 8 * BODY]
    if plain.strip():
        return plain
    return "\n".join(unmarked(tidy(_charset(part))) for part in [one for one in shown if one.kind == "text/html"][:_TEXTS])


def _charset(part: Part) -> str:
    return text_of(decoded(part), parameter(first(part.fields, "content-type"), "charset"))


def _plain(part: Part) -> str:
    said = first(part.fields, "content-type")
    text = _charset(part)
    if parameter(said, "format").lower() != "flowed":
        return text
    return _unflowed(text, joint="" if parameter(said, "delsp").lower() == "yes" else " ")


def _unflowed(text: str, *, joint: str) -> str:
    """Paragraphs that were folded, each on one line again (RFC 3676, 4)."""
    lines: list[str] = []
    open_ = False
    for raw in text.replace("\r\n", "\n").split("\n"):
        line = raw.removeprefix(" ")
        quoted = line.startswith(">")
        if open_ and lines and not quoted:
            lines[-1] = f"{lines[-1]}{joint}{line}"
        else:
            lines.append(line)
        open_ = line.endswith(" ") and line != "-- " and not quoted
        if open_:
            lines[-1] = lines[-1].rstrip(" ")
    return "\n".join(lines)


def _attached(part: Part) -> bool:
    """Whether it is a file that came along. Pictures inside the text, as signatures have them, are none of their own."""
    disposition = first(part.fields, "content-disposition").partition(";")[0].strip().lower()
    if disposition == "attachment":
        return True
    return part.kind not in {"text/plain", "text/html"} and not part.kind.startswith("multipart/") and "content-id" not in part.fields


def _attachments(found: list[Part]) -> Iterator[str]:
    files = [part for part in found if _attached(part) and part.kind not in _SIGNATURES]
    for part in files[:_NAMES]:
        yield " ".join(tidy(_name(part)).split())[:_NAME] or part.kind


def _name(part: Part) -> str:
    """A file's name, however it is written (RFC 2231, RFC 2047)."""
    for field, name in (("content-disposition", "filename"), ("content-type", "name")):
        value = first(part.fields, field)
        extended = parameter(value, rf"{name}\*(?:0\*)?")
        if extended.count("'") >= 2:  # noqa: PLR2004 - charset'language'name
            charset, _, rest = extended.split("'", 2)
            return text_of(unquote_to_bytes(rest), charset)
        plain = parameter(value, name)
        if plain:
            return _decoded_words(plain)
    return ""
