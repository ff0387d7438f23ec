"""Notices: single letters about one person's own affair, to that person alone. They are sent once, or not at all."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from digest.domain.suppression import SuppressionReason

DEADLINE = timedelta(hours=48)  # after it nobody needs the news any more
STUCK = timedelta(hours=1)  # longer than any conversation with a server: whoever held it is gone
APART = timedelta(days=1)  # pressing back and forth makes no flood of letters


class Notice(StrEnum):
    """What a notice is about."""

    LEFT = "left"  # the receipt for stopping the letter, with the way back
    EXPORTED = "exported"  # somebody printed everything that is held about the person


def may_go(kind: Notice, held: Collection[SuppressionReason], *, here: bool) -> bool:
    """Whether it may be mailed: never against anybody's word, but the receipt for leaving goes to who has just left.

    `held`: why the address is not mailed; `here`: the person is on the roster.
    """
    if kind is Notice.LEFT:
        return here and set(held) == {SuppressionReason.UNSUBSCRIBED}  # not after a complaint, nor when it was taken back
    return here and not held
