"""The ledger for editors to look at: entries without who asked, and how well questions are answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from digest.db import editions, questions, replies
from digest.db.session import read
from digest.domain.question import LONG, Question, QuestionState, answer_days, days_open, is_overdue
from digest.domain.words import shorten
from digest.pipeline.entries import find, printed_by
from digest.pipeline.ledger import quotable

_UNQUOTED = 'The asker does not allow to be quoted: `digest ledger reword {number} "..."` gives the edition words of yours.'
_LINE = 80  # characters of the words in a list


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An entry for editors, without who asked."""

    one: Question
    days: int  # from asking to answering, or until today
    overdue: bool
    edition: str  # the week of the letter it came out of, or ""
    printed: str  # the edition that shows its answer, or ""
    notes: tuple[tuple[datetime, str], ...] = ()  # what the asker wrote about it later; never printed

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        names = ("kind", "state", "text", "wording", "language", "post", "owner", "answer", "asked_at", "answered_at", "hard", "version")
        plain = {name: getattr(self.one, name) for name in names}
        more = {"days": self.days, "overdue": self.overdue, "edition": self.edition, "printed_in": self.printed}
        notes = [{"at": at, "text": text} for at, text in self.notes]
        return {"number": self.one.id, **plain, **more, "notes": notes}

    def line(self) -> str:
        """One line for people."""
        one = self.one
        marks = [f"{one.kind}, {one.state}", f"{self.days} day{'s' * (self.days != 1)}", *(["hard"] if one.hard else [])]
        marks += [f"{one.owner} answers" if one.state is QuestionState.OPEN else one.owner] if one.owner else ["nobody answers"]
        marks += ["overdue"] if self.overdue else []
        marks += [f"printed in {self.printed}"] if self.printed else []
        marks += [f"{len(self.notes)} note{'s' * (len(self.notes) != 1)}"] if self.notes else []
        return f"{one.id}  {shorten(' '.join(one.text.split()), _LINE)}  ({'; '.join(marks)})"

    def sentence(self) -> str:
        """All of it, for people."""
        one = self.one
        asked = f"Asked {one.asked_at:%Y-%m-%d}" + (f", out of the letter of {self.edition}" if self.edition else "")
        about = f", about the post {one.post}" if one.post else ""
        answered = ["", f"{one.owner} answered {one.answered_at:%Y-%m-%d}:", "", one.answer] if one.answered_at is not None else []
        printed = ["", f"Printed as: {one.printed_words}" if one.printed_words else _UNQUOTED.format(number=one.id)]
        notes = [line for at, text in self.notes for line in ("", f"The asker wrote {at:%Y-%m-%d}, for whoever answers and never printed:", "", text)]
        return "\n".join([self.line(), f"{asked}{about}. Version {one.version}.", "", one.text, *printed, *answered, *notes])


def listed(engine: Engine, *, everything: bool, now: datetime) -> list[Shown]:
    """What waits for an owner, an answer or an edition; `everything`: all there is."""
    with read(engine) as connection:
        found = questions.listed(connection, set(QuestionState) if everything else {QuestionState.OPEN, QuestionState.ANSWERED})
        shown = [_shown(connection, one, now) for one in found]
    return [one for one in shown if everything or not one.printed]


def shown(engine: Engine, number: int, *, now: datetime) -> Shown:
    """One entry. Raises NotFoundError."""
    with read(engine) as connection:
        return _shown(connection, find(connection, number), now)


def _shown(connection: Connection, one: Question, now: datetime) -> Shown:
    asked, end = one.asked_at.date(), (one.answered_at or now).date()
    overdue = one.state is QuestionState.OPEN and is_overdue(asked, now.date())
    period = "" if one.edition is None else editions.by_id(connection, one.edition).period
    [one] = quotable(connection, [one])
    notes = tuple(replies.notes(connection, f"question:{one.id}"))
    days = max(0, days_open(asked, end))
    return Shown(one=one, days=days, overdue=overdue, edition=period, printed=printed_by(connection, one), notes=notes)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How well questions are answered."""

    answered: int  # in the last four weeks
    median_days: int | None  # from asking to answering; None: nothing was answered
    open: int
    overdue: int
    unowned: int  # of those that are overdue

    def sentence(self) -> str:
        """For people."""
        took = f", half of them within {self.median_days} day{'s' * (self.median_days != 1)}" if self.median_days is not None else ""
        late = f", {self.overdue:,} of them for more than four weeks" if self.overdue else ""
        return f"Questions answered in four weeks: {self.answered:,}{took}. Open: {self.open:,}{late}."


def standing(connection: Connection, now: datetime) -> Standing:
    """The figures of the ledger as of `now`."""
    spans = questions.spans(connection, now - LONG)
    waiting = questions.listed(connection, {QuestionState.OPEN})
    late = [one for one in waiting if is_overdue(one.asked_at.date(), now.date())]
    return Standing(
        answered=len(spans), median_days=answer_days(spans), open=len(waiting), overdue=len(late), unowned=sum(not one.owner for one in late)
    )
