"""What presses found in the database, kept for a while, so that links go on when it is away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from digest.db import short_links
from digest.domain.edition import EditionContent
from digest.domain.press import READ, VISIT, LinkedPost, LinkToken, Press
from digest.pipeline.batch import Batch
from digest.pipeline.fresh import Posts
from digest.pipeline.memory import Bounded

_LINKS = 20_000  # tokens, and as many short links: about 25 MB when full
_EDITIONS = 16
_SHARERS = 5000


class Seen:
    """Links that were pressed: enough to answer them again without asking. Of who pressed it holds what tells an owner's browser, for the day."""

    def __init__(self, most: int = _LINKS) -> None:
        self._tokens: Bounded[str, LinkToken] = Bounded(most)
        self._links: Bounded[str, short_links.ShortLink] = Bounded(most)
        self._made: Bounded[str, bool] = Bounded(most)
        self._slugs: Bounded[tuple[str, str, str], str] = Bounded(most)
        self._shared: Bounded[tuple[str, int, str], bool] = Bounded(most)
        self.sharers: Bounded[tuple[int, str], datetime] = Bounded(min(most, _SHARERS))  # (person, browser); the database may not have the share yet
        self._posts: Bounded[int, dict[int, LinkedPost]] = Bounded(_EDITIONS)
        self._kept: Posts = {}  # whose posts were kept last
        self._contents: Bounded[int, EditionContent] = Bounded(_EDITIONS)

    def keep(self, batch: Batch) -> None:
        """Remember what a batch found."""
        if batch.posts is not self._kept:
            posts: dict[int, dict[int, LinkedPost]] = {}
            for (edition, n), post in batch.posts.items():
                posts.setdefault(edition, {})[n] = post
            self._posts.put(posts)
            self._kept = batch.posts
        self._tokens.put(batch.read_tokens)
        self._links.put(batch.read_links)
        self._slugs.put(batch.slugs)
        self._contents.put(batch.contents)
        self._shared.put({which: True for which, want in batch.wants.items() if want.key in batch.slugs})

    def minted(self, batch: Batch) -> None:
        """Remember the short links of a batch; some were made just now."""
        self._slugs.put(batch.slugs)
        self._made.put(dict.fromkeys(batch.slugs.values(), True))
        self._shared.put(dict.fromkeys(batch.wants, True))

    def shared(self, press: Press) -> bool:
        """True when the short link that this press of a share link needs is there."""
        return (press.key, press.n, press.letter) in self._shared

    def heard_of(self, key: str) -> bool:
        """True when there surely is such a token or slug."""
        return key in self._tokens or key in self._links or key in self._made

    def knows(self, press: Press) -> bool:
        """True when the press can be answered out of this alone."""
        if press.kind is VISIT:
            return press.key in self._links
        token = self._tokens.get(press.key)
        return token is not None and token.edition in self._posts and (press.kind is READ or token.edition in self._contents)

    def batch(self, presses: Sequence[Press], trap: str) -> Batch:
        """Those of `presses` that are known, with everything known about them. `trap`: as a batch has it."""
        found = Batch(presses=[press for press in presses if self.knows(press)], trap=trap)
        for press in found.presses:
            link = self._links.get(press.key) if press.kind is VISIT else None
            token = self._tokens.get(press.key) if press.kind is not VISIT else None
            if link is not None:
                found.links[press.key] = link
            if token is not None:
                found.tokens[press.key] = token
                found.posts = {**found.posts, **{(token.edition, n): post for n, post in (self._posts.get(token.edition) or {}).items()}}
                content = self._contents.get(token.edition)
                found.contents |= {token.edition: content} if content else {}
        return found

    def fill_slugs(self, batch: Batch) -> None:
        """Keep only the short links that exist already; the others' places take the article's own address."""
        batch.slugs = {want.key: slug for want in batch.wants.values() if (slug := self._slugs.get(want.key))}
        batch.wants = {which: want for which, want in batch.wants.items() if want.key in batch.slugs}
