"""One tick of the clock: open, plan and approve what is due, then send what is due. Idempotent; safe to run twice at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from digest.config import Config
from digest.db import links, retention
from digest.db.session import write
from digest.errors import DigestError
from digest.pipeline import edition, renderers, transports
from digest.pipeline.delivery import Delivery, deliver

_log = logging.getLogger(__name__)
_BOUNCES = timedelta(days=180)  # longer than the five editions that the rule for soft ones looks back


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
    """Do everything that is due. `at_once` opens and plans nothing and sets local hours aside.

    What stops planning, such as a slip in the queue, is raised after this week's letters were sent.
    """
    said: list[str] = []
    trouble: DigestError | None = None
    try:
        said += [] if at_once else edition.open_due(engine, config, now=clock())
    except DigestError as error:
        trouble = error
    forget(engine, config, now=clock())
    done = Ticked(said=tuple(said), delivery=send_due(engine, config, clock=clock, at_once=at_once, stop=stop, progress=progress))
    if trouble is not None:
        _log.warning("%s", done.sentence())
        raise trouble
    return done


def forget(engine: Engine, config: Config, *, now: datetime) -> None:
    """Destroy what was promised to be kept no longer: raw events after `keep_days`, each day's salt after two days, bounces."""
    with write(engine) as connection:
        retention.forget_events(connection, now - timedelta(days=config.tracking.keep_days))
        retention.forget_bounces(connection, now - _BOUNCES)
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
        relays=transports.relays(config),
        clock=clock,
        policy=transports.policy(engine, config, at_once=at_once),
        stop=stop or threading.Event(),
        progress=progress or (lambda _more: None),
    )
