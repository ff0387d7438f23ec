"""The canary: a few messages go first, and how they fare decides about the rest (delivery-rules, section 5)."""

from __future__ import annotations

import math
from dataclasses import dataclass

_LEAST = 3  # troubles of fewer people may be their mailboxes' own
_TOLERATED = 0.05
_UNKNOWN = 0.5  # so many unknown mailboxes say more about the relay, or the roster, than about people


@dataclass(frozen=True, kw_only=True)
class Look:
    """How the first messages fared."""

    offered: int  # messages of the canary that a server was asked about
    accepted: int  # by the relay, whatever came back later
    unknown: int  # refused for good because of the person's own address
    failed: int  # refused for good for another reason than the person's own address
    bounced: int  # reported back as undeliverable
    complained: int  # reported as spam
    in_doubt: int


def size(said: int | str, audience: int) -> int:
    """`delivery.canary` as a number of messages: 50, or "1%" of `audience`; 0 for none. Never the whole audience."""
    count = math.ceil(audience * float(said[:-1]) / 100) if isinstance(said, str) else said
    return count if count < audience else 0


def verdict(look: Look) -> str | None:
    """Why the rest must wait for an operator, or None when it may follow.

    What was never offered says nothing: without any, there is nothing to judge, and `canaries.again` sends it again.
    """
    told = {"failed": look.failed, "bounced": look.bounced, "reported as spam": look.complained, "in doubt": look.in_doubt}
    trouble = sum(told.values())
    troubled = trouble >= min(_LEAST, look.offered) and trouble > _TOLERATED * look.offered
    refused = {"had unknown addresses": look.unknown} if look.unknown > _UNKNOWN * look.offered else {}
    none = look.offered > 0 and look.accepted == 0
    if not (look.complained or troubled or refused or none):
        return None
    said = [f"{count} {name}" for name, count in {**told, **refused}.items() if count] + (["none was accepted"] if none else [])
    return f"canary: of the first {look.offered} messages {', '.join(said)}"
