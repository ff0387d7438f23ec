"""What a person types or picks for their own letter, read and bounded."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

MOST_TOPICS: Final = 20
_LONGEST: Final = 40
_BETWEEN = re.compile(r"[,;\u060c\u3001\uff0c\n]")  # commas of the languages the pages speak


def read_topics(picked: Iterable[str], typed: str) -> tuple[str, ...] | None:
    """Topics as a roster holds them: small letters, sorted, each once. None when there are too many or one is too long."""
    parts = [" ".join(part.split()).lower() for part in (*picked, *_BETWEEN.split(typed))]
    found = sorted({part for part in parts if part})
    fits = len(found) <= MOST_TOPICS and all(len(topic) <= _LONGEST and topic.isprintable() for topic in found)
    return tuple(found) if fits else None


def read_networks(picked: Iterable[str], offered: Collection[str]) -> tuple[str, ...]:
    """The networks with links of their own, favourites first, each once; what is not on offer is left out."""
    return tuple(dict.fromkeys(name for name in picked if name in offered))
