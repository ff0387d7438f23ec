"""Somebody answers a notice by mail: their words go where the notice was from, and never into what an edition prints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from digest.db import contributions, notices, people, questions, replies
from digest.domain.answering import Way, number_of
from digest.domain.correspondence import Written, tidy
from digest.domain.moderation import Rules
from digest.domain.notice import Notice, Told
from digest.domain.reply import Becomes, Someone
from digest.mail import catalogue
from digest.pipeline import author

_QUOTED: Final = 1500  # characters of somebody's words in a letter about them
_KEY = 12  # letters of its key that tell one answer from another
_ADDRESS, _NAME, _PAGE = "notice_back_address", "notice_back_name", "notice_back_page"  # why words come back


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer to a notice. `mine`: it surely is from whoever the notice was for."""

    key: str
    words: str
    person: Someone
    mine: bool
    told: replies.Told


def take(connection: Connection, way: Way, answer: Answer, rules: Rules, limits: author.Limits, now: datetime) -> Becomes:
    """Bring it where it belongs, tell its writer, and say what became of it. What cannot go there goes back to them, whole."""
    if not answer.mine:
        return _back(connection, answer, _ADDRESS, now)
    if way is Way.COLLEAGUE:
        number = number_of(answer.told.about)
        done = author.answer_by_mail(connection, number or 0, answer.person.id, answer.words, limits, now, key=f"mail:{answer.key}")
        if done is Written.SENT:
            return Becomes.LETTER
        return _back(connection, answer, _NAME if done is Written.NAMED else _PAGE, now)
    subject = _subject(connection, way, answer.told)
    if subject is None:
        return _back(connection, answer, _PAGE, now)
    return _noted(connection, subject, way, answer, rules, now)


def stop_how(connection: Connection, person: Someone, now: datetime) -> Becomes:
    """They want no more letters: the way is mailed to them, because anybody can write in their name."""
    notices.put(connection, person.id, Notice.STOP_HOW, now)
    return Becomes.STOP


def _subject(connection: Connection, way: Way, told: replies.Told) -> str | None:
    """What a note is kept beside; None when there is no such thing any more."""
    number = number_of(told.about)
    if way is Way.ENTRY:
        return f"question:{number}" if number is not None and questions.get(connection, number) is not None else None
    if way is not Way.MODERATORS:
        return None
    if not told.about.startswith("contribution:"):
        return f"employee:{told.employee}"
    return f"contribution:{number}" if number is not None and contributions.get(connection, number) is not None else None


def _noted(connection: Connection, subject: str, way: Way, answer: Answer, rules: Rules, now: datetime) -> Becomes:
    words = tidy(answer.words)
    about = f"{subject}:{answer.key[:_KEY]}"
    replies.put_note(connection, subject, words, who="the asker" if way is Way.ENTRY else "by mail", now=now)
    notices.put(connection, answer.person.id, Notice.NOTED, now, about=about, told=Told(quotes=(("", _cut(words)),)))
    for address in rules.deciders if way is Way.MODERATORS else ():
        somebody = people.by_address(connection, address)
        if somebody is not None and somebody.id != answer.person.id:
            title = catalogue.words(somebody.language)(f"notice_{answer.told.kind}_subject")
            told = Told(values={"title": title, "what": _where(subject)}, quotes=(("", _cut(words)),))
            notices.put(connection, somebody.id, Notice.NOTE, now, about=about, told=told)
    return Becomes.NOTE


def _where(subject: str) -> str:
    """The command that shows what it is about."""
    what, _, number = subject.partition(":")
    return f"digest contributions show {number}" if what == "contribution" else "digest contributions list"


def _back(connection: Connection, answer: Answer, why: str, now: datetime) -> Becomes:
    """To whoever wrote it, at the address on the roster; nobody else reads it."""
    told = Told(quotes=((why, tidy(answer.words)),))
    notices.put(connection, answer.person.id, Notice.ANSWER_BACK, now, about=f"answer:{answer.key[:_KEY]}", told=told)
    return Becomes.BACK


def _cut(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED].rstrip()}…"
