"""Letters between colleagues: to the author of a post and back again, each by a notice with a link that works once."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from digest.db import capabilities, correspondences, editions, notices, people, privacy, quotas, suppressions
from digest.db.control import Holder
from digest.db.session import read, write
from digest.domain.answering import gives_away
from digest.domain.capability import Purpose
from digest.domain.correspondence import Correspondence, Written, problem, signed, tidy
from digest.domain.edition import EditionPost
from digest.domain.employee import Employee
from digest.domain.notice import Notice, Told

_WRITE, _GET = "write", "get"  # turns a day
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many letters a day; see `[colleagues]`."""

    letters: int = 5
    received: int = 20


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What came in a form: `key` tells the same form sent twice."""

    text: str
    named: bool
    key: str
    machine: bool = False


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A letter behind a link that still works, and the title of what it is about."""

    letter: Correspondence
    title: str
    language: str  # of whoever holds the link
    named: bool  # whether their name may stand by default


def own(employee: int, post: EditionPost) -> bool:
    """Whether a letter's owner signed this post by name.

    Of a post without a name it stays unsaid: whoever has somebody's letter would learn whose it is.
    """
    return bool(post.author) and post.author_id == employee


def reachable(engine: Engine, post: EditionPost, now: datetime) -> bool:
    """Whether the author of a post can be written to."""
    with read(engine) as connection:
        return _author(connection, post.author_id, now) is not None


def named(engine: Engine, holder: Holder) -> bool:
    """Whether the holder of a letter lets their name be shown."""
    with read(engine) as connection:
        found = people.by_ids(connection, [holder.employee]).get(holder.employee)
    return found is not None and found.named


def write_to_author(engine: Engine, holder: Holder, post: EditionPost, typed: Typed, limits: Limits, now: datetime) -> Written:
    """Send words to the author of a post, and a receipt to the holder of the letter that they came from."""
    text = tidy(typed.text)
    if wrong := problem(text):
        return wrong
    with write(engine) as connection:
        author = _author(connection, post.author_id, now)
        writer = people.by_ids(connection, [holder.employee]).get(holder.employee)
        if author is None or writer is None:
            return Written.UNREACHABLE
        number, done = _send(connection, typed, text, (post.id, None), (writer, author), limits, now)
        if number is not None:
            receipt = Told(values={"title": post.title}, quotes=(("", text),), path="disown", purpose=Purpose.DISOWN, subject=number)
            capabilities.make(connection, writer.id, Purpose.DISOWN, now, subject=number)
            notices.put(connection, writer.id, Notice.WROTE, now, about=f"letter:{number}", told=receipt)
        return done


def open_letter(engine: Engine, token: str, purpose: Purpose, now: datetime) -> Opened | None:
    """The letter that a link is about; None when the link is used, over, none of ours, or the letter was taken back."""
    with read(engine) as connection:
        found = _opened(connection, token, purpose, now)
        return None if found is None else found[0]


def answer(engine: Engine, token: str, typed: Typed, limits: Limits, now: datetime) -> Written | None:
    """Answer a letter; None when its link leads nowhere any more."""
    text = tidy(typed.text)
    if wrong := problem(text):
        return wrong
    with write(engine) as connection:
        found = _opened(connection, token, Purpose.ANSWER, now)
        if found is None:
            return None
        return _answered(connection, token, found, typed, text, limits, now)[0]


def answer_by_mail(connection: Connection, number: int, me: int, text: str, limits: Limits, now: datetime, *, key: str) -> Written:
    """Answer letter `number` by mail, as its link would, once and without a name; whoever answers gets a copy with "that was not me"."""
    letter = correspondences.by_id(connection, number)
    if letter is None or letter.to_id != me:
        return Written.OVER
    token = capabilities.newest(connection, me, Purpose.ANSWER, number)  # a letter may have been held before it went out
    found = _opened(connection, token, Purpose.ANSWER, now)
    if found is None:
        return Written.OVER
    text = tidy(text)
    if wrong := problem(text):
        return wrong
    if gives_away(text, found[1].name, found[1].address):
        return Written.NAMED
    done, copy = _answered(connection, token, found, Typed(text=text, named=False, key=key), text, limits, now)
    if copy is not None:
        receipt = Told(values={"title": found[0].title}, quotes=(("", text),), path="disown", purpose=Purpose.DISOWN, subject=copy)
        capabilities.make(connection, me, Purpose.DISOWN, now, subject=copy)
        notices.put(connection, me, Notice.ANSWER_SENT, now, about=f"letter:{copy}", told=receipt)
    return done


def _answered(
    connection: Connection, token: str, found: tuple[Opened, Employee], typed: Typed, text: str, limits: Limits, now: datetime
) -> tuple[Written, int | None]:
    letter, me = found[0].letter, found[1]
    other = _author(connection, letter.from_id, now)
    if other is None:
        return Written.UNREACHABLE, None
    number, done = _send(connection, typed, text, (letter.post_id, letter.id), (me, other), limits, now)
    if number is not None:
        capabilities.use(connection, token, Purpose.ANSWER, now)
    return done, number


def report(engine: Engine, token: str, now: datetime, *, machine: bool = False) -> bool:
    """End an exchange that somebody does not want, and note it for the operator; False when its link leads nowhere any more.

    What a machine pressed is noted as such and ends nothing.
    """
    with write(engine) as connection:
        found = _opened(connection, token, Purpose.ANSWER, now)
        if found is None or not (machine or capabilities.use(connection, token, Purpose.ANSWER, now)):
            return False
        letter = found[0].letter
        if not machine:
            correspondences.end(connection, letter.id, "reported")
        privacy.note(connection, "letter.reported", f"employee:{letter.from_id}", _told(letter, machine=machine), who="their reader", now=now)
    _log.warning("letter %d between colleagues was reported by whoever got it; see docs/two-way.md", letter.id)
    return True


