"""A company with somebody in every zone of the world, a clock that tests turn, and a real relay that notes what the clock said.

Everything between is the product: `week.tick` on a real database, SMTP over loopback. The oracle at the end reads the
relay's notes and the outbox, and asks zoneinfo and the holidays library by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import holidays
from sqlalchemy import Engine, func, select

from digest.config import Config
from digest.db.schema import edition, employee, message
from digest.db.session import read
from digest.domain.calendar import day_in, period_of
from digest.pipeline import verify, week
from tests.factories import company, person
from tests.sink import Sink

SITE = "Europe/Berlin"
COUNTRIES = ("DE", "US", "GB", "IN", "JP", "BR", "EG", "LB", "CL", "")
QUARTER = timedelta(minutes=15)
IDLE = timedelta(hours=6)
NIGHT = "21:00-06:00"


@dataclass(kw_only=True)
class Relay(Sink):
    """A sink that notes the simulated moment of every message it took, and for whom."""

    clock: Callable[[], datetime]
    taken: list[tuple[str, datetime]] = field(default_factory=list)

    def store(self, recipient: str, *_rest: Any) -> None:
        self.taken.append((recipient, self.clock()))


def everywhere(countries: Sequence[str] = COUNTRIES) -> list[dict[str, Any]]:
    """Somebody in every zone there is; countries go round, so that each meets every kind of zone."""
    zones = sorted(available_timezones())
    return [person(f"p{n:04}@example.org", zone=zone, country=countries[n % len(countries)]) for n, zone in enumerate(zones)]


class Simulation:
    """Turn the clock, tick, and look."""

    def __init__(self, engine: Engine, home: Path, people: Sequence[dict[str, Any]], start: datetime, **schedule: Any) -> None:
        self.engine = engine
        self.home = home
        self.now = start
        self.author = people[0]["address"]
        self.ticks = 0
        self.idle = IDLE
        self.said: list[str] = []
        self.problems: dict[datetime, tuple[str, ...]] = {}
        self.relay = Relay(file=home / "relay", clock=lambda: self.now)
        self.config: Config = company(
            engine,
            home,
            people,
            queue=_queue(start, self.author),
            site={"company": "Example", "address": "Example, 1 Road", "timezone": SITE},
            schedule=schedule,
            mix={"at_least": 1},  # a town whose editor has little to say
            smtp={"port": self.relay.port, "connections": 4},
        )

    def tick(self) -> None:
        """Do what is due at this moment. The editor has put this week's posts into the queue."""
        (self.home / "queue.toml").write_text(_queue(self.now, self.author), encoding="utf-8")
        done = week.tick(self.engine, self.config, clock=lambda: self.now)
        assert done.delivery.transport_error is None, done.delivery
        self.said += done.said
        self.ticks += 1

    def run(self, until: datetime, before: Callable[[], object] = lambda: None) -> None:
        """Tick on every quarter of an hour in which something is due, and every `idle` besides; `before` each."""
        while self.now < until:
            before()
            self.tick()
            self.now = min(self._next(), until)

    def _next(self) -> datetime:
        with read(self.engine) as connection:
            waits = message.c.state.in_(["queued", "deferred"]) & edition.c.state.in_(["approved", "sending"])
            joined = message.join(edition, edition.c.id == message.c.edition_id)
            due = connection.execute(select(func.min(message.c.next_attempt_at)).select_from(joined).where(waits)).scalar_one()
        if due is None:
            return self.now + self.idle
        return min(max(self.now + QUARTER, _quarter(due)), self.now + self.idle)

    def verdict(self) -> tuple[str, ...]:
        """What `digest verify` finds now."""
        return verify.verify(self.engine, self.config, now=self.now).problems

    def rows(self) -> list[Any]:
        """Every message with its edition and its person."""
        columns = [message.c[name] for name in ("state", "reason", "due_at", "sent_at")]
        columns += [employee.c[name] for name in ("address", "zone", "country")]
        joined = message.join(edition, edition.c.id == message.c.edition_id).join(employee, employee.c.id == message.c.employee_id)
        with read(self.engine) as connection:
            return list(connection.execute(select(*columns, edition.c.period).select_from(joined).order_by(message.c.id)))

    def editions(self) -> dict[str, str]:
        """Period -> state."""
        with read(self.engine) as connection:
            return {row.period: row.state for row in connection.execute(select(edition.c.period, edition.c.state).order_by(edition.c.period))}


