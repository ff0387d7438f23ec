"""What links are answered by, read once and again only when somebody has changed it: a recall or a revocation counts at once.

SQLite marks such changes by itself (see the migration that makes `link_change`), so events, which come with every press,
and messages that go out make nobody read again. Where nothing is marked (PostgreSQL), everything is read each time.
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
_EDITIONS = 64

Posts = Mapping[tuple[int, int], LinkedPost]  # (edition, n) -> post
ShortKey = tuple[str, str, str]  # owner, post, network


class Fresh:
    """Used by one thread at a time; `look` comes first in every transaction."""

    def __init__(self) -> None:
        self._name = f"fresh {id(self)}"  # under which a connection keeps what it had seen when it looked last
        self._mark: int | None = None  # under which what is known was read; None: it holds for this transaction alone
        self._forget()

    def _forget(self) -> None:
        self._posts: Bounded[int, Posts] = Bounded(_EDITIONS)
        self._hashes: Bounded[int, tuple[str, str]] = Bounded(_EDITIONS)
        self._tokens: Bounded[str, LinkToken] = Bounded(_MOST)
        self._links: Bounded[str, short_links.ShortLink] = Bounded(_MOST)
        self._slugs: Bounded[ShortKey, str] = Bounded(_MOST)

    def look(self, connection: Connection) -> None:
        """Forget what may have changed."""
        mark = self._seen_by(connection)
        if mark is None or mark != self._mark:
            self._forget()
            self._mark = mark

    def _seen_by(self, connection: Connection) -> int | None:
        version = links.version(connection)
        if version is None:
            return None
        before, mark = connection.info.get(self._name, (None, None))
        if version != before:
            mark = links.mark(connection)
            connection.info[self._name] = (version, mark)
        return None if mark is None else int(mark)

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
        found, read = _known(self._hashes, editions, lambda missing: links.hashes(connection, missing))
        self._hashes.put(read)
        return found

    def posts(self, connection: Connection, editions: AbstractSet[int]) -> Posts:
        """All posts of `editions`, as they are in this transaction."""
        found, read = _known(self._posts, editions, lambda missing: {edition: links.posts(connection, [edition]) for edition in missing})
        self._posts.put(read)
        if len(found) == 1:
            return found[min(found)]
        return {which: post for posts in found.values() for which, post in posts.items()}


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
