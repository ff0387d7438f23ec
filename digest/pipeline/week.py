"""One tick of the clock: open, plan and approve what is due, then send what is due. Idempotent; safe to run twice at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from digest.config import Config
from digest.db import audience, editions, links, retention
from digest.db.session import read, write
from digest.domain import calendar
from digest.domain.edition import EditionState
from digest.pipeline import edition, renderers
from digest.pipeline.delivery import Delivery, deliver
from digest.smtp.relay import Relay


@dataclass(frozen=True, kw_only=True)
class Ticked:
    """What one tick did."""

    said: tuple[str, ...]  # about editions, in sentences
    delivery: Delivery

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        return {"editions": list(self.said), "delivery": asdict(self.delivery)}

    def sentence(self) -> str:
        """For people."""
        return "\n".join([*self.said, delivered(self.delivery)])


def delivered(delivery: Delivery) -> str:
    """What a delivery did, in one sentence."""
    if delivery.already_sending:
        return "Another run is already sending; nothing to do here."
    counts = {name: getattr(delivery, name) for name in ("sent", "deferred", "failed", "in_doubt", "suppressed")}
    happened = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count)
    said = [f"{happened[0].upper()}{happened[1:]}."] if happened else []
    said += [delivery.transport_error] if delivery.transport_error else []
    return " ".join(said) or "Nothing was due."


def tick(
    engine: Engine,
    config: Config,
    *,
    clock: Callable[[], datetime],
    at_once: bool = False,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] | None = None,
) -> Ticked:
    """Do everything that is due. `at_once` opens and plans nothing and sets local hours aside."""
    said = [] if at_once else edition.open_due(engine, config, now=clock())
    forget(engine, config, now=clock())
    return Ticked(said=tuple(said), delivery=send_due(engine, config, clock=clock, at_once=at_once, stop=stop, progress=progress))


def forget(engine: Engine, config: Config, *, now: datetime) -> None:
    """Destroy what was promised to be kept no longer: raw events after `keep_days`, each day's salt after two days."""
    with write(engine) as connection:
        retention.forget_events(connection, now - timedelta(days=config.tracking.keep_days))
        links.destroy_salts(connection, now)


def send_due(
    engine: Engine,
    config: Config,
    *,
    clock: Callable[[], datetime],
    at_once: bool = False,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] | None = None,
) -> Delivery:
    """Send what is due now, until nothing more can be sent."""
    return deliver(
        engine,
        renderers=lambda edition_id: renderers.load(engine, edition_id),
        relay=relay(config),
        clock=clock,
        on_doubt=config.delivery.on_doubt,
        deadline=timedelta(hours=config.delivery.deadline_hours),
        grace=config.delivery.grace_seconds,
        at_once=at_once,
        stop=stop or threading.Event(),
        progress=progress or (lambda _more: None),
    )


def relay(config: Config) -> Relay:
    """`[smtp]` as the sender takes it."""
    smtp = config.smtp
    return Relay(
        host=smtp.host,
        port=smtp.port,
        security=smtp.security,
        username=smtp.username,
        password=smtp.password,
        connections=smtp.connections,
        per_minute=smtp.per_minute,
    )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether every expected edition happened."""

    problems: tuple[str, ...]


def verify(engine: Engine, config: Config, *, now: datetime) -> Verdict:
    """Look for editions that never started, were missed or still hold doubts. Changes nothing."""
    with read(engine) as connection:
        known = editions.every(connection)
        zones = audience.zones(connection)
    problems = [
        f"{period} never started. Run `digest tick` from cron, or keep `digest serve` running."
        for period in calendar.missed(now, edition.hours(config), zones, frozenset(e.period for e in known))
    ]
    for found in known:
        if found.state is EditionState.SKIPPED:
            problems.append(f"{found.period} was skipped: {found.reason}.")
        elif found.paused:
            problems.append(f"{found.period} is paused: {found.reason or 'by hand'}. Run `digest edition resume` when it may go on.")
    return Verdict(problems=tuple(problems))
