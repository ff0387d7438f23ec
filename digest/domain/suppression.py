"""A suppression: do not mail this address, and why. Only a hash is kept, so erasing a person does not undo it."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Final


class SuppressionReason(StrEnum):
    """Why an address is not mailed."""

    UNSUBSCRIBED = "unsubscribed"  # the person said stop; only the person, or an operator at their word, lifts it
    HARD_BOUNCE = "hard_bounce"  # the mailbox does not exist
    COMPLAINT = "complaint"  # reported as spam
    SOFT_BOUNCE = "soft_bounce"  # could not be delivered three times in five editions; ends by itself
    MANUAL = "manual"  # an operator's decision
    ERASED = "erased"  # the person asked to be forgotten; an import must not bring them back


# Who may end one. Nobody ends `erased`: an import must not bring the person back.
BY_ROSTER: Final = frozenset({SuppressionReason.HARD_BOUNCE})  # when the person comes back after leaving
BY_OPERATOR: Final = frozenset({SuppressionReason.HARD_BOUNCE, SuppressionReason.SOFT_BOUNCE, SuppressionReason.MANUAL})
AT_THEIR_WORD: Final = frozenset({SuppressionReason.UNSUBSCRIBED, SuppressionReason.COMPLAINT})


def address_hash(address: str) -> str:
    """SHA-256 of the address in lower case, as hexadecimal."""
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()
