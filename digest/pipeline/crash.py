"""Named points where the fault tests pull the plug: `DIGEST_CRASH_AT=after_claim` or `after_claim:3` for the third pass.

Without that variable nothing happens and nothing is counted.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable

POINTS = (
    "before_claim",
    "after_claim",
    "after_mail",
    "after_rcpt",
    "after_data",
    "mid_body",
    "before_dot",
    "after_dot",
    "after_reply",
    "before_commit",
    "after_commit",
)


def armed() -> Callable[[str], None] | None:
    """A function that dies at the point the environment names, or None."""
    point, _, turn = os.environ.get("DIGEST_CRASH_AT", "").partition(":")
    if not point:
        return None
    passes = itertools.count(1)
    fatal = int(turn or 1)

    def passing(name: str) -> None:
        if name == point and next(passes) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    return passing
