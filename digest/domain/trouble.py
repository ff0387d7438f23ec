"""What keeps a preview from being made, or what its editor should know: where, what, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLACED = re.compile(r"(?P<place>.+?:\d+(?::\d+)?): (?P<said>.+)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One problem. `place`: `queue.toml:31:9`, the way editors open it, or a file, or ""."""

    place: str
    said: str
    cure: str = ""


def placed(line: str, home: str, cure: str = "") -> Trouble:
    """The trouble that a line such as `/folder/queue.toml:31:9: found ...` tells, its place seen from the folder `home`."""
    found = _PLACED.fullmatch(line)
    if found is None:
        file, _, said = line.partition(": ")
        return Trouble(place=_near(file, home), said=said, cure=cure) if said else Trouble(place="", said=line, cure=cure)
    return Trouble(place=_near(found["place"], home), said=found["said"], cure=cure)


def _near(place: str, home: str) -> str:
    return place.removeprefix(f"{home.rstrip('/')}/")
