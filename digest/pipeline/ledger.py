"""The ledger, for editors: who answers, the answer, the hard question, and what an edition prints. Nothing is closed without words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from digest.db import consents, editions, people, privacy, questions
from digest.domain.consent import Switch
from digest.domain.edition import EditionContent
from digest.domain.notice import Notice
from digest.domain.question import NEXT, WORDS, Question, QuestionKind, QuestionState, days_open, is_overdue, printable
from digest.errors import NotFoundError
from digest.mail.charsets import tidy
from digest.pipeline.entries import LedgerError, change, entered, find, place, printed_by, tell

_NAME = 120  # characters of an owner


@dataclass(frozen=True, kw_only=True)
class Hand:
    """Who does it, when, and to which version of the entry; None: to whatever it is now."""

    who: str
    now: datetime
    version: int | None = None


def add(  # noqa: PLR0913 - what there is to know of it, each by its name
    connection: Connection, text: str, kind: QuestionKind, language: str, *, hand: Hand, key: str, asker: str = "", asked: datetime | None = None
) -> Question:
    """Enter what somebody asked by word of mouth, now or at `asked`.

    `asker`: an address on the roster; "": nobody is told of the answer. Raises NotFoundError, or LedgerError without words.
    """
    said = _said(text, "what was asked", "ledger")
    person = people.by_address(connection, asker) if asker else None
    if asker and (person is None or person.left_at is not None):
        raise NotFoundError(asker, "nobody on the roster has this address", hint="Leave --asker out, or list them with `digest roster list`.")
    moment = asked or hand.now
    number = questions.put(connection, key=key, employee=person.id if person else None, kind=kind, text=said, language=language, now=moment)
    privacy.note(connection, "ledger.add", f"question:{number}", kind, who=hand.who, now=hand.now)
    return entered(connection, number, hand.now)


def assign(connection: Connection, number: int, owner: str, hand: Hand) -> Question:
    """Name who answers: a name or a role, or the address of somebody who agreed to be named. Raises LedgerError or NotFoundError."""
    one = find(connection, number, hand.version)
    name = _named(connection, number, owner)
    if one.state not in {QuestionState.OPEN, QuestionState.ANSWERED, QuestionState.CLOSED}:
        raise LedgerError(place(number), f"it is {one.state}", hint=_WHY_NOT.get(one.state, ""))
    changed = change(connection, one, {"owner": name}, "ledger.assign", name, who=hand.who, now=hand.now)
    if one.state is QuestionState.OPEN and name != one.owner:
        tell(connection, changed, Notice.OWNED, hand.now, quotes=((f"notice_said_{one.kind}", one.text),))
    return changed


_WHY_NOT = {
    QuestionState.UNCONFIRMED: "Whoever wrote it was asked by mail whether it is theirs; until they say yes nothing happens.",
    QuestionState.WITHDRAWN: "Whoever asked took it back.",
}


def _named(connection: Connection, number: int, owner: str) -> str:
    """The owner as the edition prints them."""
    name = " ".join(tidy(owner).split())
    if "@" in name:
        person = people.by_address(connection, name)
        if person is None:
            raise NotFoundError(name, "nobody on the roster has this address", hint="Write a name or a role, as the edition is to print it.")
        if not person.named:
            hint = 'Name a role instead, such as "Head of quality".'
            raise LedgerError(place(number), f"{name} has not agreed to be named, and the edition prints the owner", hint=hint)
        return person.name
    if not name or len(name) > _NAME:
        raise LedgerError(
            place(number), f"found {len(name)} letters as its owner, allowed 1 to {_NAME}", hint="Name who answers, as the edition prints it."
        )
    return name


def answer(connection: Connection, number: int, text: str, *, hand: Hand, owner: str = "", alone: bool = False) -> Question:
    """Answer it, for the next edition to print, or for the asker `alone`. Raises LedgerError without words, an owner, or against another's answer."""
    if owner:
        assign(connection, number, owner, hand)
    one = find(connection, number, None if owner else hand.version)
    to = QuestionState.CLOSED if alone else QuestionState.ANSWERED
    said = _said(text or (one.answer if alone else ""), "an answer", place(number))
    if to not in NEXT[one.state] and not (alone and one.state is QuestionState.CLOSED):
        raise LedgerError(place(number), f"it is {one.state}", hint=_WHY_NOT.get(one.state, ""))
    if one.answer and one.answer != said and hand.version is None:
        hint = f"Read it with `digest ledger show {number}`; to write over it, name what you read: --version {one.version}."
        raise LedgerError(place(number), "it has an answer already", hint=hint)
    if not one.owner:
        raise LedgerError(place(number), "nobody is named who answers", hint=f'Run `digest ledger assign {number} "NAME"` first, or give --owner.')
    if one.printed_in is not None and said != one.answer and printed_by(connection, one):
        raise LedgerError(place(number), f"{printed_by(connection, one)} prints its answer", hint="Enter what is new as a question of its own.")
    values = {"answer": said, "state": to, "answered_at": one.answered_at or hand.now}
    changed = change(connection, one, values, "ledger.close" if alone else "ledger.answer", "", who=hand.who, now=hand.now)
    if said != one.answer or to is not one.state:
        kind = Notice.ANSWERED_YOU if alone else Notice.ANSWERED
        tell(connection, changed, kind, hand.now, quotes=((f"notice_said_{one.kind}", one.text), ("notice_answer", said)))
    return changed


