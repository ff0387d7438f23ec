"""Ready captions: the share page's, handed out a few times in an edition each, so that a company does not post one text a thousand times."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from digest.db import captions
from digest.db.session import read, write
from digest.domain.edition import EditionPost


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A ready caption that can still be had."""

    network: str
    place: int  # in the post's list for that network
    text: str
    left: int  # how often it can still be handed out


class Captions:
    """Hands ready captions out, from several threads, and only to somebody who presses for one: no link that is opened uses one up."""

    def __init__(self, engine: Engine, most: int) -> None:
        self._engine = engine
        self._most = most

    def take(self, edition: int, n: int, network: str, place: int) -> bool:
        """Hand one out; False when it is used up. Raises StorageError."""
        with write(self._engine) as connection:
            return captions.take(connection, edition, n, network, place, self._most)

    def ready(self, edition: int, post: EditionPost) -> list[Ready]:
        """What can still be had for a post, each text once. Raises StorageError."""
        if not post.captions or not self._most:
            return []
        with read(self._engine) as connection:
            used = captions.uses(connection, edition, post.n)
        found = [
            Ready(network=network, place=place, text=text, left=self._most - used.get((network, place), 0))
            for network, texts in post.captions.items()
            for place, text in enumerate(texts)
        ]
        by_text: dict[str, Ready] = {}
        for ready in found:
            if ready.left > 0:
                by_text.setdefault(ready.text, ready)
        return list(by_text.values())
