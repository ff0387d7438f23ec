"""Who gets which posts, and why: rank once per cohort, then walk each person's list past what they have had.

Pure and deterministic: the same edition, cohort and history give the same picks, whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from digest.domain.edition import EditionPost
from digest.domain.employee import Cohort
from digest.domain.message import Pick, SkipReason
from digest.domain.post import Origin

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
    """What one person has had: post id -> times shown, and the posts they shared."""

    shown: Mapping[str, int] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Selection:
    """One person's posts: in reading order, and who steps in when one gives way."""

    picks: tuple[Pick, ...]
    spares: tuple[Pick, ...]


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


def choose(ranked: Sequence[Ranked], history: History, mix: Mix, *, colleagues_write: bool) -> Selection | Skip:
    """Picks and spares for one person, or the reason why there is no message.

    `colleagues_write`: the edition carries at least one public post by a colleague. Then company posts never outnumber
    their share; without any, up to `mix.curated` stand alone and planning warns.
    """
    if not ranked:
        return Skip(reason=SkipReason.NOTHING_FOR_YOU)
    shown, shared = history.shown, history.shared
    left = [r for r in ranked if r.post.id not in shared and shown.get(r.post.id, 0) < mix.repeats]
    unseen_first = sorted(left, key=lambda r: shown.get(r.post.id, 0)) if shown else left
    outward = [r for r in unseen_first if not r.post.internal]
    inside = [r for r in unseen_first if r.post.internal][: mix.inside]
    colleagues = [r for r in outward if r.post.origin is Origin.COLLEAGUE]
    curated = [r for r in outward if r.post.origin is Origin.CURATED]
    mine, theirs = _counts(len(colleagues), len(curated), mix, colleagues_write=colleagues_write)
    chosen = [*colleagues[:mine], *curated[:theirs]]
    if not chosen and not inside:
        return Skip(reason=SkipReason.SEEN_ENOUGH)
    spares = [*colleagues[mine:], *curated[theirs : theirs + max(mix.curated - theirs, 0)]]
    return Selection(picks=_picks([*chosen, *inside]), spares=_picks(spares[: mix.spares]))


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
