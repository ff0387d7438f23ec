"""Accepted contributions as posts of the queue: by their authors, in the words they agreed to, under their names only where they allow it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import contributions, people
from digest.db.session import read
from digest.domain.contribution import Contribution, ContributionState, KeptOut, decision_days, kept_out
from digest.domain.counting import Limit
from digest.domain.employee import Employee
from digest.domain.post import Kind, Post, PostId, Queue, Visibility
from digest.domain.prose import caption
from digest.domain.share import caption_problem
from digest.pipeline import networks

_S = ContributionState
_OFFERED = (_S.ACCEPTED, _S.EDITED, _S.PUBLISHED)
_LOOKING_BACK = timedelta(weeks=13)  # decisions of so long ago speak of today
_DAYS = frozenset({"starts", "ends", "public_from", "closes"})
_SAYS = {
    KeptOut.NOT_AGREED: "it was changed, and its author has not said yes",
    KeptOut.AUTHOR_GONE: "its author has left",
    KeptOut.OVER: "its time is over, and no edition carried it",
}


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What employees gave for an edition, and a sentence for each accepted post that stays out."""

    posts: tuple[Post, ...] = ()
    notes: tuple[str, ...] = ()


def offered(connection: Connection, config: Config, day: date) -> Offered:
    """The posts for an edition that is due on `day`."""
    found = [one for one in contributions.listed(connection, _OFFERED) if one.state is not _S.EDITED or one.decided_at is not None]
    authors = people.by_ids(connection, {one.employee for one in found if one.employee is not None})
    edits = contributions.edits(connection, [one.id for one in found])
    limits = {network.name: network.limit for network in networks.known(config)} if found else {}
    disclosure = config.sharing.disclosure or f"I work at {config.site.company}."
    posts, notes = [], []
    for one in found:
        author = authors.get(one.employee or 0)
        why = kept_out(one, edits[one.id], here=author is not None and author.left_at is None, day=day)
        if why is None and author is not None and one.post_id is not None:
            posts.append(_post(one, author, limits, disclosure))
        elif why is not None and one.state is not _S.PUBLISHED:
            notes.append(f'Contribution {one.id}, "{one.words.title}", is kept out ({why}): {_SAYS[why]}.')
    return Offered(posts=tuple(posts), notes=tuple(notes))


def merged(queue: Queue, given: Offered) -> Queue:
    """The queue with what employees gave behind its own posts; an id that the queue has itself stays the queue's."""
    taken = {post.id for post in queue.posts}
    return replace(queue, posts=(*queue.posts, *(post for post in given.posts if post.id not in taken)))


def known(engine: Engine, config: Config, now: datetime) -> Offered:
    """What would go into an edition of today."""
    with read(engine) as connection:
        return offered(connection, config, now.astimezone(config.site_zone).date())


def days_to_decide(connection: Connection, day: date) -> int | None:
    """The median that the edition of `day` prints, or None while nothing was decided."""
    since = datetime.combine(day, time(), UTC) - _LOOKING_BACK
    return decision_days(contributions.decisions(connection, since))


def _post(one: Contribution, author: Employee, limits: Mapping[str, Limit], disclosure: str) -> Post:
    words = one.words
    public = words.visibility == Visibility.PUBLIC
    line = caption(words.why)
    fitting = [name for name in one.networks if public and caption_problem(name, line, limits=limits, disclosure=disclosure) is None]
    return Post(
        id=PostId(one.post_id or ""),
        title=words.title,
        why=words.why,
        url=words.url or None,
        by=author.address.lower(),
        kind=Kind(words.kind),
        visibility=Visibility(words.visibility),
        language=one.language,
        captions=dict.fromkeys(fitting, (line,)),
        **dict(_facts(words.facts)),
    )


def _facts(facts: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in facts.items():
        if name in Post.__dataclass_fields__:
            yield name, tuple(value) if name == "topics" else date.fromisoformat(value) if name in _DAYS else value
