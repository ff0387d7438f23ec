"""A post that an operator types in for an employee, at their word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from digest.config import Config
from digest.db import contributions, people, privacy
from digest.db.session import write
from digest.domain.contribution import Contribution, Source, Words
from digest.domain.post import Kind, Visibility
from digest.errors import DigestError, NotFoundError
from digest.pipeline import networks
from digest.pipeline.contribution import Gift, key_of, problem, propose, rules, tidy, written

_WRONG = {
    "empty": ("found no words", "Say in --why what it is and why it matters."),
    "link": ("--url cannot be used", "Name the article's own address: no shortened one, and no link of a letter."),
    "host": ("--url leads to a place that nobody outside can open", "Name an address of the open web, or add --internal."),
    "long": ("that is longer than moderation.longest", "Shorten --why."),
    "links": ("its words have more links than moderation.links", "Leave only those that somebody has to open."),
}


class NotAPostError(DigestError):
    """What was typed in is no post."""

    summary = "nothing was stored"


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What an operator typed."""

    by: str
    why: str
    url: str = ""
    title: str = ""
    internal: bool = False
    networks: tuple[str, ...] = ()


def give(engine: Engine, config: Config, typed: Typed, *, who: str, now: datetime) -> Contribution:
    """Propose it for its author, who is told. The same words of the same author on the same day are one post."""
    said = written(tidy(typed.why), "", title=tidy(typed.title))
    visibility = Visibility.PUBLIC if typed.url and not typed.internal else Visibility.INTERNAL
    words = Words(title=said.title, url=typed.url, why=tidy(typed.why), visibility=visibility.value, kind=_kind(typed))
    wrong, words = problem(words, rules(config), config.site.url)
    known = {network.name for network in networks.known(config)}
    strangers = [name for name in typed.networks if name not in known]
    if wrong or strangers:
        detail, hint = _WRONG.get(wrong, (f"found --network {', '.join(strangers)}, no such network", "List them with `digest queue networks`."))
        raise NotAPostError(typed.by, detail, hint=hint)
    with write(engine) as connection:
        author = people.by_address(connection, typed.by)
        if author is None or author.left_at is not None:
            raise NotFoundError(typed.by, "nobody on the roster has this address", hint="List them with `digest roster list`.")
        gift = Gift(
            key=key_of("command", author.id, words, now.date()),
            employee=author.id,
            source=Source.COMMAND,
            words=words,
            body=words.why,
            language=author.language,
            networks=typed.networks,
        )
        again = contributions.by_key(connection, gift.key) is not None
        made = propose(connection, gift, rules(config), now)
        if not again:
            privacy.note(connection, "contribution.given", f"contribution:{made.id}", "at the author's word", who=who, now=now)
        return made


def _kind(typed: Typed) -> str:
    return (Kind.ARTICLE if typed.url else Kind.STORY).value