def _quarter(moment: datetime) -> datetime:
    """The first quarter of an hour that is not before `moment`."""
    start = moment.replace(minute=0, second=0, microsecond=0)
    while start < moment:
        start += QUARTER
    return start


def _queue(now: datetime, author: str) -> str:
    """Two posts that nobody has seen before this week."""
    name = period_of(now.date()).lower()
    one = f'[[post]]\nid = "{name}-a"\ntitle = "A {name}"\nurl = "https://example.com/{name}/a"\nwhy = "Worth it."\nby = "{author}"\n'
    return one + f'[[post]]\nid = "{name}-b"\ntitle = "B {name}"\nurl = "https://example.com/{name}/b"\nwhy = "Worth it too."\n'


def wall(moment: datetime, zone: str) -> datetime:
    """What the person's own clock shows."""
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def is_quiet(clock: time, quiet: str = NIGHT) -> bool:
    """True when a wall clock shows a time of these hours, which run over midnight."""
    start, end = map(time.fromisoformat, quiet.split("-"))
    return clock >= start or clock < end


class DaysOff:
    """The oracle's own view of holidays."""

    def __init__(self, closed: Sequence[str] = ()) -> None:
        self._closed = closed
        self._known: dict[str, Any] = {country: holidays.country_holidays(country, years=range(2025, 2030)) for country in COUNTRIES if country}

    def hold(self, day: date, country: str) -> bool:
        """True when the person's country or the company rests."""
        return f"{day:%m-%d}" in self._closed or (bool(country) and day in self._known[country])


def judge(simulated: Simulation, periods: Sequence[str], people: int, closed: Sequence[str] = ()) -> Counter[str]:
    """Per person and period exactly one message or one named skip, at their own hour, never in quiet hours or on a day off.

    Returns how often each ending was met.
    """
    off, rows, endings = DaysOff(closed), simulated.rows(), Counter[str]()
    taken = Counter(simulated.relay.taken)
    assert set(taken.values()) <= {1}, "two messages to one person at one moment"
    assert dict.fromkeys(periods, "closed") == {period: state for period, state in simulated.editions().items() if period in set(periods)}
    assert Counter(row.period for row in rows if row.period in set(periods)) == dict.fromkeys(periods, people)
    for row in rows:
        if row.period not in periods and row.due_at >= simulated.now:
            continue  # planned, and its hour is still to come
        endings[row.reason or row.state] += 1
        due, usual = wall(row.due_at, row.zone), day_in(row.period, simulated.config.schedule.day)
        if row.state == "skipped":
            assert row.reason == "holiday", row
            assert off.hold(due.date(), row.country), row
            continue
        assert row.state == "sent", row
        assert taken.pop((row.address, row.sent_at)) == 1, "the relay took it once, at the moment that the outbox names"
        arrived = wall(row.sent_at, row.zone)
        endings["moved by a holiday"] += due.date() != usual
        endings["moved by a clock change"] += due.time() != time.fromisoformat(simulated.config.schedule.time)
        assert timedelta(0) <= row.sent_at - row.due_at < QUARTER, row
        assert not is_quiet(arrived.time(), simulated.config.schedule.quiet), row
        assert not off.hold(arrived.date(), row.country), row
        assert arrived.date() == usual or (off.hold(usual, row.country) and arrived.weekday() < 5), row
    assert not taken, "the relay took what no row knows of"
    days = Counter((row.address, wall(row.sent_at, row.zone).date()) for row in rows if row.state == "sent")
    assert set(days.values()) == {1}, "two letters to one person on one day"
    return endings
