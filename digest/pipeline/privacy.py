"""Keeping promises: what was to be kept for a while goes, and nothing of it is left in the file."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from digest.config import Config
from digest.db import capabilities, contributions, correspondences, links, notices, pictures, privacy, questions, quotas, replies, retention
from digest.db.session import fold, read, write, yield_to_others
from digest.domain.correspondence import KEPT_DAYS
from digest.domain.privacy import SETTLED, believable, horizon
from digest.domain.reply import KEPT_FOR
from digest.pipeline import tracking, verdicts

_log = logging.getLogger(__name__)
_CHUNK = 25  # events that become sums in one transaction: beside it a click waits no longer than alone
_BOUNCES = timedelta(days=180)  # longer than the five editions that the rule for soft ones looks back
_RUNS = timedelta(days=90)
_DRAFTS = timedelta(days=30)  # posts that nobody said yes to
_UNDER_WAY = timedelta(days=2)  # how long a press may wait on disk for the database
_UNBELIEVED = (
    "The clock stands {days} days ahead of everything that was recorded, so nothing was deleted. If it is right, run "
    "`digest privacy purge --trust-clock`; after a day it is believed by itself."
)


@dataclass(frozen=True, kw_only=True)
class Purged:
    """What went."""

    before: datetime  # no event from before that moment is left
    events: int = 0  # clicks and visits that became sums
    bounces: int = 0
    runs: int = 0  # with what they noted by themselves
    salts: int = 0
    pictures: int = 0  # of letters that are as old
    unbelieved: str = ""  # why nothing of it was done

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "before": self.before,
            "events": self.events,
            "bounces": self.bounces,
            "runs": self.runs,
            "salts": self.salts,
            "pictures": self.pictures,
            "unbelieved": self.unbelieved,
        }

    def sentence(self) -> str:
        """For people."""
        if self.unbelieved:
            return self.unbelieved
        return (
            f"No click or visit from before {self.before:%Y-%m-%d} is left; {self.events:,} became sums of their day. "
            f"{self.bounces:,} reports about mail and {self.runs:,} rows of old runs are gone, and {self.pictures:,} pictures of old letters."
        )


def purge(engine: Engine, config: Config, *, now: datetime, trust_clock: bool = False, who: str = "") -> Purged:
    """Destroy what was promised to be kept no longer: events after `keep_days`, each day's salt after two days, reports, old runs.

    `who` asked for it; "" for the clock, which is noted only when it found something.

    Short transactions: a click waits for one of them at most, and it may be interrupted anywhere and run again.
    """
    before = horizon(now, config.tracking.keep_days)
    with write(engine) as connection:
        salts = links.destroy_salts(connection, now)
        privacy.forget_orphans(connection, now - _UNDER_WAY, lambda: secrets.token_hex(8))
        privacy.forget_letters(connection)
        contributions.forget(connection, now - _DRAFTS, now - _BOUNCES)
    with read(engine) as connection:
        seen = retention.last_seen(connection, now - SETTLED)
    if not trust_clock and not believable(now, seen, config.tracking.keep_days):
        said = _UNBELIEVED.format(days=(now - (seen or now)).days)
        _log.warning(said)
        return Purged(before=before, salts=salts, unbelieved=said)
    events = _events(engine, config, before)
    with write(engine) as connection:
        bounces = retention.forget_bounces(connection, now - _BOUNCES)
        runs = retention.forget_runs(connection, now - _RUNS) + notices.forget(connection, now - _RUNS)
        retention.forget_tallies(connection, before)
        capabilities.forget(connection, now - _RUNS)
        quotas.forget(connection, now - _UNDER_WAY)
        correspondences.forget(connection, now - timedelta(days=KEPT_DAYS))
        replies.forget(connection, now - KEPT_FOR)
        questions.forget(connection, now - KEPT_FOR)
        replies.forget_lost_notes(connection)
        shown = pictures.purge(connection, before)
        if events or who:
            detail = f"{events} events from before {before:%Y-%m-%d}"
            privacy.note(connection, "privacy.purge", "events", detail, who=who or "the clock", now=now)
    fold(engine)  # every time: another process may have destroyed a salt and met a reader
    return Purged(before=before, events=events, bounces=bounces, runs=runs, salts=salts, pictures=shown)


def _events(engine: Engine, config: Config, before: datetime) -> int:
    with read(engine) as connection:
        batches = retention.due(connection, before)
    settings = tracking.tracking_settings(config) if batches else None
    for edition_id in sorted({batch.edition for batch in batches if batch.edition}):
        if settings is not None:
            verdicts.judge_edition(engine, edition_id, settings)  # for the last time: all that it looks at is still there
    return sum(_batch(engine, batch, before) for batch in batches)


def _batch(engine: Engine, batch: retention.Batch, before: datetime) -> int:
    with read(engine) as connection:
        plan = retention.plan(connection, batch, before)
    gone = 0
    for start in range(0, len(plan.ids), _CHUNK):
        with write(engine) as connection:
            gone += retention.turn(connection, batch, plan.ids[start : start + _CHUNK], plan.carriers)
        yield_to_others(engine)
    return gone
