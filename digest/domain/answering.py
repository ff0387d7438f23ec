"""Somebody answers a notice: whom their words are for. Never for the ledger, unless the notice was about nothing of theirs."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Final

import regex

from digest.domain.notice import Notice


class Way(StrEnum):
    """Where an answer to a notice goes."""

    COLLEAGUE = "colleague"  # to the colleague who wrote, and to nobody else
    MODERATORS = "moderators"  # to those who decide about the post, as a note on it
    ENTRY = "entry"  # beside the entry of the ledger, for whoever answers it
    WRITER = "writer"  # back to whoever wrote it, because it is for nobody here to read
    DIGEST = "digest"  # to the digest, as any mail


_WAYS: Final = {
    Notice.LETTER: Way.COLLEAGUE,
    Notice.WROTE: Way.WRITER,
    Notice.ANSWER_SENT: Way.WRITER,
    Notice.ANSWER_BACK: Way.WRITER,
    Notice.WITHDRAWN: Way.WRITER,
    Notice.PASSED: Way.WRITER,
    Notice.GIVEN: Way.WRITER,  # nobody decides about it yet
    Notice.KEPT_DRAFT: Way.WRITER,
    Notice.TRUSTED: Way.MODERATORS,
    Notice.NOT_TRUSTED: Way.MODERATORS,
}
_ABOUT: Final = {"contribution": Way.MODERATORS, "question": Way.ENTRY, "letter": Way.WRITER, "pass": Way.WRITER, "employee": Way.MODERATORS}


def way_of(kind: Notice, about: str) -> Way:
    """Where an answer to a notice of this kind goes. `about`: what the notice is about ("contribution:12:3")."""
    return _WAYS.get(kind) or _ABOUT.get(about.partition(":")[0], Way.DIGEST)


def number_of(about: str) -> int | None:
    """The number of what a notice is about."""
    number = about.split(":")[1:2]
    return int(number[0]) if number and number[0].isascii() and number[0].isdigit() else None


def gives_away(words: str, name: str, address: str) -> bool:
    """Whether `words` tell who wrote them: mail programs put names and addresses below what people type."""
    said = _plain(words)
    parts = {part for part in _WORD.findall(_plain(name)) if len(part) > 1}
    whole = " ".join(_plain(name).split())
    return address.casefold() in said or bool(parts & set(_WORD.findall(said))) or (bool(whole) and whole in " ".join(said.split()))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
