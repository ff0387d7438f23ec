"""The log of `digest serve`: for people or for machines, and never a token, an address, a query or a referrer in it."""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Literal

from digest.domain.link import valid_token

Form = Literal["text", "json"]

_LINK = re.compile(r"/(?:r|s|l|u|w|me|give|v|a|pass)/[0-9a-z]{9,}[^\s\"'<>]*", re.IGNORECASE)
_QUERY = re.compile(r"(?<=[\w/])\?[^\s\"'<>]*=[^\s\"'<>]*")
_NAME = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_WORD = re.compile(r"\b[0-9a-z]{17}(?:[0-9a-z]{19})?\b", re.IGNORECASE)
_HOST = re.compile(r"(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})(?![\w.])", re.IGNORECASE)
_SIGNED = 36  # characters of an unsubscribe token


def discreet(text: str, *, hosts: bool = True) -> str:
    """`text` with what names a person, a link or a visitor taken out; where it stood can be seen. `hosts`: IP addresses too."""
    text = _LINK.sub(lambda found: f"{found[0][: found[0].index('/', 1)]}/...", text)
    text = _NAME.sub("...@...", _QUERY.sub("?...", text))
    text = _WORD.sub(_unspoken, text)
    return _HOST.sub(_hidden, text) if hosts else text


def _unspoken(found: re.Match[str]) -> str:
    word = found[0].lower()
    return "..." if len(word) == _SIGNED or valid_token(word) else found[0]


def _hidden(found: re.Match[str]) -> str:
    try:
        ipaddress.ip_address(found[0])
    except ValueError:
        return found[0]
    return "..."


class Discreet(logging.Formatter):
    """Lines for people; `hosts`: as for `discreet`."""

    def __init__(self, *, hosts: bool) -> None:
        super().__init__()
        self._hosts = hosts

    def format(self, record: logging.LogRecord) -> str:
        """One record, its trace below it."""
        message, trace = self._said(record)
        at = datetime.fromtimestamp(record.created, UTC)
        return "\n".join(filter(None, [f"{at:%Y-%m-%d %H:%M:%S} {record.levelname} {record.name}: {message}", trace]))

    def _said(self, record: logging.LogRecord) -> tuple[str, str]:
        trace = self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] is not None else ""
        return discreet(record.getMessage(), hosts=self._hosts), discreet(trace, hosts=self._hosts)


class Structured(Discreet):
    """One JSON object a line: at, level, logger, message, and trace where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as its line."""
        message, trace = self._said(record)
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        found = {"at": at, "level": record.levelname.lower(), "logger": record.name, "message": message}
        return json.dumps(found | ({"trace": trace} if trace else {}), ensure_ascii=False)


def speak(*, verbose: bool, form: Form, hosts: bool) -> None:
    """Log to standard error in `form`; `verbose` makes our own words heard, not those of the libraries beneath."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter((Structured if form == "json" else Discreet)(hosts=hosts))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("digest").setLevel(logging.INFO if verbose else logging.WARNING)
