"""Ready captions: handed out a few times in an edition each, so that a company does not post one text a thousand times."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from digest.db import captions
from digest.db.session import read, write
from digest.domain.edition import EditionPost
from digest.domain.share import turns
from digest.errors import StorageError
from digest.pipeline.answer import Share
from digest.pipeline.seen import Bounded

_REMEMBERED = 50_000  # captions that are known to be used up
_GIVEN = 10_000  # links whose caption is remembered


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A ready caption that can still be had."""

    network: str
    place: int  # in the post's list for that network
    text: str
    left: int  # how often it can still be handed out


class Captions:
    """Hands ready captions out, from several threads. What is used up stays so, and is not asked about again."""

    def __init__(self, engine: Engine, most: int) -> None:
        self._engine = engine
        self._most = most
        self._gone: set[tuple[int, int, str, int]] = set()
        self._given: Bounded[tuple[str, int, str], int] = Bounded(_GIVEN)

    def words(self, share: Share, token: str) -> str:
        """Words to start from: a ready caption while there is one, the title where nobody wrote any, else none: own words remain.

        A press that no person made uses nothing up, and gets the same answer. Raises nothing: without a database none is counted.
        """
        texts = share.post.captions.get(share.network.name, ()) if share.network else ()
        if not texts:
            return share.post.title
        link = (token, share.post.n, share.network.name if share.network else "")
        given = self._given.get(link)  # a second press, or a gateway's look at what the person pressed, gets the same words
        if given is not None and given < len(texts):
            return texts[given]
        for place in turns(token, share.post.n, len(texts)):
            if self._have(share, place):
                if share.human and share.person is not None:
                    self._given.put({link: place})
                return texts[place]
        return ""

    def _have(self, share: Share, place: int) -> bool:
        name = share.network.name if share.network else ""
        if not self._most or (share.edition, share.post.n, name, place) in self._gone:
            return False
        try:
            return not share.human or self.take(share.edition, share.post.n, name, place)
        except StorageError:
            return True

    def take(self, edition: int, n: int, network: str, place: int) -> bool:
        """Hand one out; False when it is used up. Raises StorageError."""
        with write(self._engine) as connection:
            taken = captions.take(connection, edition, n, network, place, self._most)
        if not taken and len(self._gone) < _REMEMBERED:
            self._gone.add((edition, n, network, place))
        return taken

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
