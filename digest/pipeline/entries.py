"""Entries of the ledger and whoever asked: told of each step, named in none, free to say what it is and to take it back.

Every change is made to the version that was read: of two at once the second is told so, and nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from digest.db import capabilities, editions, notices, privacy, questions
from digest.domain.capability import Purpose
from digest.domain.notice import Notice, Told
from digest.domain.question import NEXT, Question, QuestionKind, QuestionState
from digest.errors import DigestError, NotFoundError

PATH = "entry"  # of the page behind the link of a notice
WAITING = frozenset({QuestionState.UNCONFIRMED, QuestionState.OPEN})  # what it is may still be said
_QUOTED = 1500  # characters of somebody's words in a letter about them
_ASKER = "the asker"


class LedgerError(DigestError):
    """An entry of the ledger stays as it is."""

    summary = "it stays as it is"


def find(connection: Connection, number: int, version: int | None = None) -> Question:
    """An entry as it is now. Raises NotFoundError, or LedgerError when it is not `version` any more."""
    found = questions.get(connection, number)
    if found is None:
        raise NotFoundError(place(number), "the ledger has no such entry", hint="List them with `digest ledger list --all`.")
    if version is not None and version != found.version:
        raise _overtaken(number)
    return found


def place(number: int) -> str:
    """How an error names it."""
    return f"ledger entry {number}"


def _overtaken(number: int) -> LedgerError:
    hint = f"Read it again with `digest ledger show {number}`; it names the version to give with --version."
    return LedgerError(place(number), "somebody changed it meanwhile", hint=hint)


def entered(connection: Connection, number: int, now: datetime, *, files: Collection[str] = ()) -> Question:
    """Tell the asker what their words were taken for, or ask whether they are theirs. `files`: names of those that came along."""
    one = find(connection, number)
    kind = Notice.WAS_YOU if one.state is QuestionState.UNCONFIRMED else Notice.ENTERED
    more = (("notice_not_kept", "\n".join(files)),) if files else ()
    tell(connection, one, kind, now, quotes=((f"notice_said_{one.kind}", one.text), *more))
    return one


def confirm(connection: Connection, one: Question, now: datetime, *, how: str) -> Question:
    """The person says that it is theirs."""
    if one.state is not QuestionState.UNCONFIRMED:
        return one
    return change(connection, one, {"state": QuestionState.OPEN}, "ledger.confirm", how, who=_ASKER, now=now)


def recall(connection: Connection, one: Question, now: datetime, *, how: str) -> Question:
    """The person takes it back, or says that it is not theirs; what an edition printed stays printed."""
    if QuestionState.WITHDRAWN not in NEXT[one.state] or printed_by(connection, one):
        return one
    return change(connection, one, {"state": QuestionState.WITHDRAWN}, "ledger.withdraw", how, who=_ASKER, now=now)


def retake(connection: Connection, one: Question, kind: QuestionKind, now: datetime, *, how: str) -> Question:
    """The person says what it is instead."""
    if one.state not in WAITING or kind is one.kind:
        return one
    return change(connection, one, {"kind": kind}, "ledger.kind", f"{kind}; {how}", who=_ASKER, now=now)


def printed_by(connection: Connection, one: Question) -> str:
    """The edition that shows its answer, "" for one that never went out."""
    if one.printed_in is None or any(new.id == one.id for new in questions.unprinted(connection, 0)):
        return ""
    return editions.by_id(connection, one.printed_in).period


def change(connection: Connection, one: Question, values: dict[str, Any], what: str, detail: str, *, who: str, now: datetime) -> Question:
    """Change it and note who did. Raises LedgerError when somebody was first."""
    if not questions.change(connection, one, values):
        raise _overtaken(one.id)
    privacy.note(connection, what, f"question:{one.id}", detail, who=who, now=now)
    return find(connection, one.id)


def tell(connection: Connection, one: Question, kind: Notice, now: datetime, *, quotes: tuple[tuple[str, str], ...]) -> None:
    """A notice to the asker, with the link to their entry; nobody for an entry without one."""
    if one.employee is None:
        return
    told = Told(
        values={"owner": one.owner},
        quotes=tuple((heading, _cut(text)) for heading, text in quotes),
        path=PATH,
        purpose=Purpose.ENTRY,
        subject=one.id,
    )
    if notices.put(connection, one.employee, kind, now, about=f"question:{one.id}:{one.version}", told=told):
        capabilities.make(connection, one.employee, Purpose.ENTRY, now, subject=one.id)


def _cut(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED].rstrip()}…"
