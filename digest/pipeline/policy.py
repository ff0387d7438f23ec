"""How a run behaves: everything of the configuration that delivery goes by, as plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.db.outbox import Changed
from digest.db.prepared import Row
from digest.domain.calendar import zone_of
from digest.domain.quiet import Quiet, quiet_until


@dataclass(frozen=True, kw_only=True)
class Policy:
    """See `[delivery]` and `[schedule]` in config.example.toml."""

    on_doubt: Literal["hold", "resend"] = "hold"
    deadline: timedelta = timedelta(hours=48)
    grace: float = 30.0  # seconds for what is on the wire when a stop is asked for
    at_once: bool = False  # everything planned is due: local hour, quiet hours, canary waits and pauses for retry are set aside
    quiet: Quiet | None = None
    site_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))  # of people whose own is not known
    canary: Callable[[int], int] | None = None  # audience -> how many go first
    canary_wait: timedelta = timedelta(minutes=15)
    only: frozenset[str] = frozenset()  # addresses and domains that may get mail; none: everybody
    give_way: Callable[[Connection, Sequence[Row]], Mapping[int, Changed]] | None = None  # letters that carry other posts by now
    bounces: str = ""  # `sender.bounces`
    bounce_key: bytes = field(default=b"", repr=False)  # signs it
    sign: Callable[[bytes, datetime], bytes] | None = None  # DKIM: the message as it stands on the wire, and its moment


@dataclass(frozen=True, kw_only=True)
class Hush:
    """When quiet hours end in a zone, remembered for the minute it was asked in."""

    quiet: Quiet
    site_zone: ZoneInfo
    now: datetime
    _known: dict[str, datetime | None] = field(default_factory=dict)

    def __call__(self, zone: str) -> datetime | None:
        """The end of the quiet hours that hold in `zone`, or None."""
        if zone not in self._known:
            self._known[zone] = quiet_until(self.now, self.quiet, zone_of(zone, self.site_zone))
        return self._known[zone]
