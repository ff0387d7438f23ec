"""What people write back: each letter once, to whom it belongs, and what it becomes; acknowledged in the transaction that takes it in.

Nothing here is ever sent to whoever wrote: a notice goes to the address on the roster, says of itself that a machine made
it, and a person gets so many a day. So two digests that write to each other fall silent at once.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from typing import Final

from sqlalchemy import Connection

from digest.config import Config
from digest.db import notices, people, questions, quotas, replies
from digest.domain.answering import Way, way_of
from digest.domain.contribution import Source
from digest.domain.moderation import Rules
from digest.domain.notice import Notice, Told
from digest.domain.question import WORDS, Question, QuestionKind
from digest.domain.reference import reference
from digest.domain.reply import (
    A_DAY,
    UNSURE_A_DAY,
    Becomes,
    Skip,
    Someone,
    Whose,
    Written,
    becomes,
    plain_words,
    skipped,
    vouched,
    whose,
    without_name,
)
from digest.pipeline import answering, author, contribution, entries

_QUIET: Final = frozenset({Skip.AUTOMATIC, Skip.OWN})  # nobody needs to look at these; the others are kept as files


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What reading replies needs of the configuration."""

    ours: frozenset[str]  # the digest's own addresses, lower case
    trusted: frozenset[str]  # servers whose word about a sender counts
    rules: Rules = field(repr=False)  # of contributions
    limits: author.Limits = field(default_factory=author.Limits)  # of letters between colleagues
    secrets: tuple[bytes, ...] = field(default=(), repr=False)  # that sign the Message-IDs of notices


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What became of one letter."""

    became: Becomes | None = None
    skip: Skip | None = None
    again: bool = False  # it was read before
    asked: bool = False  # its person is asked whether it is theirs
    cut: bool = False  # there was more than is taken, so the whole is kept as a file

    @property
    def look(self) -> bool:
        """Whether a person should look at the letter itself: it is kept as a file then."""
        return self.cut or (self.skip is not None and self.skip not in _QUIET)


def settings(config: Config) -> Settings:
    """The settings, without the secrets of the database."""
    addresses = (config.sender.sender, config.sender.reply_to, config.sender.bounces)
    ours = {parseaddr(one)[1].lower() for one in addresses if one and not one.startswith("*")} - {""}
    limits = author.Limits(letters=config.colleagues.letters, received=config.colleagues.received)
    return Settings(ours=frozenset(ours), trusted=frozenset(config.inbound.trusted_servers), rules=contribution.rules(config), limits=limits)


def take(connection: Connection, written: Written, settings: Settings, *, message: int | None, person: int | None, now: datetime) -> Reply:
    """Take in one letter, in one transaction. `message`, `person`: the letter of ours that it surely answers, and whose that was."""
    key = replies.key_of(written.identity)
    if not replies.begin(connection, key, now):
        return Reply(again=True, cut=written.cut)
    edition = None if message is None else replies.edition_of(connection, message)
    told = None if person is not None else _told(connection, written, settings)
    answered = person if told is None else told.employee
    reason = skipped(written, answers=message is not None or answered is not None, ours=settings.ours)
    if reason is None:
        owner = None if answered is None else replies.someone(connection, number=answered)
        sender = replies.someone(connection, address=written.sender) if written.sender else None
        found = whose(owner, sender, vouched(written.authentication, written.sender, settings.trusted))
        reason = _refused(connection, written, found, now)
        if reason is None and found is not None:
            done = _elsewhere(connection, key, written, found, told, settings, now)
            done = done or _taken(connection, key, written, found, settings, edition=edition, now=now)
            notices.thread(connection, found.person.id, written.identity, now)
            return done
    replies.skip(connection, key, reason or Skip.STRANGER)
    return Reply(skip=reason or Skip.STRANGER)


def _told(connection: Connection, written: Written, settings: Settings) -> replies.Told | None:
    """The notice it answers, when we made its Message-ID."""
    for text in written.notices:
        number = int(text.split(".")[1])
        if any(hmac.compare_digest(text, reference(secret, "notice", number)) for secret in settings.secrets):
            return replies.told(connection, number)
    return None


def _elsewhere(
    connection: Connection, key: str, written: Written, found: Whose, told: replies.Told | None, settings: Settings, now: datetime
) -> Reply | None:
    """What is for nobody's eyes but those it answers, and who wants no more letters; None for what is for the digest."""
    words = without_name(written.words, found.person.name) or written.words
    way = Way.DIGEST if told is None else way_of(told.kind, told.about)
    if way is not Way.COLLEAGUE and becomes(written.subject, words) is Becomes.STOP:
        became = answering.stop_how(connection, found.person, now)
    elif told is None or way is Way.DIGEST:
        return None
    else:
        mine = found.sure and found.person.id == told.employee
        answer = answering.Answer(key=key, words=words, person=found.person, mine=mine, told=told)
        became = answering.take(connection, way, answer, settings.rules, settings.limits, now)
    if written.attachments and found.sure:
        _no_files(connection, found.person, written, now)
    replies.keep(connection, key, found.person.id, None, became=became)
    return Reply(became=became, cut=written.cut and became is Becomes.NOTE)  # nobody here reads what goes on to one person


