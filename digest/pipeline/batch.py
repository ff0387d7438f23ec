"""A batch of presses: what they ask for, and what was found for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from digest.db import links, short_links
from digest.domain.edition import EditionContent
from digest.domain.link import HONEYPOT
from digest.domain.press import READ, UNKNOWN, VISIT, LinkedPost, LinkToken, Press, Standing
from digest.pipeline.fresh import Posts


@dataclass(slots=True)
class Find:
    """A press with what it names, as far as there is such a thing, and what may become of it."""

    press: Press
    token: LinkToken | None = None  # of a press of the message
    post: LinkedPost | None = None
    link: short_links.ShortLink | None = None  # of a visit
    standing: Standing = UNKNOWN
    click_id: str = ""  # goes with the visitor


class Batch:
    """What a batch of presses asks for and what was found."""

    def __init__(self, *, presses: Sequence[Press], trap: str = "") -> None:
        self.presses = presses
        self.trap = trap  # where the link that no person sees leads; "": there is none
        self.tokens: dict[str, LinkToken] = {}
        self.read_tokens: dict[str, LinkToken] = {}  # those that were not remembered
        self.posts: Posts = {}
        self.links: dict[str, short_links.ShortLink] = {}
        self.read_links: dict[str, short_links.ShortLink] = {}
        self.own: set[links.Browser] = set()  # browsers of visitors whose own links they follow
        self.finds: list[Find] = []  # of each press, in their order
        self.shared: set[int] = set()
        self.contents: dict[int, EditionContent] = {}
        self.wants: dict[tuple[str, int, str], short_links.Want] = {}
        self.slugs: dict[tuple[str, str, str], str] = {}

    def match(self) -> list[Find]:
        """Bring each press together with what was found for it."""
        self.finds = [self._find(press) for press in self.presses]
        return self.finds

    def _find(self, press: Press) -> Find:
        if press.kind is VISIT:
            return Find(press=press, link=self.links.get(press.key))
        token = self.tokens.get(press.key)
        if token is None:
            return Find(press=press)
        if self.trap and press.n == HONEYPOT and press.kind is READ:
            nothing = LinkedPost(edition=token.edition, n=HONEYPOT, id="", title="", internal=False, url=self.trap, recalled=None)
            return Find(press=press, token=replace(token, numbers=None), post=nothing)
        return Find(press, token, self.posts.get((token.edition, press.n)))
