"""Short links whose row stands in the journal first: made of a secret, so that whoever makes one makes the same, and found there meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import datetime

from sqlalchemy import Connection, Engine

from digest.db import keys, short_links
from digest.db.session import read
from digest.files.spool import Spool
from digest.pipeline.answer import Row
from digest.pipeline.records import waiting_links


class Minting:
    """For the servers of one host, whose journals lie beside `spool`; None: they are not searched. Used by one thread at a time."""

    def __init__(self, engine: Engine, spool: Spool | None) -> None:
        self._engine = engine
        self._spool = spool
        self._secret = b""

    def make(self, connection: Connection, wants: Iterable[short_links.Want], now: datetime) -> list[Row] | None:
        """Rows of short links for `wants`, which have none yet; None while there is no secret to make them of."""
        if not self._secret:
            *_, self._secret = (b"", *keys.signing_keys(connection, "control").values())  # the oldest: a new key changes no slug
        if not self._secret:
            return None
        once = {want.key: want for want in wants}
        made = short_links.made_of(connection, once.values(), self._secret)
        return [
            {"slug": made[key], "owner": want.owner, "edition_id": want.edition, "post_id": want.post, "network": want.network, "created_at": now}
            for key, want in once.items()
        ]

    def find(self, connection: Connection, slugs: AbstractSet[str]) -> dict[str, short_links.ShortLink]:
        """Those of `slugs`, which the database did not have, that stand in a journal; or in the database, which they reached just now."""
        if self._spool is None:
            return {}
        found = short_links.arriving(connection, waiting_links(self._spool, slugs))
        if missing := slugs - found.keys():
            with read(self._engine) as anew:
                found |= short_links.find(anew, missing)
        return found
