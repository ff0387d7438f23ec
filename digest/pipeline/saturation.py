"""Saturation-aware sending: before each wave, picks that a team has shared enough give way. Looked up once a wave and run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from digest.db import saturation
from digest.db.outbox import Changed, picks_of
from digest.db.prepared import Row
from digest.domain.message import MessageState
from digest.domain.post import Origin
from digest.domain.saturation import give_way, wave


@dataclass(frozen=True, kw_only=True)
class Waves:
    """The rule and what it found for each wave; see `mix.saturation`."""

    most: int  # people of a team who share a post before it gives way
    share: float
    curated: int
    _full: dict[tuple[int, datetime], Mapping[str, frozenset[int]]] = field(default_factory=dict)
    _kinds: dict[int, Mapping[int, Origin | None]] = field(default_factory=dict)

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> dict[int, Changed]:
        """Message -> its picks and spares, for those that change. What was offered to a server once stays as it is."""
        found: dict[int, Changed] = {}
        fresh = [row for row in rows if row.state == MessageState.QUEUED and not row.attempts and row.share_token]
        touched = [row for row in fresh if self._saturated(connection, row)]
        known = saturation.groups(connection, {row.share_token for row in touched}) if touched else {}
        for row in touched:
            full = self._saturated(connection, row).get(known.get(row.share_token, ""), frozenset())
            picks, spares = picks_of(row.picks), picks_of(row.spares)
            if not any(pick.n in full for pick in picks):
                continue
            after = give_way(picks, spares, full, self._kinds[row.edition_id].get, share=self.share, curated=self.curated)
            if after != (picks, spares):
                found[row.id] = after
        saturation.change(connection, found)
        return found

    def _saturated(self, connection: Connection, row: Row) -> Mapping[str, frozenset[int]]:
        """Team -> posts that it has shared enough, for the wave of a message."""
        key = (row.edition_id, wave(row.due_at))
        if key not in self._full:
            counted = saturation.shares(connection, *key)
            full = {group: frozenset(n for n, count in posts.items() if count >= self.most) for group, posts in counted.items()}
            self._full[key] = {group: posts for group, posts in full.items() if posts}
            if self._full[key] and row.edition_id not in self._kinds:
                self._kinds[row.edition_id] = saturation.kinds(connection, row.edition_id)
        return self._full[key]