def hard(connection: Connection, number: int, *, hand: Hand, owner: str = "", on: bool = True) -> Question:
    """Make it the hard question that a named leader answers; the one before it that is not printed yet is none any more. Raises LedgerError."""
    if owner:
        assign(connection, number, owner, hand)
    one = find(connection, number, None if owner else hand.version)
    if on and not one.owner:
        hint = f'Run `digest ledger assign {number} "NAME"` first, or give --owner.'
        raise LedgerError(place(number), "nobody is named who answers, and a hard question is answered by a named leader", hint=hint)
    if one.state not in {QuestionState.OPEN, QuestionState.ANSWERED}:
        raise LedgerError(place(number), f"it is {one.state}", hint=_WHY_NOT.get(one.state, ""))
    waiting = [*questions.listed(connection, {QuestionState.OPEN}), *questions.unprinted(connection, 0)]
    for other in waiting if on else ():
        if other.hard and other.id != number:
            change(connection, other, {"hard": False}, "ledger.hard", "no more", who=hand.who, now=hand.now)
    return change(connection, one, {"hard": on}, "ledger.hard", "yes" if on else "no more", who=hand.who, now=hand.now)


def _said(text: str, what: str, subject: str) -> str:
    said = tidy(text).strip()
    if not said or len(said) > WORDS:
        hint = "Write it behind the number, or pipe it in with -." if subject != "ledger" else "Write it as one word in quotes, or pipe it in with -."
        raise LedgerError(subject, f"found {len(said):,} letters of {what}, allowed 1 to {WORDS:,}; nothing is closed without words", hint=hint)
    return said


def unowned(connection: Connection, now: datetime) -> list[str]:
    """A sentence for every open entry that the edition has to name and that nobody answers for."""
    waiting = questions.listed(connection, {QuestionState.OPEN})
    late = [one for one in waiting if not one.owner and is_overdue(one.asked_at.date(), now.date())]
    return [f"{place(one.id)}: open for {days_open(one.asked_at.date(), now.date())} days, and nobody answers for it" for one in late]


def merged(connection: Connection, content: EditionContent, edition_id: int, room: int) -> EditionContent:
    """`content` with what the table has to say beside the answers of the queue, which come first and take their room."""
    news = quotable(connection, questions.unprinted(connection, edition_id))
    waiting = quotable(connection, questions.listed(connection, {QuestionState.OPEN}))
    queued = content.answers
    more = printable(news, waiting, content.day, room=max(room - len(queued), 0), hard=not any(one.hard for one in queued))
    return replace(content, answers=tuple(sorted([*queued, *more], key=lambda one: (not one.hard, not one.answer))))


def quotable(connection: Connection, entries: Sequence[Question]) -> list[Question]:
    """`entries`, each with whether its asker allows to be quoted."""
    allowed = consents.allowed(connection, Switch.QUOTE, {one.employee for one in entries if one.employee is not None})
    return [replace(one, quoted=one.employee in allowed) for one in entries]


def unquoted(connection: Connection) -> list[str]:
    """A sentence for every answer that the next edition would print beside nobody's words."""
    bare = [one for one in quotable(connection, questions.unprinted(connection, 0)) if not one.printed_words]
    return [f"{place(one.id)}: its asker does not allow to be quoted, so the answer stands beside no question" for one in bare]


def reword(connection: Connection, number: int, text: str, hand: Hand, language: str = "") -> Question:
    """Say an entry in the editors' own words, which editions print in place of the asker's. Raises LedgerError without words.

    `language`: of these words; "": as the asker's.
    """
    one = find(connection, number, hand.version)
    said = _said(text, "a wording", place(number))
    if one.printed_in is not None and printed_by(connection, one):
        raise LedgerError(place(number), f"{printed_by(connection, one)} prints it", hint="Enter what is new as a question of its own.")
    return change(connection, one, {"wording": said, "language": language or one.language}, "ledger.reword", "", who=hand.who, now=hand.now)


def allowed_in(connection: Connection, content: EditionContent) -> EditionContent:
    """Frozen words without entries that were taken back since, and without the words of askers who do not allow to be quoted any more."""
    planned = [questions.get(connection, answer.entry) for answer in content.answers if answer.entry is not None]
    found = {one.id: one for one in quotable(connection, [one for one in planned if one is not None])}
    kept = []
    for answer in content.answers:
        now = found.get(answer.entry) if answer.entry is not None else None
        if answer.entry is not None and (now is None or now.state is QuestionState.WITHDRAWN):
            continue
        theirs = now is not None and answer.question == now.text and answer.question != now.printed_words
        kept.append(replace(answer, question="") if theirs else answer)
    return replace(content, answers=tuple(kept))


def note_printed(connection: Connection, edition_id: int) -> None:
    """Note which answers an edition shows, once it is approved."""
    content = allowed_in(connection, editions.content(connection, edition_id))
    shown = {one.entry for one in content.answers if one.entry is not None and one.answer}
    questions.printed(connection, edition_id, shown)
