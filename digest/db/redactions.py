"""Messages and compiled letters that hold what was taken back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Text, cast, func, or_, select, update

from digest.db.outbox import picks_of
from digest.db.schema import edition, edition_body, edition_post, message, post
from digest.domain.message import MessageState, Pick, SkipReason

_HEAD = 200  # octets of a compiled letter; its first line is shorter


@dataclass(frozen=True, kw_only=True)
class Carrying:
    """A message that no server was offered yet."""

    id: int
    picks: tuple[Pick, ...]
    spares: tuple[Pick, ...]


def recalled(connection: Connection, edition_id: int) -> frozenset[int]:
    """The numbers of an edition's posts that go out no more: their links are paused, or their words are gone with whoever gave them."""
    joined = edition_post.join(post, post.c.id == edition_post.c.post_id)
    found = select(edition_post.c.n).select_from(joined).where(edition_post.c.edition_id == edition_id, post.c.recalled.is_not(None))
    words = connection.execute(select(edition.c.content).where(edition.c.id == edition_id)).scalar_one()
    gone = {int(one["n"]) for one in (words or {}).get("posts", ()) if one.get("gone")}
    return frozenset(gone) | frozenset(connection.execute(found).scalars())


def carrying(connection: Connection, edition_id: int, numbers: Iterable[int], *, after: int, most: int) -> list[Carrying]:
    """Up to `most` messages behind the id `after` that have one of these posts among their picks or spares."""
    untouched = (message.c.edition_id == edition_id) & (message.c.state == MessageState.QUEUED) & (message.c.attempts == 0) & (message.c.id > after)
    picks, spares = cast(message.c.picks, Text), cast(message.c.spares, Text)
    has_one = or_(*(chosen.contains(f"[{n},") for n in sorted(numbers) for chosen in (picks, spares)))
    query = select(message.c.id, picks, spares).where(untouched, has_one).order_by(message.c.id).limit(most).with_for_update(of=message)
    return [Carrying(id=row[0], picks=picks_of(row[1]), spares=picks_of(row[2])) for row in connection.execute(query)]


def change(connection: Connection, number: int, picks: Iterable[Pick], spares: Iterable[Pick]) -> None:
    """Write other picks and spares into a message; one without any is skipped."""
    chosen = [[pick.n, pick.because] for pick in picks]
    values = {"picks": chosen, "spares": [[pick.n, pick.because] for pick in spares]}
    ended = {} if chosen else {"state": MessageState.SKIPPED, "reason": SkipReason.NOTHING_FOR_YOU}
    connection.execute(update(message).where(message.c.id == number, message.c.state == MessageState.QUEUED).values(**values, **ended))


def compiled_of(connection: Connection, edition_id: int) -> dict[str, str]:
    """Language -> the fingerprint of the words that a letter was compiled from; "" in one that an older version compiled."""
    rows = connection.execute(
        select(edition_body.c.language, func.substr(edition_body.c.compiled, 1, _HEAD)).where(edition_body.c.edition_id == edition_id)
    )
    return {language: _made_of(bytes(head)) for language, head in rows}


def _made_of(head: bytes) -> str:
    first = head.partition(b"\n")[0].split()
    return first[2].decode("ascii") if len(first) > 2 else ""  # noqa: PLR2004 - the third word