def _refused(connection: Connection, written: Written, found: Whose | None, now: datetime) -> Skip | None:
    if found is None:
        return Skip.STRANGER
    if not written.words and not written.attachments:
        return Skip.NO_WORDS
    if not found.sure and not quotas.take(connection, "was_you", found.person.id, now, UNSURE_A_DAY):
        return Skip.FLOOD
    if not quotas.take(connection, "reply", found.person.id, now, A_DAY):
        return Skip.FLOOD
    if not written.words:
        if found.sure:
            _no_files(connection, found.person, written, now)
        return Skip.NO_WORDS
    return None


def _taken(connection: Connection, key: str, written: Written, found: Whose, settings: Settings, *, edition: int | None, now: datetime) -> Reply:
    """A post, or an entry of the ledger; what is longer than an entry may be is a post whatever it looks like."""
    words = without_name(plain_words(written.words), found.person.name) or written.words
    kind = becomes(written.subject, written.words)
    if (kind is Becomes.POST or len(words) > WORDS) and _offered(connection, key, written, words, found, settings, edition=edition, now=now):
        return Reply(became=Becomes.POST, asked=not found.sure, cut=written.cut)
    taken_for = QuestionKind.SUGGESTION if kind in {Becomes.POST, Becomes.STOP} else QuestionKind(kind.value)
    number = questions.put(
        connection,
        key=f"reply:{key}",
        employee=found.person.id,
        kind=taken_for,
        text=words,
        language=found.person.language,
        now=now,
        edition=edition,
        confirmed=found.sure,
    )
    entries.entered(connection, number, now, files=written.attachments)
    replies.keep(connection, key, found.person.id, edition, question=number)
    return Reply(became=Becomes(taken_for.value), asked=not found.sure, cut=written.cut or len(words) > WORDS)


def _offered(  # noqa: PLR0913 - what is known of one letter
    connection: Connection, key: str, written: Written, words: str, found: Whose, settings: Settings, *, edition: int | None, now: datetime
) -> bool:
    """Whether it is a proposed post now, of which its author is told by when it is decided; False when they gave enough for today."""
    author = people.by_ids(connection, [found.person.id])[found.person.id]
    made = contribution.propose_from_mail(
        connection, author, f"reply:{key}", words, settings.rules,
        now=now, proven=found.sure, source=Source.MAIL if edition is None else Source.REPLY, edition=edition,
    )  # fmt: skip
    if made is None:
        return False
    if written.attachments and found.sure:
        _no_files(connection, found.person, written, now)
    replies.keep(connection, key, found.person.id, edition, contribution=made.id)
    return True


def _no_files(connection: Connection, person: Someone, written: Written, now: datetime) -> None:
    told = Told(quotes=(("", "\n".join(written.attachments)),))
    notices.put(connection, person.id, Notice.NO_FILES, now, told=told)


def offer(connection: Connection, one: Question, rules: Rules, now: datetime, *, how: str) -> bool:
    """The asker says that it is a post: it is proposed, and leaves the ledger. False when they gave enough for today."""
    author = people.by_ids(connection, [one.employee]).get(one.employee) if one.employee is not None else None
    if author is None or one.state not in entries.WAITING:
        return False
    source = Source.MAIL if one.edition is None else Source.REPLY
    made = contribution.propose_from_mail(
        connection, author, f"entry:{one.id}", one.text, rules, now=now, proven=True, source=source, edition=one.edition
    )
    if made is not None:
        entries.recall(connection, one, now, how=f"a post now; {how}")
    return made is not None
