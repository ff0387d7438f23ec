"""What is remembered, and no more of it than was agreed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """A mapping that forgets what was not written for longest, beyond `most` entries."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        """Whether something stands there."""
        return key in self._entries

    def get(self, key: K) -> V | None:
        """What stands there, or None."""
        return self._entries.get(key)

    def put(self, entries: Mapping[K, V]) -> None:
        """Write entries, and forget the oldest."""
        for key, value in entries.items():
            self._entries.pop(key, None)
            self._entries[key] = value
        while len(self._entries) > self._most:
            self._entries.popitem(last=False)
