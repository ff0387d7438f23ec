"""Which links there are, roughly: a Bloom filter, made when somebody guesses, so that guesses cost no look-up and links still work.

It never denies a link that is older than its last look; of what is no link it lets one in some thousands through, which the
database then denies. A link that another process made within the last seconds is not in it yet: see `digest.web.misses`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine

from digest.db import known
from digest.db.session import read
from digest.errors import StorageError

_FRESH = 10.0  # seconds after which it looks for new links
_STALE = 20.0  # seconds after which it is not believed
_OVERLAP = timedelta(minutes=5)  # clocks of other machines
_BITS = 16  # for each link
_LEAST, _MOST = 2**16, 2**28  # bits: 8 KB, 32 MB
_TURNS = 4
_BREATH = 4096  # links between two breaths, so that a long look slows nobody's press


class Filter:
    """A Bloom filter for about `room` names."""

    def __init__(self, room: int) -> None:
        bits = min(max(_LEAST, 1 << (room * _BITS - 1).bit_length() if room else _LEAST), _MOST)
        self.room = bits // _BITS
        self._mask = bits - 1
        self._octets = bytearray(bits // 8)
        self.size = 0

    def add(self, name: str) -> None:
        """Put a name in."""
        first, step = self._seed(name)
        for turn in range(_TURNS):
            place = (first + turn * step) & self._mask
            self._octets[place >> 3] |= 1 << (place & 7)
        self.size += 1

    def __contains__(self, name: str) -> bool:
        """False when the name was never put in."""
        first, step = self._seed(name)
        places = ((first + turn * step) & self._mask for turn in range(_TURNS))
        return all(self._octets[place >> 3] >> (place & 7) & 1 for place in places)

    @staticmethod
    def _seed(name: str) -> tuple[int, int]:
        hashed = hash(name)  # of this process alone: nobody outside can aim at it
        return hashed & 0xFFFFFFFF, (hashed >> 32) | 1


class Known:
    """The links of a database; looks for new ones by itself while it is asked."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._monotonic = monotonic
        self._filter: Filter | None = None
        self._looked = float("-inf")
        self._until: datetime | None = None
        self._looking = threading.Lock()
        self._thread: threading.Thread | None = None

    def may_be(self, name: str) -> bool:
        """False when there is certainly no such link; True while nobody knows."""
        age = self._monotonic() - self._looked
        if not 0 <= age <= _FRESH:
            self.look()
        return self._filter is None or not 0 <= age <= _STALE or name in self._filter

    def look(self) -> threading.Thread | None:
        """Look for new links in a thread of its own; None when one looks already."""
        if not self._looking.acquire(blocking=False):
            return None
        self._thread = thread = threading.Thread(target=self._look, name="known links", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Wait for the last look, unless it is a very long one."""
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _look(self) -> None:
        try:
            began, now = self._monotonic(), self._clock()
            with read(self._engine) as connection:
                there = known.count(connection)
                more = self._filter is not None and there <= self._filter.room
                since = self._until - _OVERLAP if more and self._until is not None else None
                found = self._filter if since is not None and self._filter is not None else Filter(there + there // 4)
                for place, name in enumerate(known.names(connection, since)):
                    found.add(name)
                    if place % _BREATH == 0:
                        time.sleep(0.001)
            self._filter, self._until, self._looked = found, now, began
        except StorageError:  # the database is away: nobody is denied
            pass
        finally:
            self._looking.release()
