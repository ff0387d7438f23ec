"""What links are answered by, read once and again only when somebody has changed it: a recall or a revocation counts at once.

SQLite counts such changes by itself (see the migration that makes `link_change`), so events, which come with every press,
and messages that go out make nobody read again. Where nothing counts (PostgreSQL), everything is read each time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeVar

from sqlalchemy import Connection

from digest.db import links, short_links
from digest.domain.press import LinkedPost, LinkToken
from digest.pipeline.memory import Bounded

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_MOST = 20_000  # tokens, and as many short links

Posts = Mapping[tuple[int, int], LinkedPost]  # (edition, n) -> post
ShortKey = tuple[str, str, str]  # owner, post, network


class Fresh:
    """Used by one thread at a time; `look` comes first in every transaction."""

    def __init__(self) -> None:
        self._name = f"fresh {id(self)}"  # under which a connection keeps what it had seen when it looked last
        self._changes: int | None = None  # when what is known was read; None: it holds for this transaction alone
        self._forget()

    def _forget(self) -> None:
        self._posts: dict[int, Posts] = {}
        self._hashes: dict[int, tuple[str, str]] = {}
        self._tokens: Bounded[str, LinkToken] = Bounded(_MOST)
        self._links: Bounded[str, short_links.ShortLink] = Bounded(_MOST)
        self._slugs: Bounded[ShortKey, str] = Bounded(_MOST)

    def look(self, connection: Connection) -> None:
        """Forget what may have changed."""
        changes = self._seen_by(connection)
        if changes is None or changes != self._changes:
            self._forget()
            self._changes = changes

    def _seen_by(self, connection: Connection) -> int | None:
        version = links.version(connection)
        if version is None:
            return None
        before, changes = connection.info.get(self._name, (None, 0))
        if version != before:
            changes = links.changes(connection)
            connection.info[self._name] = (version, changes)
        return int(changes)

    def tokens(self, connection: Connection, keys: AbstractSet[str]) -> tuple[dict[str, LinkToken], dict[str, LinkToken]]:
        """The share tokens among `keys`, and those of them that had to be read."""
        found, read = _known(self._tokens, keys, lambda missing: links.tokens(connection, missing))
        self._tokens.put({key: token for key, token in read.items() if token.settled})
        return found, read

    def links(self, connection: Connection, slugs: AbstractSet[str]) -> tuple[dict[str, short_links.ShortLink], dict[str, short_links.ShortLink]]:
        """The short links among `slugs`, and those of them that had to be read."""
        found, read = _known(self._links, slugs, lambda missing: short_links.find(connection, missing))
        self._links.put(read)
        return found, read

    def slugs(self, connection: Connection, wants: Mapping[ShortKey, short_links.Want]) -> dict[ShortKey, str]:
        """The slugs that there are for `wants`."""
        found, read = _known(self._slugs, wants.keys(), lambda missing: short_links.slugs(connection, [wants[key] for key in missing]))
        self._slugs.put(read)
        return found

    def hashes(self, connection: Connection, editions: AbstractSet[int]) -> dict[int, tuple[str, str]]:
        """Edition -> (period, hash)."""
        missing = editions - self._hashes.keys()
        if missing:
            self._hashes |= links.hashes(connection, missing)
        return {edition: self._hashes[edition] for edition in editions if edition in self._hashes}

    def posts(self, connection: Connection, editions: AbstractSet[int]) -> Posts:
        """All posts of `editions`, as they are in this transaction."""
        for edition in editions - self._posts.keys():
            self._posts[edition] = links.posts(connection, [edition])
        if len(editions) == 1:
            return self._posts[min(editions)]
        return {which: post for edition in editions for which, post in self._posts[edition].items()}


def _known(known: Bounded[K, V], keys: Iterable[K], read: Callable[[list[K]], dict[K, V]]) -> tuple[dict[K, V], dict[K, V]]:
    """What there is of `keys`, and the part of it that was read just now."""
    found: dict[K, V] = {}
    missing = []
    for key in keys:
        value = known.get(key)
        if value is None:
            missing.append(key)
        else:
            found[key] = value
    new = read(missing) if missing else {}
    return found | new, new
