"""Letters between colleagues: what one may say, and how it is signed. Addresses are shown to nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import regex

LONGEST = 3000  # characters that people see
KEPT_DAYS = 90  # then a letter is forgotten; the link to answer it ended long before


class Written(StrEnum):
    """What became of words that were sent off."""

    SENT = "sent"  # they are on their way
    HELD = "held"  # a machine seems to have written them: they wait for the yes of the letter's owner
    EMPTY = "empty"  # there were none
    LONG = "long"  # more than a letter may hold
    ENOUGH = "enough"  # the writer has sent as many as one may in a day
    MANY = "many"  # the other has had as many as one gets in a day
    NAMED = "named"  # they came by mail with the writer's name or address in them, which nobody allowed to be shown
    OVER = "over"  # the letter cannot be answered any more
    UNREACHABLE = "unreachable"  # the other has left, or takes no mail from us


@dataclass(frozen=True, kw_only=True)
class Correspondence:
    """One letter from one colleague to another."""

    id: int
    post_id: str
    from_id: int
    to_id: int
    answers: int | None
    text: str  # with the writer's name below it where they gave it
    at: datetime
    verdict: str  # human | machine | held | disowned | reported


def tidy(text: str) -> str:
    """Words as they are kept: line breaks as everywhere, nothing that turns or hides letters, no more than one empty line at a time."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    seen = regex.sub(r"[\p{Cc}--[\n\t]]|[\u202a-\u202e\u2066-\u2069]", "", plain, flags=regex.V1)
    return str(regex.sub(r"\n{3,}", "\n\n", seen)).strip()


def problem(text: str) -> Written | None:
    """What is wrong with tidied words, or None."""
    if not text:
        return Written.EMPTY
    return Written.LONG if len(regex.findall(r"\X", text)) > LONGEST else None


def signed(text: str, name: str) -> str:
    """The words with the writer's name below them, where there is one."""
    return f"{text}\n\n{' '.join(name.split())}" if name else text
