"""How long single events may be kept, when the clock is to be believed about it, and who left us by machine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from digest.domain.clock import utc

SETTLED = timedelta(days=1)  # traces younger than this may all come from a clock that has just jumped
MACHINE_SHARE = 0.1  # of the people who left; more is worth a look at the mail gateway


def horizon(now: datetime, keep_days: int) -> datetime:
    """Events before this moment are kept no longer: midnight (UTC) of the day on which the first of them was `keep_days` old.

    Whole days go at once, so that what belongs together is judged and summed together; none is ever older than `keep_days`.
    """
    oldest = utc(now) - timedelta(days=keep_days)
    midnight = datetime.combine(oldest.date(), time(), tzinfo=oldest.tzinfo)
    return midnight if midnight == oldest else midnight + timedelta(days=1)


def believable(now: datetime, seen: datetime | None, keep_days: int) -> bool:
    """Whether the clock may be believed when it says that events are too old.

    `seen`: the newest trace (an event, a run) that is older than `SETTLED`. A clock that stands further ahead of it than
    events are kept would have everything deleted at once, so it is not believed; once it has gone on for a day it has left
    traces of its own. Without any older trace there is nothing old to delete.
    """
    return seen is None or utc(now) - seen <= timedelta(days=keep_days) + SETTLED


def machine_leavers(how: Mapping[str, int]) -> str | None:
    """A warning when more than a tenth of those who left by our page seem to have been machines; `how`: class -> people."""
    everyone = sum(how.values())
    machines = how.get("machine", 0)
    if not machines or machines <= MACHINE_SHARE * everyone:
        return None
    return (
        f"{machines:,} of {everyone:,} people who stopped the letter by its page were probably stopped by a mail filter that presses buttons. "
        "Each has a receipt with a way back; ask the people who run your mail gateway to leave the pages of site.url alone."
    )