def disown(engine: Engine, token: str, now: datetime, *, machine: bool = False) -> bool:
    """Take back words that went out in somebody's name: unsent they never go, sent ones are withdrawn, and the operator is told.

    What a machine pressed is noted as such and takes nothing back; its link goes on working.
    """
    with write(engine) as connection:
        found = _opened(connection, token, Purpose.DISOWN, now)
        if found is None or not (machine or capabilities.use(connection, token, Purpose.DISOWN, now)):
            return False
        letter, title = found[0].letter, found[0].title
        if machine:
            privacy.note(connection, "letter.disowned", f"employee:{letter.from_id}", _told(letter, machine=True), who="themselves", now=now)
            return True
        if correspondences.end(connection, letter.id, "disowned") and not correspondences.stop_notice(connection, letter.id, letter.to_id, now):
            notices.put(connection, letter.to_id, Notice.WITHDRAWN, now, about=f"letter:{letter.id}", told=Told(values={"title": title}))
        privacy.note(connection, "letter.disowned", f"employee:{letter.from_id}", _told(letter, machine=False), who="themselves", now=now)
    _log.warning("letter %d was disowned: somebody else has a letter of employee %d; see docs/two-way.md", letter.id, letter.from_id)
    return True


def _told(letter: Correspondence, *, machine: bool) -> str:
    return f"letter {letter.id}{'; probably by a mail filter' if machine else ''}"


def _author(connection: Connection, number: int | None, now: datetime) -> Employee | None:
    """Somebody who can be written to: here, one person, and willing to get mail."""
    found = people.by_ids(connection, [number]).get(number) if number is not None else None
    if found is None or found.left_at is not None or found.shared:
        return None
    return None if suppressions.reasons(connection, [found.address.lower()], now) else found


def _send(
    connection: Connection, typed: Typed, text: str, letter: tuple[str, int | None], who: tuple[Employee, Employee], limits: Limits, now: datetime
) -> tuple[int | None, Written]:
    """Keep a letter and put its notice; its number, None when it was sent before, is held or may not be. `letter`: its post, and which it answers."""
    (writer, to), (post_id, answers) = who, letter
    if quotas.left(connection, _WRITE, writer.id, now, limits.letters) < 1:
        return None, Written.ENOUGH
    if quotas.left(connection, _GET, to.id, now, limits.received) < 1:
        return None, Written.MANY
    whole = signed(text, writer.name if typed.named else "")
    key = hashlib.sha256(f"{post_id}|{answers}|{typed.key}".encode()).hexdigest()
    verdict = "held" if typed.machine else "human"
    made = Correspondence(id=0, post_id=post_id, from_id=writer.id, to_id=to.id, answers=answers, text=whole, at=now, verdict=verdict)
    number = correspondences.put(connection, key, made)
    if number is None:
        return None, Written.HELD if correspondences.is_held(connection, key) else Written.SENT
    quotas.take(connection, _WRITE, writer.id, now, limits.letters)
    if typed.machine:
        _notice(connection, writer.id, Notice.HELD, replace(made, id=number), Purpose.SEND, now)
        return None, Written.HELD
    quotas.take(connection, _GET, to.id, now, limits.received)
    _notice(connection, to.id, Notice.LETTER, replace(made, id=number), Purpose.ANSWER, now)
    return number, Written.SENT


def _notice(connection: Connection, to: int, kind: Notice, letter: Correspondence, purpose: Purpose, now: datetime) -> None:
    """Mail the words of a letter, with a link that works once."""
    capabilities.make(connection, to, purpose, now, subject=letter.id)
    values = {"title": editions.title(connection, letter.post_id)}
    told = Told(values=values, quotes=(("", letter.text),), path=purpose.value, purpose=purpose, subject=letter.id)
    notices.put(connection, to, kind, now, about=f"letter:{letter.id}", told=told)


def send_held(engine: Engine, token: str, limits: Limits, now: datetime) -> Written | None:
    """Send words that were held for the yes of whoever's letter they came from; None when the link leads nowhere any more."""
    with write(engine) as connection:
        found = _opened(connection, token, Purpose.SEND, now)
        if found is None:
            return None
        letter = found[0].letter
        to = _author(connection, letter.to_id, now)
        if to is None:
            return Written.UNREACHABLE
        if not quotas.take(connection, _GET, to.id, now, limits.received):
            return Written.MANY
        if not (correspondences.release(connection, letter.id, now) and capabilities.use(connection, token, Purpose.SEND, now)):
            return None
        _notice(connection, to.id, Notice.LETTER, letter, Purpose.ANSWER, now)
        return Written.SENT


def _opened(connection: Connection, token: str, purpose: Purpose, now: datetime) -> tuple[Opened, Employee] | None:
    found = capabilities.find(connection, token, purpose)
    letter = correspondences.by_id(connection, found.subject) if found is not None and found.open(now) else None
    wanted = {"held"} if purpose is Purpose.SEND else {"human", "machine"}
    if found is None or letter is None or letter.verdict not in wanted:
        return None
    me = people.by_ids(connection, [found.employee]).get(found.employee)
    if me is None or me.left_at is not None:
        return None
    return Opened(letter=letter, title=editions.title(connection, letter.post_id), language=me.language, named=me.named), me
