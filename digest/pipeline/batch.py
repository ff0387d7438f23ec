"""A batch of presses: what they ask for, and what was found for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from digest.db import short_links
from digest.domain.edition import EditionContent
from digest.domain.link import HONEYPOT
from digest.domain.press import Kind, LinkedPost, LinkToken, Press, Standing
from digest.pipeline.fresh import Posts


class Batch:
    """What a batch of presses asks for and what was found."""

    def __init__(self, *, presses: Sequence[Press]) -> None:
        self.presses = presses
        self.trap = ""  # where the link that no person sees leads; "": there is none
        self.tokens: dict[str, LinkToken] = {}
        self.posts: Posts = {}
        self.links: dict[str, short_links.ShortLink] = {}
        self.own: dict[int, set[str]] = {}
        self.standings: list[Standing] = []
        self.shared: set[int] = set()
        self.contents: dict[int, EditionContent] = {}
        self.wants: dict[tuple[str, int, str], short_links.Want] = {}
        self.slugs: dict[tuple[str, str, str], str] = {}
        self.click_ids: dict[int, str] = {}  # id() of a press -> what goes with the visitor
        self._places = {id(press): place for place, press in enumerate(presses)}
        self._pairs: dict[int, tuple[LinkToken | None, LinkedPost | None]] = {}

    def pair(self, press: Press) -> tuple[LinkToken | None, LinkedPost | None]:
        """The token and post that a press of the message names; asked once tokens and posts are there."""
        found = self._pairs.get(id(press))
        if found is None:
            found = self._pairs[id(press)] = self._pair(press)
        return found

    def _pair(self, press: Press) -> tuple[LinkToken | None, LinkedPost | None]:
        token = self.tokens.get(press.key)
        if token and self.trap and press.kind is Kind.READ and press.n == HONEYPOT:
            nothing = LinkedPost(edition=token.edition, n=HONEYPOT, id="", title="", internal=False, url=self.trap, recalled=None)
            return replace(token, numbers=None), nothing
        return token, self.posts.get((token.edition, press.n)) if token else None

    def place(self, press: Press) -> int:
        """Where the press stands in the batch."""
        return self._places[id(press)]
