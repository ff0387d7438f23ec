"""Ids made from titles: what stands in links and reports when a post has no id of its own."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Container

_SPELLED = str.maketrans({"ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue", "æ": "ae", "ø": "oe", "å": "aa", "œ": "oe", "ł": "l", "đ": "d"})
_LONGEST = 120
_ROOM = 8  # for the number of a namesake
_OTHER = re.compile(r"[^a-z0-9]+")


def slug(title: str) -> str:
    """The title in small ASCII letters, digits and hyphens; a title without any gets a short hash."""
    spelled = unicodedata.normalize("NFC", title).lower().translate(_SPELLED)
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    words = _OTHER.sub("-", plain).strip("-")[: _LONGEST - _ROOM].rstrip("-")
    return words or f"post-{hashlib.sha256(title.encode()).hexdigest()[:10]}"


class Slugs:
    """Gives each title an id that nobody else has; the n-th namesake is found in one step."""

    def __init__(self, taken: Container[str]) -> None:
        self._taken = taken
        self._given: set[str] = set()
        self._next: dict[str, int] = {}

    def give(self, title: str) -> str:
        """An id for `title`: its slug, or its slug with the next free number."""
        base = slug(title)
        number = self._next.get(base, 1)
        while True:
            name = base if number == 1 else f"{base}-{number}"
            number += 1
            if name not in self._taken and name not in self._given:
                self._next[base] = number
                self._given.add(name)
                return name
