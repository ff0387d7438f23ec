"""Contributions come in: by the page, by mail, by command. What nobody proved to be theirs waits for a yes that is asked for by mail."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from digest.config import Config
from digest.db import consents, contributions, people, privacy, quotas
from digest.domain.consent import How
from digest.domain.contribution import (
    TRUSTED,
    Contribution,
    ContributionState,
    Source,
    Words,
    decision_day,
    end_of,
    links_in,
    may_follow,
    without_links,
)
from digest.domain.employee import Employee
from digest.domain.moderation import Deed, Roles, Rules, Trigger, names_in, too_much, triggers
from digest.domain.post import Kind, Visibility
from digest.domain.prose import plain
from digest.domain.reachable import stays_inside
from digest.domain.schedule import closed_days
from digest.domain.words import shorten
from digest.files.addresses import RefusedError
from digest.files.checks import article
from digest.files.holidays import public_holidays
from digest.files.slugs import slug
from digest.pipeline import contribution_notices, contribution_recall

WAITING = frozenset({ContributionState.DRAFT, ContributionState.UNCONFIRMED})  # nobody but their author has seen them
_WORDING = "give-1"  # version of the sentence about the name
_TITLE = 90  # characters of a title that is made from the first sentence
_LONGEST_TITLE = 300
_LONGEST_ID = 100  # characters, before its number
_AHEAD = timedelta(days=400)  # holidays are looked up so far
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2028\u2029")


@dataclass(frozen=True, kw_only=True)
class Gift:
    """What somebody gives, checked and tidy."""

    key: str  # of the form or the message: the same one twice is one contribution
    employee: int
    source: Source
    words: Words
    body: str
    language: str
    networks: tuple[str, ...] = ()
    edition: int | None = None
    n: int | None = None


def rules(config: Config) -> Rules:
    """`[moderation]`, with the days off that a promise has to know."""
    said = config.moderation
    return Rules(
        deciders=tuple(sorted(roles(config).may(Deed.DECIDE))),
        decide_days=said.decide_days,
        per_day=said.per_day,
        longest=said.longest,
        links=said.links,
        customers=said.customers,
        words=said.words,
        patterns=said.patterns,
        figures=said.figures,
        people=said.people,
        zone=config.site_zone,
        closed=config.schedule.closed,
        country=said.country,
    )


def roles(config: Config) -> Roles:
    """Who may do what."""
    said = config.moderation
    editors, approvers, admins = (frozenset(address.lower() for address in names) for names in (said.editors, said.approvers, said.admins))
    return Roles(editors=editors, approvers=approvers, admins=admins)


def key_of(*parts: object) -> str:
    """A key made of whatever tells one form or message from any other."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def tidy(text: str) -> str:
    """What was typed, without characters that no reader sees or that turn the text around; lines are kept."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(1)
    seen = "".join(c for c in lines if c == "\n" or not (unicodedata.category(c) in {"Cc", "Cs"} or c in _TURNING))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in seen.split("\n"))).strip()


def written(what: str, why: str, *, title: str = "", public: bool = True) -> Words:
    """A post out of a link or a few sentences, and why it matters. The address is the first in `what`, else in `why`; without one it stays inside.

    See `problem` for what is wrong with it.
    """
    found = links_in(what) or links_in(why)
    said = "\n\n".join(filter(None, [without_links(what) if links_in(what) else what.strip(), why.strip()]))
    named = " ".join(title.split())[:_LONGEST_TITLE] or shorten(re.split(r"(?<=[.!?。؟])\s", " ".join(plain(said).split()))[0], _TITLE)
    visibility = Visibility.PUBLIC if public and found else Visibility.INTERNAL  # people outside would have nothing to open
    return Words(
        title=named, url=found[0] if found else "", why=said, visibility=visibility.value, kind=(Kind.ARTICLE if found else Kind.STORY).value
    )


def problem(words: Words, rules: Rules, site_url: str) -> tuple[str, Words]:
    """What keeps these words from being a post, and the words with their address as browsers write it.

    It is "empty", "link" (no address to lead to), "host" (for everybody, and nobody outside can open it), "long", "links" or "".
    """
    if not words.why or not words.title:
        return "empty", words
    if words.url:
        try:
            words = words.with_changes({"url": article(site_url)(words.url)})
        except RefusedError:
            return "link", words
        if words.visibility == Visibility.PUBLIC and stays_inside(urlsplit(words.url).hostname or ""):
            return "host", words
    return too_much((words.title, words.why), len(links_in(words.why)), rules), words


def promised(rules: Rules, now: datetime) -> datetime:
    """By when a decision is promised to whom proposes something now."""
    today = now.astimezone(rules.zone).date()
    last = today + _AHEAD
    holidays = public_holidays(rules.country, today.year) | public_holidays(rules.country, last.year)
    return end_of(decision_day(today, rules.decide_days, holidays | closed_days(rules.closed, today, last)), rules.zone)


def hold(connection: Connection, gift: Gift, state: ContributionState, rules: Rules, now: datetime, *, how: str = "") -> Contribution | None:
    """Keep it as a draft or unconfirmed, and mail its owner the link that goes on with it; None when that was enough for today.

    The same key again brings the words up to date while nobody but their author has seen them.
    """
    found = contributions.by_key(connection, gift.key)
    if found is not None and found.state not in WAITING:
        return found
    if found is not None and found.words == gift.words and found.state is state:
        contribution_notices.held(connection, found, now)  # again, if the last one is more than a day old
        return found
    if found is None and not quotas.take(connection, "give", gift.employee, now, rules.per_day):
        return None
    number, made = (found.id, False) if found else contributions.put(connection, _columns(gift) | {"state": state, "made_at": now})
    if not made and found is not None:
        contributions.change(connection, found, _columns(gift) | {"state": state})
    kept = _there(connection, number)
    if made or found is not None:
        privacy.note(connection, f"contribution.{state}", f"contribution:{number}", how, who=gift.source, now=now)
        contribution_notices.held(connection, kept, now)
    return kept


def _columns(gift: Gift) -> dict[str, Any]:
    plain_values = {name: getattr(gift, name) for name in ("key", "source", "words", "body", "language", "n")}
    return {**plain_values, "employee_id": gift.employee, "networks": list(gift.networks), "edition_id": gift.edition}


def _there(connection: Connection, number: int) -> Contribution:
    found = contributions.get(connection, number)
    if found is None:
        raise LookupError(number)  # it was read or written in this very transaction
    return found


def propose(connection: Connection, gift: Gift, rules: Rules, now: datetime, *, how: str = "") -> Contribution:
    """Take it as proposed at once: whoever gives it is known to be who they say."""
    found = contributions.by_key(connection, gift.key)
    if found is not None and found.state not in WAITING:
        return found
    number = found.id if found else contributions.put(connection, _columns(gift) | {"state": ContributionState.UNCONFIRMED, "made_at": now})[0]
    return confirm(connection, number, rules, now, how=how)


def confirm(
    connection: Connection, number: int, rules: Rules, now: datetime, *, how: str = "", named: bool = False, changes: Mapping[str, Any] | None = None
) -> Contribution:
    """Its author stands by it: a decision is promised, or none is needed. `named`: their name may stand beside what they write.

    `changes`: columns that the author changed meanwhile. Anything but a draft or an unconfirmed one stays as it is.
    """
    one = _there(connection, number)
    if one.state not in WAITING or one.employee is None:
        return one
    if named:
        consents.record(connection, one.employee, "name", value=True, wording=_WORDING, now=now, how=How.MAIL_LINK)
    words = (changes or {}).get("words", one.words)
    review = reviewed(connection, one.employee, words, rules)
    values: dict[str, Any] = {"state": ContributionState.PROPOSED, "proposed_at": now, "agreed_version": one.version + 1}
    if review is None:
        values |= {"state": ContributionState.ACCEPTED, "decided_at": now, "decided_by": TRUSTED, "post_id": post_id(one.id, words)}
    else:
        values |= {"decide_by": promised(rules, now)}
    if contributions.change(connection, one, {**(changes or {}), **values}):
        told = "; ".join(filter(None, [how, *(f"{trigger}: {what}" for trigger, what in review or [])]))
        privacy.note(connection, f"contribution.{values['state']}", f"contribution:{number}", told, who=one.source, now=now)
        _told(connection, _there(connection, number), rules, now)
    return _there(connection, number)


def _told(connection: Connection, one: Contribution, rules: Rules, now: datetime) -> None:
    if one.state is ContributionState.ACCEPTED:
        contribution_notices.taken(connection, one, now)
    else:
        contribution_notices.promised(connection, one, now, rules.zone)
        contribution_notices.to_decide(connection, one, rules, now)


def reviewed(connection: Connection, employee: int, words: Words, rules: Rules) -> list[tuple[Trigger, str]] | None:
    """None: a trusted author's words that go without review. Else what asks for it; an empty list for authors who need it anyway."""
    found = risks(connection, employee, words, rules)
    return None if contributions.trusted(connection, employee) is not None and not found else found


