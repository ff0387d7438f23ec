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
        return [part for part in (("gone", before), ("new", after)) if part[1]]
    found: list[Part] = []
    gone, fresh = "", ""
    for deed, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        same = "".join(old[a:b])
        if deed == "equal" and (same.strip() or not (gone or fresh)):
            found += [*_changed(gone, fresh), ("same", same)]
            gone, fresh = "", ""
        else:  # a blank between two changes belongs to them: "a month" became "five weeks"
            gone, fresh = gone + same, fresh + "".join(new[c:d])
    return [*found, *_changed(gone, fresh)]


def _changed(gone: str, fresh: str) -> list[Part]:
    return [*([("gone", gone)] if gone else []), *([("new", fresh)] if fresh else [])]  # type: ignore[list-item]  # the kinds are literal
