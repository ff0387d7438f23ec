"""Groups large enough to speak of: figures are shown, and links counted in aggregate mode, for k people or more."""

from __future__ import annotations

from collections.abc import Mapping

from digest.domain.employee import Employee

EVERYONE = "everyone"


def group_of(person: Employee, sizes: Mapping[str, int], minimum: int) -> str:
    """The smallest group with at least `minimum` members: team, else country, else everyone (share-links O6)."""
    for key in (f"team:{person.team}", f"country:{person.country}"):
        if not key.endswith(":") and sizes.get(key, 0) >= minimum:
            return key
    return EVERYONE


def shown(counts: Mapping[str, int], members: Mapping[str, int], minimum: int) -> dict[str, int | None]:
    """Each group's count, or None where it must stay hidden.

    Groups with fewer than `minimum` members are hidden; when they hide too few people together, the next smallest go
    too, so that nothing can be had by taking the shown ones from the total (complementary suppression).
    """
    by_size = sorted(counts, key=lambda group: (members.get(group, 0), group))
    hidden: list[str] = []
    for group in by_size:
        together = sum(members.get(g, 0) for g in hidden)
        if members.get(group, 0) < minimum or (hidden and together < minimum) or len(hidden) == 1:
            hidden.append(group)
    return {group: None if group in hidden else counts[group] for group in counts}
