"""Groups large enough to speak of: figures are shown, and links counted in aggregate mode, for k people or more.

The rule, for one table of figures about groups that do not overlap, whose total may be known from elsewhere:

- a group of fewer than k people is hidden, and so is a count of fewer than k (zero of a large enough group is shown: it
  says no more than everybody's silence would);
- what is hidden is two groups at least, together k people or more, and together no one or k counts or more; the next
  smallest groups are hidden until that is so. Then taking what is shown from the total gives nothing smaller than k.
  A total that is too small itself is shown nowhere.

Two tables about the same people that are cut differently would give small differences: so people are cut one way only
(`Partition`), and that way is kept from the moment an edition is planned, whoever moves, joins or is erased afterwards.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

from digest.domain.employee import Employee
from digest.domain.report import Range

EVERYONE = "everyone"
Place = tuple[str, str]  # team, country
Key = TypeVar("Key", bound=Hashable)


class Partition:
    """Everybody in one group each: their team, else their country, else everyone (share-links O6).

    A group has at least `minimum` people *in this partition*: people of a small team do not stand alone for a country whose
    others all count in teams of their own. Where too few would be left over, the smallest group joins them.
    """

    def __init__(self, people: Mapping[Place, int], minimum: int) -> None:
        of = {place: f"team:{place[0]}" for place in people if place[0]}
        of = _large(of, people, minimum)
        of |= _large({place: f"country:{place[1]}" for place in people if place[1] and place not in of}, people, minimum)
        groups = {place: of.get(place, EVERYONE) for place in people}
        while 0 < (sizes := _sizes(groups, people)).get(EVERYONE, 0) < minimum and len(sizes) > 1:
            smallest = min((size, group) for group, size in sizes.items() if group != EVERYONE)[1]
            groups = {place: EVERYONE if group == smallest else group for place, group in groups.items()}
        self.sizes: Mapping[str, int] = _sizes(groups, people)
        self._groups = groups
        self._other = EVERYONE if EVERYONE in self.sizes or not self.sizes else max(self.sizes, key=lambda group: (self.sizes[group], group))

    def group_of(self, person: Employee) -> str:
        """The person's group; somebody who was not there when it was made joins a large one."""
        return self._groups.get((person.team, person.country), self._other)


def _large(groups: Mapping[Place, str], people: Mapping[Place, int], minimum: int) -> dict[Place, str]:
    sizes = _sizes(groups, people)
    return {place: group for place, group in groups.items() if sizes[group] >= minimum}


def _sizes(groups: Mapping[Place, str], people: Mapping[Place, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, group in groups.items():
        found[group] = found.get(group, 0) + people[place]
    return found


def too_small(members: int, count: int, minimum: int) -> bool:
    """True when a figure says something of fewer than `minimum` people. Of nobody at all anything may be said."""
    return 0 < members < minimum or 0 < count < minimum


def hidden(counts: Mapping[Key, int], members: Mapping[Key, int], minimum: int) -> frozenset[Key]:
    """Those that must not be shown: too small themselves, or needed to hide the others."""
    gone = {key for key, count in counts.items() if too_small(members.get(key, 0), count, minimum)}
    if too_small(sum(members.get(key, 0) for key in counts), sum(counts.values()), minimum):
        return frozenset(gone)  # nobody is told the total, so there is nothing to take anything from
    rest = sorted(
        (key for key in counts if key not in gone and members.get(key)), key=lambda key: (not counts[key], members[key], counts[key], str(key))
    )
    while gone and rest and not _covered(gone, counts, members, minimum):
        gone.add(rest.pop(0))
    return frozenset(gone)


def _covered(gone: set[Key], counts: Mapping[Key, int], members: Mapping[Key, int], minimum: int) -> bool:
    """True when what is hidden, taken as one, may be known."""
    people, count = sum(members.get(key, 0) for key in gone), sum(counts[key] for key in gone)
    return len(gone) > 1 and people >= minimum and not 0 < count < minimum


def shown(counts: Mapping[Key, int], members: Mapping[Key, int], minimum: int) -> dict[Key, int | None]:
    """Each group's count, or None where it must stay hidden."""
    gone = hidden(counts, members, minimum)
    return {key: None if key in gone else count for key, count in counts.items()}


def table(ranges: Mapping[Key, tuple[int, int]], members: Mapping[Key, int], minimum: int) -> dict[Key, Range]:
    """Each group's figure as a range, by the same rule at either end: a low end that is too small is shown as 0, which is true as well."""
    lows = shown({key: low for key, (low, _) in ranges.items()}, members, minimum)
    highs = shown({key: high for key, (_, high) in ranges.items()}, members, minimum)
    return {
        key: Range(
            low=lows[key] or 0,
            high=high,
            hidden=highs[key] is None,
            small=too_small(members.get(key, 0), high, minimum),
            minimum=minimum,
        )
        for key, (_, high) in ranges.items()
    }
