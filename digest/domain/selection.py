"""Who gets which posts, and why: rank once per cohort, then walk each person's list past what they have had.

Pure and deterministic: the same edition, cohort and history give the same picks, whoever asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from digest.domain.edition import EditionPost
from digest.domain.employee import Cohort
from digest.domain.message import Pick, SkipReason
from digest.domain.post import Origin
from digest.domain.vote import source_of

ENOUGH = 2  # shares, or answers that they would not say it in public, within a week: the next letter asks nothing
_TOPIC, _TEAM, _COUNTRY, _LANGUAGE, _FRESH = 8, 6, 4, 5, 3  # what a match is worth; a topic outweighs a mere new post


@dataclass(frozen=True, kw_only=True)
class Mix:
    """How many of what: `[mix]` of the configuration."""

    posts: int = 5
    colleague_share: float = 0.5
    curated: int = 2
    inside: int = 1
    spares: int = 3
    repeats: int = 3


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A post as one cohort sees it."""

    post: EditionPost
    score: int
    because: str


@dataclass(frozen=True, kw_only=True)
class History:
    """What one person has had: post id -> times shown, and what they did and said."""

    shown: Mapping[str, int] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()  # posts that are "not for me"
    away: frozenset[str] = frozenset()  # topics of posts that are "not my field"
    shares: int = 0  # posts they shared in the week before the plan, as far as that may be known
    uneasy: int = 0  # answers of that week that they would not say it in public


@dataclass(frozen=True, kw_only=True)
class Selection:
    """One person's posts: in reading order, and who steps in when one gives way."""

    picks: tuple[Pick, ...]
    spares: tuple[Pick, ...]
    asks: bool = True  # False: the letter holds no share links


class Passed(StrEnum):
    """Why a post of the edition is not in somebody's letter."""

    NOT_MEANT = "not_meant"  # it names countries, teams or languages, and theirs is not among them
    RESTS = "rests"  # they had it as often as anybody does, or are done with it themselves
    SOURCE = "source"  # readers found its source too salesy, so it has fewer places
    MIX = "mix"  # company posts may not outnumber colleagues'
    ROOM = "room"  # others fit this person better, and the letter is full


@dataclass(frozen=True, kw_only=True)
class Skip:
    """No message for this person in this edition, and why."""

    reason: SkipReason


def rank(posts: Sequence[EditionPost], cohort: Cohort) -> tuple[Ranked, ...]:
    """The posts that are for this cohort, best first; equal scores keep the edition's order."""
    fitting = [_ranked(post, cohort) for post in posts if is_for(post, cohort)]
    return tuple(sorted(fitting, key=lambda ranked: (-ranked.score, ranked.post.n)))


def is_for(post: EditionPost, cohort: Cohort) -> bool:
    """True unless the post names countries, teams or languages and this cohort is in none of them."""
    only = post.only
    return (
        (not only.countries or cohort.country in only.countries)
        and (not only.teams or cohort.team.casefold() in {team.casefold() for team in only.teams})
        and (not only.languages or cohort.language in only.languages)
    )


def _ranked(post: EditionPost, cohort: Cohort) -> Ranked:
    shared_topics = [topic for topic in post.topics if topic in cohort.topics]
    team = bool(cohort.team) and (cohort.team == post.author_team or cohort.team in post.only.teams)
    country = cohort.country in post.only.countries
    score = (
        _TOPIC * len(shared_topics)
        + _TEAM * team
        + _COUNTRY * country
        + _LANGUAGE * (post.language.split("-")[0] == cohort.language.split("-")[0])
        + _FRESH * post.fresh
    )
    return Ranked(post=post, score=score, because=_because(shared_topics, team=team, country=country))


def _because(topics: list[str], *, team: bool, country: bool) -> str:
    """The strongest reason that a reader would recognise, or none at all."""
    if topics:
        return f"topic:{topics[0]}"
    if team:
        return "team"
    return "country" if country else ""


