"""Whether a letter that was compiled once and filled in is the one that its reader would get if it were rendered for them alone."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from itertools import zip_longest

from digest.mail.compile import Compiled
from digest.mail.fill import BOUNDARY, Fill, Filler, choices
from digest.mail.inline import inline
from digest.mail.templates import Job, render
from digest.mail.view import ReaderView

_HEAD = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n\r\n'.encode("ascii")
_SHOWN = 80  # characters of a difference


def difference(work: Job, compiled: Compiled, filler: Filler, reader: Fill) -> tuple[str, str] | None:
    """Template and words for the first place where the two ways differ; None when they agree."""
    chosen = choices(compiled, reader)
    slots = {"share": reader.share, "control": reader.control, "unsubscribe": reader.unsubscribe, "name": reader.name, "subject": ""}
    view = ReaderView(chosen)
    slow = render(replace(work, salt=""), (view, view), slots, chosen["minutes"])
    parsed = message_from_bytes(_HEAD + filler.fill(reader).body, policy=policy.default)
    pairs = (
        ("digest/body.txt", _lines(_part(parsed, "plain")), _lines(slow.text)),
        ("digest/body.html", _events(_part(parsed, "html")), _events(inline(slow.html))),
    )
    for name, quick, alone in pairs:
        for one, other in zip_longest(quick, alone, fillvalue="nothing"):
            if one != other:
                return name, f"found {_cropped(one)} where one reader alone has {_cropped(other)}: close every tag in the option that opens it"
    return None


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def _lines(text: str) -> list[str]:
    return text.rstrip("\n").split("\n")


def _cropped(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


class _Reader(HTMLParser):
    """A page as its tags and words, without white space that nobody sees."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(f"<{tag} {' '.join(f'{name}={value}' for name, value in sorted(attrs, key=str))}>")

    def handle_endtag(self, tag: str) -> None:
        self._add(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._text += data

    def _add(self, event: str) -> None:
        words = " ".join(self._text.split())
        self.found += [words, event] if words else [event]
        self._text = ""


def _events(html: str) -> list[str]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found
