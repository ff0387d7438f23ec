"""The posts of editions, read once and again only when somebody has changed the database: a recall counts at once."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from sqlalchemy import Connection

from digest.db import links
from digest.domain.press import LinkedPost

Posts = Mapping[tuple[int, int], LinkedPost]  # (edition, n) -> post


class Fresh:
    """Used by one thread at a time."""

    def __init__(self) -> None:
        self._name = f"fresh {id(self)}"  # under which a connection keeps what it had seen when it looked last
        self._known: dict[int, Posts] = {}

    def wrote(self, connection: Connection) -> None:
        """What this transaction has changed are no posts."""
        if self._known:
            connection.info[self._name] = links.version(connection)

    def posts(self, connection: Connection, editions: AbstractSet[int]) -> Posts:
        """All posts of `editions`, as they are in this transaction."""
        version = links.version(connection)
        if version is None or version != connection.info.get(self._name):
            connection.info[self._name], self._known = version, {}
        for edition in editions - self._known.keys():
            self._known[edition] = links.posts(connection, [edition])
        if len(editions) == 1:
            return self._known[min(editions)]
        return {which: post for edition in editions for which, post in self._known[edition].items()}