def risks(connection: Connection, author: int | None, words: Words, rules: Rules) -> list[tuple[Trigger, str]]:
    """What in these words always goes to review."""
    text = f"{words.title}\n{words.why}"
    named = contributions.colleague_among(connection, names_in(text), author) if rules.people else ""
    return [*triggers(text, rules), *([(Trigger.PERSON, named)] if named else [])]


def post_id(number: int, words: Words) -> str:
    """The id of the post that a contribution becomes: readable, and nobody else's."""
    return f"{slug(words.title)[:_LONGEST_ID]}-c{number}"


def withdraw(connection: Connection, number: int, now: datetime, *, how: str = "") -> Contribution:
    """Its author takes it back; what an edition carried already stays as it is."""
    one = _there(connection, number)
    if not may_follow(one.state, ContributionState.WITHDRAWN) or not contributions.change(connection, one, {"state": ContributionState.WITHDRAWN}):
        return _there(connection, number)
    contribution_recall.take_off(connection, one, now, who="author")
    privacy.note(connection, "contribution.withdrawn", f"contribution:{number}", how, who="author", now=now)
    return _there(connection, number)


def propose_from_mail(  # noqa: PLR0913 - what a mail says, each by its name
    connection: Connection,
    employee: Employee,
    key: str,
    text: str,
    rules: Rules,
    *,
    now: datetime,
    proven: bool,
    source: Source = Source.REPLY,
    title: str = "",
    edition: int | None = None,
    n: int | None = None,
) -> Contribution | None:
    """A post out of a mail's own words; None when its author has given enough for today.

    `key`: of the message, such as the hash of its Message-ID. `proven`: the mail is certainly theirs; otherwise they are asked by mail.
    Without a link it stays inside, until its author or an editor says where it leads.
    """
    body = tidy(text)
    words = written(body, "", title=title)
    wrong, words = problem(words, rules, "")
    if wrong == "link":
        words = words.with_changes({"url": "", "visibility": Visibility.INTERNAL.value, "kind": Kind.STORY.value})
    elif wrong == "host":
        words = words.with_changes({"visibility": Visibility.INTERNAL.value})
    words = words.with_changes({"title": words.title or title or body[:_TITLE], "why": (words.why or body)[: rules.longest]})
    gift = Gift(key=key, employee=employee.id, source=source, words=words, body=body, language=employee.language, edition=edition, n=n)
    if proven:
        known = contributions.by_key(connection, key)
        if known is None and not quotas.take(connection, "give", employee.id, now, rules.per_day):
            return None
        return propose(connection, gift, rules, now, how="mail")
    return hold(connection, gift, ContributionState.UNCONFIRMED, rules, now, how="mail, not proven")


def author_of(connection: Connection, one: Contribution) -> Employee | None:
    """Who gave it, former colleagues included; None for somebody who was erased."""
    return None if one.employee is None else people.by_ids(connection, [one.employee]).get(one.employee)
