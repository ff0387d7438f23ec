"""One tick of the clock: open, plan and approve what is due, then send what is due. Idempotent; safe to run twice at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from digest.config import Config
from digest.db import held
from digest.db.held import Tally
from digest.db.session import read
from digest.domain.message import FailReason, MessageState
from digest.errors import DigestError
from digest.pipeline import contribution_afterlife, edition, holding, notices, privacy, recalling, redacting, renderers, replaying, transports
from digest.pipeline.delivery import Delivery, deliver
from digest.pipeline.holding import Hold

_log = logging.getLogger(__name__)
_PAUSES = ("breaker: ", "canary: ")  # how a run's error begins when it paused the edition


@dataclass(frozen=True, kw_only=True)
class Ticked:
    """What one tick did."""

    said: tuple[str, ...]  # about editions, in sentences
    delivery: Delivery
    aside: Tally = field(default_factory=dict)  # what failed or was set aside meanwhile, by state and reason
    holds: tuple[Hold, ...] = ()  # what holds letters back now

    @property
    def needs_somebody(self) -> bool:
        """True when the relay could not be used, or nothing goes on until an operator has cured what paused it."""
        return bool(self.delivery.transport_error) or any(hold.needs_somebody for hold in self.holds)

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        aside = [{"state": state, "reason": reason, "count": count} for (state, reason), count in self.aside.items()]
        held = [hold.as_data() for hold in self.holds]
        return {"editions": list(self.said), "delivery": asdict(self.delivery), "aside": aside, "held": held}

    def sentence(self) -> str:
        """For people."""
        if self.delivery.already_sending:
            return "\n".join([*self.said, delivered(self.delivery)])
        trouble = self._trouble()
        happened = _happened(self.delivery, self.aside)
        head = happened or ("" if trouble else "Nothing was sent." if self.holds else "Nothing was due.")
        return "\n".join([*self.said, " ".join(filter(None, [head, trouble])), *(hold.said for hold in self.holds)])

    def _trouble(self) -> str:
        """The transport's error, without what a hold tells better."""
        trouble = self.delivery.transport_error or ""
        told = [f"{hold.subject} rests: {hold.reason}." if hold.what == "rest" else hold.reason for hold in self.holds if hold.reason]
        for one in told:
            trouble = trouble.replace(one, "")
        return trouble.strip()


def delivered(delivery: Delivery) -> str:
    """What a delivery did, in one sentence."""
    if delivery.already_sending:
        return "Another run is already sending; nothing to do here."
    trouble = delivery.transport_error or ""
    if trouble.startswith(_PAUSES):
        trouble = f"{trouble.rstrip('.')}. The edition is paused; go on with `digest edition resume`, once that is cured."
    return " ".join(filter(None, [_happened(delivery, {}), trouble])) or "Nothing was due."


def _happened(delivery: Delivery, aside: Tally) -> str:
    """`3 sent, 1 failed (expired, never accepted).`, or "". The reasons are told when they account for the count."""
    said = [f"{count:,} {name.replace('_', ' ')}" for name in ("sent", "deferred", "in_doubt") if (count := getattr(delivery, name))]
    said += _named(aside, delivery.failed, MessageState.FAILED)
    said += _named(aside, delivery.suppressed, MessageState.SUPPRESSED, MessageState.SKIPPED)
    said += [f"{delivery.notices:,} notice{'s' * (delivery.notices != 1)} sent"] if delivery.notices else []
    return f"{', '.join(said)}." if said else ""


def _named(aside: Tally, count: int, *states: MessageState) -> list[str]:
    found = {state: {reason: n for (of, reason), n in aside.items() if of == state} for state in states}
    if sum(sum(reasons.values()) for reasons in found.values()) != count:  # another run took part, or nobody looked
        return [f"{count:,} {' or '.join(states)}"] if count else []
    return [f"{sum(reasons.values()):,} {state} ({_reasons(reasons)})" for state, reasons in found.items() if reasons]


def _reasons(reasons: dict[str, int]) -> str:
    words = {reason: "expired, never accepted" if reason == FailReason.EXPIRED else reason for reason in sorted(reasons)}
    if len(words) == 1:
        return next(iter(words.values()))
    return "; ".join(f"{reasons[reason]:,} {said}" for reason, said in words.items())


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
    stop = stop or threading.Event()
    said: list[str] = []
    trouble: DigestError | None = None
    said += replaying.catch_up(engine, config)
    try:
        said += [] if at_once else recalling.follow(engine, config, now=clock())
        said += [] if at_once else contribution_afterlife.follow(engine, config, now=clock())
        said += [] if at_once else edition.open_due(engine, config, now=clock(), stop=stop.is_set)
    except DigestError as error:
        trouble = error
    forget(engine, config, now=clock())
    with read(engine) as connection:
        open_ = held.open_ids(connection)
        before = held.tally(connection, open_)
    delivery = send_due(engine, config, clock=clock, at_once=at_once, stop=stop, progress=progress, tell=said.append)
    with read(engine) as connection:
        after = held.tally(connection, open_)
        holds = holding.look(connection, config, clock())
    aside = {what: more for what, count in after.items() if (more := count - before.get(what, 0)) > 0}
    done = Ticked(said=tuple(said), delivery=delivery, aside=aside, holds=holds)
    if trouble is not None:
        _log.warning("%s", done.sentence())
        raise trouble
    return done


def forget(engine: Engine, config: Config, *, now: datetime) -> None:
    """Destroy what was promised to be kept no longer."""
    privacy.purge(engine, config, now=now)


def send_due(
    engine: Engine,
    config: Config,
    *,
    clock: Callable[[], datetime],
    at_once: bool = False,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] | None = None,
    tell: Callable[[str], None] = _log.info,
) -> Delivery:
    """Send what is due now without what was taken back, until nothing more can be sent; then receipts and other single letters."""
    stop = stop or threading.Event()
    for sentence in redacting.follow(engine, config):
        tell(sentence)
    done = deliver(
        engine,
        renderers=lambda edition_id: renderers.load(engine, edition_id),
        relays=transports.relays(config),
        clock=clock,
        policy=transports.policy(engine, config, at_once=at_once),
        stop=stop,
        progress=progress or (lambda _more: None),
    )
    return done if stop.is_set() else replace(done, notices=notices.send_due(engine, config, clock=clock))
