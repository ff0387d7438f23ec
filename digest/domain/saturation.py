"""Saturation: where enough people have shared a post already, the letters of later hours carry another."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from digest.domain.message import Pick
from digest.domain.post import Origin

GAVE_WAY = "gave_way"  # stands beside a pick that has become the last of the spares
TEAM = "team:"  # begins the name of a group that a saturation is looked for in

Kind = Callable[[int], Origin | None]  # the post's number -> who made it; None: it stays inside


def wave(due_at: datetime) -> datetime:
    """When the wave of a message begins: all letters of one due hour are one wave."""
    return due_at.replace(minute=0, second=0, microsecond=0)


def give_way(
    picks: tuple[Pick, ...], spares: tuple[Pick, ...], full: Collection[int], kind: Kind, *, share: float, curated: int
) -> tuple[tuple[Pick, ...], tuple[Pick, ...]]:
    """Picks and spares once every pick in `full` has given way to the next spare that keeps the mix.

    A pick without such a spare stays: a post that others have shared too is better than none. `share`: the least part of the outward
    posts that colleagues made; `curated`: the most others.
    """
    chosen, left, gone = list(picks), list(spares), list[Pick]()
    for pick in picks:
        if pick.n not in full or kind(pick.n) is None:
            continue
        for spare in left:
            if spare.n in full or spare.because == GAVE_WAY:
                continue
            after = _ordered([*(one for one in chosen if one.n != pick.n), spare], kind)
            if _keeps(after, kind, share=share, curated=curated) or not _keeps(chosen, kind, share=share, curated=curated):
                chosen = after
                left.remove(spare)
                gone.append(Pick(n=pick.n, because=GAVE_WAY))
                break
    return tuple(chosen), (*left, *gone)


def leave_out(
    picks: tuple[Pick, ...], spares: tuple[Pick, ...], gone: Collection[int], kind: Kind, *, share: float, curated: int
) -> tuple[tuple[Pick, ...], tuple[Pick, ...]]:
    """Picks and spares without the posts that were taken back: each gives way as above, and where no spare fits, to nothing."""
    chosen, left = give_way(picks, tuple(spare for spare in spares if spare.n not in gone), gone, kind, share=share, curated=curated)
    return tuple(pick for pick in chosen if pick.n not in gone), tuple(spare for spare in left if spare.n not in gone)


def _ordered(picks: list[Pick], kind: Kind) -> list[Pick]:
    """Colleagues' posts first, then curated ones, then those inside; otherwise as they stood."""
    places = {Origin.COLLEAGUE: 0, Origin.CURATED: 1, None: 2}
    return sorted(picks, key=lambda pick: places[kind(pick.n)])


def _keeps(picks: list[Pick], kind: Kind, *, share: float, curated: int) -> bool:
    kinds = [kind(pick.n) for pick in picks]
    mine, theirs = kinds.count(Origin.COLLEAGUE), kinds.count(Origin.CURATED)
    return theirs <= curated and mine >= share * (mine + theirs)
