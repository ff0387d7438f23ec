"""You asked, we answered: entries of the ledger, what may follow what, and which of them an edition shows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Final

from digest.domain.edition import FrozenAnswer

LONG: Final = timedelta(days=28)  # open for longer: the edition names it, with its owner
WORDS: Final = 5000  # characters of a question; what is longer is nobody's question


class QuestionKind(StrEnum):
    """What somebody wants of us."""

    QUESTION = "question"  # they want to know something
    SUGGESTION = "suggestion"  # they would do something differently, or say what they think
    OBJECTION = "objection"  # they hold that something is wrong


class QuestionState(StrEnum):
    """Where an entry of the ledger stands."""

    UNCONFIRMED = "unconfirmed"  # it came by a letter that anybody could have written in that name; the person has not said yes
    OPEN = "open"  # it waits for its answer, with an owner or without
    ANSWERED = "answered"  # it has its answer, which the next edition prints
    CLOSED = "closed"  # it has its answer, which went to the asker alone
    WITHDRAWN = "withdrawn"  # the asker took it back


NEXT: dict[QuestionState, frozenset[QuestionState]] = {
    QuestionState.UNCONFIRMED: frozenset({QuestionState.OPEN, QuestionState.WITHDRAWN}),
    QuestionState.OPEN: frozenset({QuestionState.ANSWERED, QuestionState.CLOSED, QuestionState.WITHDRAWN}),
    QuestionState.ANSWERED: frozenset({QuestionState.ANSWERED, QuestionState.CLOSED, QuestionState.WITHDRAWN}),
    QuestionState.CLOSED: frozenset({QuestionState.ANSWERED}),
    QuestionState.WITHDRAWN: frozenset(),
}


@dataclass(frozen=True, kw_only=True)
class Question:
    """An entry of the ledger."""

    id: int
    kind: QuestionKind
    state: QuestionState
    text: str
    language: str
    asked_at: datetime
    owner: str = ""  # who answers; "" while nobody does
    answer: str = ""
    answered_at: datetime | None = None
    hard: bool = False  # the hard question of a week
    printed_in: int | None = None  # the edition that showed its answer first
    employee: int | None = None  # who asked; never printed, nor listed
    edition: int | None = None  # the letter it came out of
    post: str = ""  # what it is about
    version: int = 1
    wording: str = ""  # the editors' own, which an edition prints instead of the asker's words
    spoken: bool = False  # an editor entered it, so its words are the editors' already
    quoted: bool = False  # the asker allows to be quoted

    @property
    def printed_words(self) -> str:
        """What an edition prints of it; "" while nobody's words may stand there."""
        return self.wording or (self.text if self.spoken or self.quoted else "")


def days_open(asked: date, today: date) -> int:
    """Whole days since the day it was asked."""
    return (today - asked).days


def is_overdue(asked: date, today: date) -> bool:
    """Whether it has been open for so long that the edition has to name it: on its 29th day, not on its 28th."""
    return today - asked > LONG


def unowned(entries: Iterable[Question], today: date) -> list[Question]:
    """Open entries that are overdue and that nobody answers for, the oldest first."""
    found = [one for one in entries if one.state is QuestionState.OPEN and not one.owner and is_overdue(one.asked_at.date(), today)]
    return sorted(found, key=lambda one: (one.asked_at, one.id))


def printable(news: Sequence[Question], waiting: Sequence[Question], day: date, *, room: int, hard: bool = True) -> tuple[FrozenAnswer, ...]:
    """What of the ledger an edition of `day` shows, in at most `room` entries.

    First the hard question, one at most and none unless `hard`; then new answers, those that were asked first; then what
    waits for too long, each with its owner. One that waits has a place whatever there is to answer, so that none hides.
    """
    hardest = [one for one in news if one.hard and one.owner][:1] if hard else []
    plain = [one for one in news if not one.hard and one.owner]
    late = [one for one in waiting if one.owner and is_overdue(one.asked_at.date(), day)]
    free = max(room - len(hardest), 0)
    kept = plain[: max(free - 1, 0) if late else free]
    return tuple(frozen(one, day) for one in [*hardest[:room], *kept, *late[: free - len(kept)]])


def frozen(one: Question, day: date) -> FrozenAnswer:
    """An entry as an edition prints it: never who asked."""
    end = day if one.answered_at is None else one.answered_at.date()
    days = max(0, days_open(one.asked_at.date(), end))
    return FrozenAnswer(question=one.printed_words, owner=one.owner, answer=one.answer, days=days, hard=one.hard, entry=one.id, language=one.language)


def answer_days(spans: Iterable[tuple[datetime, datetime]]) -> int | None:
    """Median days from asking to answering, whole days begun; None when nothing was answered."""
    seconds = [(answered - asked).total_seconds() for asked, answered in spans]
    return max(1, math.ceil(median(seconds) / timedelta(days=1).total_seconds())) if seconds else None
