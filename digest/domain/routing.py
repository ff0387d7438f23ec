"""Which transport carries a message: the one that serves the recipient's domain, else one of the pool, by weight."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SPAN = 2.0**64


@dataclass(frozen=True, kw_only=True)
class Route:
    """A transport as routing sees it. Without `domains` it belongs to the pool, which carries everybody else."""

    name: str
    domains: frozenset[str] = frozenset()
    weight: int = 1  # its share of the pool, against the others'; 0: only when no other of the pool has a weight


def route_of(domain: str, employee: int, routes: Sequence[Route]) -> str:
    """The transport's name. The same person stays with the same one until the routes change, and then few move.

    Weighted rendezvous hashing: each of the pool draws a number from (its name, the employee), and the best draw wins.
    """
    mine = [route for route in routes if domain.lower() in route.domains]
    found = mine or pool(routes)
    if len(found) == 1:
        return found[0].name
    weighed = [route for route in found if route.weight] or list(found)
    return max(weighed, key=lambda route: (_draw(route, employee), route.name)).name


def pool(routes: Sequence[Route]) -> list[Route]:
    """The transports that serve no domain of their own; the first of all when every one does."""
    return [route for route in routes if not route.domains] or list(routes[:1])


def stands_in_for(name: str, routes: Sequence[Route]) -> Mapping[str, frozenset[str] | None]:
    """Whose messages `name` may carry while their own transport is away -> to which domains; None: all of that transport's.

    Those of the pool carry each other's; a transport that serves domains carries mail to those of them that the other serves.
    """
    mine = next(route for route in routes if route.name == name)
    members = {route.name for route in pool(routes)}
    found: dict[str, frozenset[str] | None] = {}
    for other in routes:
        shared = mine.domains & other.domains
        if other.name != name and ({name, other.name} <= members or shared):
            last_resort = bool(other.domains) and other.name in members  # it carries everybody else as well
            found[other.name] = None if shared == other.domains and not last_resort else shared
    return found


def signature(routes: Sequence[Route]) -> str:
    """Changes whenever messages might have to be dealt to the transports anew."""
    said = "\n".join(f"{route.name} {route.weight} {','.join(sorted(route.domains))}" for route in sorted(routes, key=lambda one: one.name))
    return hashlib.sha256(said.encode()).hexdigest()


def _draw(route: Route, employee: int) -> float:
    number = int.from_bytes(hashlib.sha256(f"{route.name}\n{employee}".encode()).digest()[:8], "big")
    return -max(route.weight, 1) / math.log((number + 1) / (_SPAN + 2))
