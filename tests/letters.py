"""An edition in the outbox without planning: what the tests of delivery start from."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert, select

from digest.db.schema import edition, employee, message
from digest.db.session import read, write
from digest.pipeline.delivery import Delivery, deliver
from digest.pipeline.policy import Policy
from digest.smtp.relay import Relay
from tests.conftest import NOW
from tests.factories import person
from tests.renderer import Letters
from tests.sink import Sink

DAY = timedelta(days=1)
POLICY = {field.name for field in fields(Policy)}


def put_edition(engine: Engine, people: int = 3, *, period: str = "2026-W48", state: str = "approved", **fields: Any) -> int:
    """An edition with `people` employees of its own and a queued message for each, due NOW; `fields` change the messages."""
    with write(engine) as connection:
        values = {"period": period, "state": state, "paused": False, "reason": "", "hash": "", "planned_through": 0, "audience": people}
        values |= {"created_at": NOW, "envelope": {"from_address": "digest@example.com"}}
        found = connection.execute(insert(edition).values(values).returning(edition.c.id)).scalar_one()
        if people:
            folk = [person(f"{period}-person{n:05}@example.org".lower()) for n in range(people)]
            ids = connection.execute(insert(employee).returning(employee.c.id, sort_by_parameter_order=True), folk).scalars().all()
            connection.execute(insert(message), [row(found, one, **fields) for one in ids])
    return int(found)


def row(edition_id: int, employee_id: int, **fields: Any) -> dict[str, Any]:
    """A planned message."""
    values = {"edition_id": edition_id, "employee_id": employee_id, "state": "queued", "reason": "", "language": "en"}
    values |= {"picks": [[1, "team"]], "spares": [[2, ""]], "networks": "lx", "name": "Ana", "due_at": NOW, "next_attempt_at": NOW, "attempts": 0}
    return {**values, "share_token": f"token{employee_id}", **fields}


def messages(engine: Engine) -> list[Any]:
    """Every message row, in order."""
    with read(engine) as connection:
        return list(connection.execute(select(message).order_by(message.c.id)).all())


def states(engine: Engine) -> dict[str, int]:
    """State -> messages."""
    return dict(Counter(row.state for row in messages(engine)))


def editions(engine: Engine) -> list[Any]:
    """Every edition row, in order."""
    with read(engine) as connection:
        return list(connection.execute(select(edition).order_by(edition.c.period)).all())


def clock_at(moment: datetime) -> Callable[[], datetime]:
    """A clock that runs, starting from `moment`."""
    started = datetime.now(UTC)
    return lambda: moment + (datetime.now(UTC) - started)


def send(engine: Engine, sink: Sink | None = None, *, now: datetime = NOW, connections: int = 2, **options: Any) -> Delivery:
    """One delivering run against `sink`; without one, `relay` or `relays` among the options name where to go.

    `smtp`: fields of the relay. Fields of `Policy` and of `deliver` may stand among the options as they are.
    """
    port = sink.port if sink else 1
    relay = options.pop("relay", None) or Relay(host="127.0.0.1", port=port, connections=connections, **options.pop("smtp", {}))
    relays = options.pop("relays", (relay,))
    letters = options.pop("letters", None) or Letters()
    policy = Policy(**{"grace": 5.0, **{name: options.pop(name) for name in list(options) if name in POLICY}})
    rules = {"clock": clock_at(now), "stop": threading.Event(), **options}
    return deliver(engine, renderers=lambda _edition: letters, relays=relays, policy=policy, **rules)
