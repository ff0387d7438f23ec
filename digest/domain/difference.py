"""What changed between two texts, word by word, for people to read."""

from __future__ import annotations

import difflib
import re
from typing import Literal

Part = tuple[Literal["same", "gone", "new"], str]
_PIECES = re.compile(r"\s+|[^\W\d_]+|\d+|[^\w\s]|_")
_MOST = 2000  # pieces that are compared; longer texts are told whole, before and after


def difference(before: str, after: str) -> list[Part]:
    """The parts of both texts in reading order: what stayed, what is gone, what is new. Joined without one kind they are the other's text."""
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    if len(old) > _MOST or len(new) > _MOST:
        return [part for part in (("gone", before), ("new", after)) if part[1]]  # type: ignore[misc]  # the kinds are literal
    found: list[Part] = []
    for deed, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if deed == "equal":
            found.append(("same", "".join(old[a:b])))
            continue
        if b > a:
            found.append(("gone", "".join(old[a:b])))
        if d > c:
            found.append(("new", "".join(new[c:d])))
    return found
