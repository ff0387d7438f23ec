"""Votes: why a post is "not for me", and what follows from that for the reader and for where the post came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from digest.domain.edition import EditionPost
from digest.domain.groups import shown
from digest.domain.post import Origin

STRIKE = 0.3  # of an edition's answers about one source; from there on they count against it
TURNS = 2  # editions with such answers that cost a source one place
REMEMBERED = 8  # editions that are looked back on; older ones are forgiven


class VoteReason(StrEnum):
    """Why somebody does not want a post."""

    TOO_SALESY = "too_salesy"  # it reads like an advertisement
    NOT_MY_FIELD = "not_my_field"  # its topics are not theirs
    DISAGREE = "disagree"  # they do not hold with what it says
    NOT_COMFORTABLE = "not_comfortable"  # they would not say this in public
    ALREADY = "already"  # they have read or shared it


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What readers of one edition answered about one source's posts. Answers that a machine gave are in neither."""

    answers: int
    salesy: int


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How many places the posts of one source have in a letter."""

    source: str
    places: int
    of: int  # as many as `[mix]` gives everybody
    editions: tuple[str, ...]  # the weeks that spoke against it
    news: bool  # it lost one since the last edition said so


def may_be_voted(post: EditionPost) -> bool:
    """Whether a letter asks about it: posts from outside, for outside. Nobody is asked whether news of the house is for them."""
    return post.origin is Origin.CURATED and not post.internal


def source_of(url: str | None) -> str:
    """Where a curated post comes from: the host of its address; "" without one."""
    host = (urlsplit(url).hostname or "") if url else ""
    return host.removeprefix("www.")


def strikes(tally: Tally, minimum: int) -> bool:
    """Whether enough people answered, and enough of them found it too salesy."""
    return tally.answers >= minimum and tally.salesy >= STRIKE * tally.answers


def standings(tallies: Mapping[str, Sequence[tuple[str, Tally]]], said: Mapping[str, int], *, minimum: int, places: int) -> tuple[Standing, ...]:
    """The sources that have lost places, by name.

    `tallies`: source -> (week, its tally), oldest first, of the last `REMEMBERED` editions; `said`: source -> how many losses those
    editions have told already.
    """
    found = []
    for source in sorted(tallies):
        against = tuple(week for week, tally in tallies[source] if strikes(tally, minimum))
        lost = min(len(against) // TURNS, places)
        if lost:
            found.append(Standing(source=source, places=places - lost, of=places, editions=against, news=lost > said.get(source, 0)))
    return tuple(found)


def figures(reasons: Mapping[str, int], minimum: int) -> dict[str, int | None] | None:
    """Reason -> answers about one post, None where a figure must stay hidden; None at all while too few have answered."""
    counts = Counter({reason.value: reasons.get(reason.value, 0) for reason in VoteReason})
    if counts.total() < minimum:
        return None
    return shown(counts, counts, minimum)
