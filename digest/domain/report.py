"""How a figure may be said: as a range, and only of enough people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Range:
    """From what people surely did to what they probably did. `hidden`: too few people stand behind it, or behind what it would give away."""

    low: int
    high: int
    hidden: bool = False
    minimum: int = 5
    small: bool = True  # of one that is hidden: by its own size

    def __str__(self) -> str:
        """`41-48`, `41`, or why there is no figure."""
        if self.hidden:
            return f"fewer than {self.minimum}" if self.small else "not shown"
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"

    def as_data(self) -> dict[str, int | bool | None]:
        """For JSON and CSV; a hidden figure has no numbers."""
        return {"low": None if self.hidden else self.low, "high": None if self.hidden else self.high, "hidden": self.hidden}


def ranged(low: int, high: int, *, members: int, minimum: int) -> Range:
    """A figure about `members` employees: hidden when they are fewer than `minimum`, or when so few acted.

    Zero is shown: it says nothing of anybody that everybody's silence would not.
    """
    hidden = (members < minimum and high > 0) or 0 < high < minimum
    return Range(low=low, high=high, hidden=hidden, minimum=minimum)


def percent(found: Mapping[tuple[str, str], bool], minimum: int) -> int | None:
    """Of (person, thing) that are so or not: how many in a hundred are so. None unless `minimum` people stand on either side."""
    sides = [{person for (person, _), so in found.items() if so is side} for side in (True, False)]
    return round(100 * sum(found.values()) / len(found)) if found and all(len(side) >= minimum for side in sides) else None