def choose(
    ranked: Sequence[Ranked], history: History, mix: Mix, *, colleagues_write: bool, places: Mapping[str, int] | None = None
) -> Selection | Skip:
    """Picks and spares for one person, or the reason why there is no message.

    `colleagues_write`: the edition carries at least one public post by a colleague. Then company posts never outnumber
    their share; without any, up to `mix.curated` stand alone and planning warns. `places`: source -> how many of its posts a
    letter may hold, for those that have fewer than others.
    """
    if not ranked:
        return Skip(reason=SkipReason.NOTHING_FOR_YOU)
    wanted = _wanted(ranked, history, mix)
    outward = [r for r in wanted if not r.post.internal]
    inside = [r for r in wanted if r.post.internal][: mix.inside]
    colleagues = [r for r in outward if r.post.origin is Origin.COLLEAGUE]
    curated = _placed([r for r in outward if r.post.origin is Origin.CURATED], places or {})
    mine, theirs = _counts(len(colleagues), len(curated), mix, colleagues_write=colleagues_write)
    chosen = [*colleagues[:mine], *curated[:theirs]]
    if not chosen and not inside:
        return Skip(reason=SkipReason.SEEN_ENOUGH)
    spares = [*colleagues[mine:], *curated[theirs : theirs + max(mix.curated - theirs, 0)]]
    asks = max(history.shares, history.uneasy) < ENOUGH
    return Selection(picks=_picks([*chosen, *inside]), spares=_picks(spares[: mix.spares]), asks=asks)


def _rests(post: EditionPost, history: History, mix: Mix) -> bool:
    """True for a post that this person has had often enough, or is done with."""
    return post.id in history.shared or post.id in history.refused or history.shown.get(post.id, 0) >= mix.repeats


def _wanted(ranked: Sequence[Ranked], history: History, mix: Mix) -> list[Ranked]:
    """What this person may get, in their order: topics they turned away from come last, and what was shown less comes first."""
    left = [r for r in ranked if not _rests(r.post, history, mix)]
    if not history.away:
        return sorted(left, key=lambda r: history.shown.get(r.post.id, 0)) if history.shown else left
    mine = [_without_topic(r, history.away) for r in left]
    return sorted(mine, key=lambda r: (not history.away.isdisjoint(r.post.topics), history.shown.get(r.post.id, 0)))


def _without_topic(ranked: Ranked, away: frozenset[str]) -> Ranked:
    """Nobody is told that they follow what they turned away from."""
    return Ranked(post=ranked.post, score=ranked.score, because="") if ranked.because.removeprefix("topic:") in away else ranked


def _placed(curated: Sequence[Ranked], places: Mapping[str, int]) -> list[Ranked]:
    """Without the posts of a source beyond the places it has."""
    if not places:
        return list(curated)
    had: Counter[str] = Counter()
    found = []
    for one in curated:
        source = source_of(one.post.url)
        had[source] += 1
        if had[source] <= places.get(source, len(curated)):
            found.append(one)
    return found


def passed(
    posts: Sequence[EditionPost], cohort: Cohort, history: History, mix: Mix, *, had: frozenset[int], places: Mapping[str, int]
) -> dict[int, Passed]:
    """Post -> why it is in neither the picks nor the spares of somebody in this cohort; `had`: the numbers that are."""
    found: dict[int, Passed] = {}
    for post in posts:
        if post.n in had:
            continue
        company = post.origin is Origin.CURATED and not post.internal
        if not is_for(post, cohort):
            found[post.n] = Passed.NOT_MEANT
        elif _rests(post, history, mix):
            found[post.n] = Passed.RESTS
        elif company and source_of(post.url) in places:
            found[post.n] = Passed.SOURCE
        else:
            found[post.n] = Passed.MIX if company else Passed.ROOM
    return found


def passes(posts: Sequence[EditionPost], least: int) -> bool:
    """Whether there is enough to say for an edition; one with less is skipped, and its posts wait for the next."""
    return len(posts) >= least


def _counts(colleagues: int, curated: int, mix: Mix, *, colleagues_write: bool) -> tuple[int, int]:
    """How many colleagues' and how many company posts: as many posts as the share allows.

    One company post has its place beside colleagues'; a second one only fills room that colleagues leave.
    """
    if not colleagues_write:
        return 0, min(curated, mix.curated, mix.posts)
    best = (0, 0)
    for theirs in (1, 0, *range(2, mix.curated + 1)):
        if theirs > min(curated, mix.curated, mix.posts):
            continue
        mine = min(colleagues, mix.posts - theirs)
        if mine >= mix.colleague_share * (mine + theirs) and mine + theirs > sum(best):
            best = (mine, theirs)
    return best


def _picks(ranked: Sequence[Ranked]) -> tuple[Pick, ...]:
    return tuple(Pick(n=r.post.n, because=r.because) for r in ranked)
