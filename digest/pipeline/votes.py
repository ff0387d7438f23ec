"""Votes: one answer is noted or taken back, and before an edition all of them are heard."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from digest.db import notices, votes
from digest.db.control import Holder
from digest.db.session import write
from digest.domain.edition import EditionContent, EditionPost
from digest.domain.link import number
from digest.domain.notice import Notice, Told
from digest.domain.post import Origin
from digest.domain.vote import REMEMBERED, Standing, Tally, VoteReason, figures, source_of, standings


def answer(engine: Engine, holder: Holder, post: EditionPost, reason: VoteReason, *, control: str, machine: bool, now: datetime) -> None:
    """Note why a post is not for the holder of a letter. What a machine pressed is told to them, with the way back."""
    with write(engine) as connection:
        votes.put(connection, holder.employee, post.id, holder.edition, reason, now, machine=machine)
        if machine:
            told = Told(values={"title": post.title}, path=f"v/{control}/{number(post.n)}")
            notices.put(connection, holder.employee, Notice.VOTED, now, about=f"vote:{holder.edition}.{post.n}", told=told)


def take_back(engine: Engine, holder: Holder, post: EditionPost) -> bool:
    """Forget the holder's answer about a post; False when there was none."""
    with write(engine) as connection:
        return votes.take_back(connection, holder.employee, post.id)


def heard(connection: Connection, content: EditionContent, *, minimum: int, places: int) -> tuple[EditionContent, tuple[Standing, ...]]:
    """The edition with what readers said of earlier ones taken to heart, and which sources have lost places."""
    earlier = votes.earlier(connection, content.period, REMEMBERED)
    found = standings(
        _tallies(connection, earlier), Counter(source for _, _, words in earlier for source in words.get("heard", ())), minimum=minimum, places=places
    )
    mine = {source_of(post.url) for post in content.posts if post.origin is Origin.CURATED}
    news = tuple(one.source for one in found if one.news and one.source in mine)
    return replace(content, places={one.source: one.places for one in found}, heard=news), found


def _tallies(connection: Connection, earlier: list[tuple[int, str, dict[str, Any]]]) -> dict[str, list[tuple[str, Tally]]]:
    """Source -> (week, what was answered about its posts), oldest first."""
    counted = votes.reasons(connection, [edition for edition, _, _ in earlier])
    found: dict[str, list[tuple[str, Tally]]] = {}
    for edition, period, words in earlier:
        by_source: dict[str, Counter[str]] = {}
        for post in words["posts"]:
            reasons = counted.get(edition, {}).get(post["id"])
            if reasons and post["origin"] == Origin.CURATED and (source := source_of(post["url"])):
                by_source[source] = by_source.get(source, Counter()) + reasons
        for source, reasons in by_source.items():
            tally = Tally(answers=reasons.total(), salesy=reasons[VoteReason.TOO_SALESY])
            found.setdefault(source, []).append((period, tally))
    return found


def said_of_last(connection: Connection, period: str, minimum: int) -> list[str]:
    """What readers answered about the posts of the edition before, as far as enough of them did; one sentence a post."""
    lines = []
    for edition, week, words in votes.earlier(connection, period, 1):
        counted = votes.reasons(connection, [edition]).get(edition, {})
        for post in words["posts"]:
            told = figures(counted.get(post["id"], {}), minimum)
            if told is not None:
                parts = [f"{reason.replace('_', ' ')} {'hidden' if count is None else count}" for reason, count in told.items() if count != 0]
                lines.append(f"{week}, not for me, “{post['title']}”: {', '.join(parts)}.")
    return lines
