"""The rules of the mix in words: what each of them did to an edition, and to one person's letter."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, Row

from digest.config import Config
from digest.db import ledger, redactions, samples
from digest.domain.edition import Edition, EditionContent
from digest.domain.employee import Employee
from digest.domain.message import MessageState, SkipReason
from digest.domain.post import Origin
from digest.domain.saturation import GAVE_WAY
from digest.domain.selection import History, Passed, passed
from digest.domain.vote import Standing
from digest.pipeline import votes
from digest.pipeline.planning import mix_of
from digest.pipeline.selection import Selector

_SHAPES = 3  # of letters; the rest is told together
_WHY = {
    Passed.NOT_MEANT: "for other countries, teams or languages",
    Passed.RESTS: "had as often as anybody does, or done with",
    Passed.SOURCE: "its source has fewer places, because readers found it too salesy",
    Passed.MIX: "company posts may not outnumber colleagues'",
    Passed.ROOM: "others fit better, and the letter is full",
}
_TAKEN_BACK = "was taken back, or its links are paused"
GAVE = "gave way to the next spare, because it was shared enough nearby"


def rules(connection: Connection, config: Config, edition: Edition, content: EditionContent) -> tuple[str, ...]:
    """What each rule did, one sentence a rule; only those that have something to say."""
    chosen = samples.choices(connection, edition.id)
    _, sources = votes.heard(connection, content, minimum=config.privacy.minimum_group, places=config.mix.curated)
    mix, reasons = config.mix, ledger.reasons(connection, edition.id)
    seen = reasons.get(MessageState.SKIPPED, {}).get(SkipReason.SEEN_ENOUGH, 0)
    silent = f"; {_counted(seen, 'person')} had all of theirs and get no letter" if seen else ""
    most = f"{mix.repeats} times" if mix.repeats > 1 else "once"
    lines = [
        *_shapes(chosen, content),
        f"Quality: {_counted(len(content.posts), 'post')} open, and an edition needs {mix.at_least}.",
        f"Repeats: one post {most} at most to the same person{silent}.",
        *_asks(chosen, config.privacy.minimum_group),
        *(
            [f"Own words first: a ready caption is handed out {config.sharing.caption_uses} times, then people write their own."]
            if _captions(content)
            else []
        ),
        *(
            [f"Saturation: once {mix.saturation} people of a team have shared a post, that team's later hours get a spare instead."]
            if mix.saturation
            else []
        ),
        *(_standing(one, told=one.source in content.heard) for one in sources),
        *votes.said_of_last(connection, content.period, config.privacy.minimum_group),
    ]
    return tuple(lines)


def _shapes(chosen: Counter[samples.Choice], content: EditionContent) -> list[str]:
    """Letters by how many posts of which kind are in them."""
    shapes: Counter[tuple[int, int, int]] = Counter()
    for (_, picks, _), count in chosen.items():
        posts = [post for n, _ in picks if (post := content.post(n)) is not None]
        inside = sum(post.internal for post in posts)
        colleagues = sum(post.origin is Origin.COLLEAGUE and not post.internal for post in posts)
        shapes[colleagues, len(posts) - inside - colleagues, inside] += count
    said = [f"{_counted(count, 'letter')} with {_shape(shape)}" for shape, count in shapes.most_common(_SHAPES)]
    rest = shapes.total() - sum(count for _, count in shapes.most_common(_SHAPES))
    return [f"Mix: {'; '.join([*said, *([f'{rest:,} others'] if rest else [])])}."] if said else []


def _shape(shape: tuple[int, int, int]) -> str:
    named = zip(shape, ("by colleagues", "curated", "inside"), strict=True)
    return ", ".join(f"{count} {what}" for count, what in named if count) or "no post"


def _asks(chosen: Counter[samples.Choice], minimum: int) -> list[str]:
    """Letters without share links, while they are enough not to point at anybody."""
    silent = sum(count for (_, _, networks), count in chosen.items() if not networks)
    return [f"No ask after two shares: {silent:,} letters carry no share link."] if silent >= minimum else []


def _captions(content: EditionContent) -> bool:
    return any(post.captions for post in content.posts)


def _standing(one: Standing, *, told: bool) -> str:
    said = "; this edition says so" if told else ""
    return (
        f"Source {one.source}: {one.places} of {one.of} places in a letter, because readers of {', '.join(one.editions)} found it too salesy{said}."
    )


def _counted(count: int, what: str) -> str:
    many = {"person": "people"}.get(what, f"{what}s")
    return f"{count:,} {what if count == 1 else many}"


def left_out(
    connection: Connection,
    config: Config,
    edition: Edition,
    content: EditionContent,
    person: Employee,
    row: Row[Any],
) -> list[dict[str, Any]]:
    """Each post that is not in this person's letter, and which rule kept it out. Never what they pressed or answered."""
    gave = {n for n, because in row.spares if because == GAVE_WAY}
    had = frozenset(n for n, _ in (*row.picks, *row.spares))
    past = Selector(content, edition.id, mix_of(config), edition.planned_at).past(connection, [person])
    found = passed(content.posts, person.cohort, past.get(person.id, History()), mix_of(config), had=had, places=content.places)
    said = {n: _WHY[why] for n, why in found.items()} | dict.fromkeys(gave, GAVE)
    said |= dict.fromkeys(redactions.recalled(connection, edition.id) - had, _TAKEN_BACK)
    return [{"n": post.n, "post": post.id, "title": post.title, "because": said[post.n]} for post in content.posts if post.n in said]
