"""The week by the clock: `week.tick` under a clock that tests turn, with somebody in every zone of the world.

Here eight weeks around the clock changes of March and October; `scripts/bench schedule` turns the clock through two years.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, update

from digest.db.schema import employee
from digest.db.session import open_database, write
from digest.domain.calendar import period_of
from digest.errors import FileProblemsError
from digest.pipeline import edition
from tests.factories import person
from tests.simulated import IDLE, Simulation, everywhere, is_quiet, judge, wall

DAY = timedelta(days=1)


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Engine]:
    """An engine on SQLite alone: these tests are about time, and the clock ticks often."""
    engine = open_database(sqlite_url)
    yield engine
    engine.dispose()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def weeks(year: int, *numbers: int) -> list[str]:
    return [f"{year}-W{number:02}" for number in numbers]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "until", "periods", "day"),
    [
        ("2026-03-08T00:00", "2026-04-08T00:00", weeks(2026, 11, 12, 13, 14), "friday"),  # Good Friday, Easter Monday
        ("2026-10-18T00:00", "2026-11-15T00:00", weeks(2026, 43, 44, 45, 46), "tuesday"),
    ],
)
def test_somebody_in_every_zone_gets_one_letter_a_week_at_nine(
    lite: Engine, tmp_path: Path, start: str, until: str, periods: list[str], day: str
) -> None:
    people = everywhere()
    simulated = Simulation(lite, tmp_path, people, at(start), day=day)
    with simulated.relay:
        simulated.run(at(until))
    endings = judge(simulated, periods, len(people))
    assert endings["sent"] == len(people) * len(periods) - endings["holiday"]
    assert simulated.verdict() == ()


def test_an_hour_that_some_clocks_skip_is_the_end_of_their_gap_and_one_that_comes_twice_is_one_letter(lite: Engine, tmp_path: Path) -> None:
    people = [one for one in everywhere() if one["zone"].startswith(("Europe/", "Atlantic/", "Asia/", "Antarctica/"))][::3]
    simulated = Simulation(lite, tmp_path, people, at("2026-03-20T00:00"), day="sunday", time="02:15", quiet="22:00-02:00")
    with simulated.relay:
        simulated.run(at("2026-04-01T00:00"))
        simulated.now = at("2026-10-17T00:00")
        simulated.run(at("2026-10-28T00:00"))
    missed = {period for period, state in simulated.editions().items() if state == "skipped"}
    assert len(missed) == 28, "the summer, in which no clock ran"
    endings = judge(simulated, weeks(2026, 12, 13, 42, 43), len(people))
    assert endings["moved by a clock change"] > 5


def test_the_schedule_may_be_the_sites_and_still_nobody_is_written_to_at_night(lite: Engine, tmp_path: Path) -> None:
    people = everywhere()[::6]
    simulated = Simulation(lite, tmp_path, people, at("2026-10-24T00:00"), zone="site", holidays="ignore")
    with simulated.relay:
        simulated.run(at("2026-10-31T00:00"))
    rows = simulated.rows()
    assert {row.state for row in rows} == {"sent"}
    clocks = Counter(f"{wall(row.sent_at, row.zone):%H:%M}" for row in rows)
    assert clocks["06:00"] > 30, "where it is night at nine in Berlin"
    assert not [clock for clock in clocks if is_quiet(time.fromisoformat(clock))]
    assert len({row.sent_at for row in rows if f"{wall(row.sent_at, row.zone):%H:%M}" != "06:00"}) == 1, "everybody else at one moment"


@pytest.mark.parametrize("late", [timedelta(hours=3), timedelta(hours=13), timedelta(hours=23)])
def test_a_late_approval_sends_what_is_not_too_late_and_wakes_nobody(lite: Engine, tmp_path: Path, late: timedelta) -> None:
    people = everywhere()[::6]
    simulated = Simulation(lite, tmp_path, people, at("2026-10-24T00:00"), approval="required", holidays="ignore")
    approved_at = at("2026-10-27T12:00") + late

    def approve() -> None:
        if simulated.now >= approved_at and "draft" in simulated.editions().values():
            edition.approve(lite, now=simulated.now, who="mara")

    with simulated.relay:
        simulated.run(approved_at)
        assert simulated.relay.taken == []
        assert "waits for approval" in simulated.verdict()[0]
        simulated.run(at("2026-11-01T00:00"), approve)
    rows = simulated.rows()
    missed = {row.address for row in rows if row.due_at < approved_at - timedelta(hours=24)}
    assert {row.address for row in rows if (row.state, row.reason) == ("skipped", "missed")} == missed
    assert {row.state for row in rows if row.address not in missed} == {"sent"}
    assert Counter(simulated.relay.taken) == {(row.address, row.sent_at): 1 for row in rows if row.state == "sent"}
    assert [row for row in rows if row.sent_at is not None and is_quiet(wall(row.sent_at, row.zone).time())] == []


def test_who_moves_after_planning_keeps_the_hour_that_was_planned(lite: Engine, tmp_path: Path) -> None:
    people = [person("p0000@example.org", zone="Asia/Tokyo", country="JP"), person("ben@example.org", zone="America/New_York", country="US")]
    simulated = Simulation(lite, tmp_path, people, at("2026-11-22T23:59"))  # Monday 23 November is a holiday in Japan
    with simulated.relay:
        simulated.tick()
        simulated.now = at("2026-11-23T18:00")
        simulated.tick()
        with write(lite) as connection:
            connection.execute(update(employee).values(zone="Europe/Berlin", country="DE"))
        simulated.run(at("2026-11-27T00:00"))
    assert simulated.relay.taken == [("p0000@example.org", at("2026-11-24T05:00")), ("ben@example.org", at("2026-11-24T14:00"))]


@pytest.mark.parametrize("quiet", ["", "21:00-06:00"])
def test_a_zone_that_is_not_known_is_the_sites(lite: Engine, tmp_path: Path, quiet: str) -> None:
    people = [person("p0000@example.org", zone=""), person("ben@example.org", zone="Mars/Olympus")]
    simulated = Simulation(lite, tmp_path, people, at("2026-11-22T00:00"), quiet=quiet)
    with simulated.relay:
        simulated.run(at("2026-11-27T00:00"))
    assert sorted(simulated.relay.taken) == [("ben@example.org", at("2026-11-24T08:00")), ("p0000@example.org", at("2026-11-24T08:00"))]


CHRISTMAS = [person("p0000@example.org", zone="Europe/Berlin", country="DE"), person("ben@example.org", zone="America/New_York", country="US")]


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ({"day": "friday"}, {"p0000@example.org": "Mon 28", "ben@example.org": "Mon 28"}),
        ({"day": "friday", "closed": ["12-28", "2026-12-29"]}, {"p0000@example.org": "Wed 30", "ben@example.org": "Wed 30"}),
        ({"day": "friday", "holidays": "skip"}, {}),
        ({"day": "friday", "holidays": "ignore"}, {"p0000@example.org": "Fri 25", "ben@example.org": "Fri 25"}),
        ({"day": "friday", "holidays": "ignore", "closed": ["12-25"]}, {"p0000@example.org": "Mon 28", "ben@example.org": "Mon 28"}),
        ({"day": "saturday"}, {"p0000@example.org": "Mon 28", "ben@example.org": "Sat 26"}),  # the second day of Christmas is German
        ({"day": "friday", "closed": ["12-28", "12-29", "12-30", "12-31"]}, {}),
    ],
)
def test_christmas_is_spent_as_the_schedule_says(lite: Engine, tmp_path: Path, schedule: dict[str, Any], said: dict[str, str]) -> None:
    simulated = Simulation(lite, tmp_path, CHRISTMAS, at("2026-12-21T00:00"), **schedule)
    with simulated.relay:
        simulated.run(at("2026-12-31T07:00"))
    found = [row for row in simulated.rows() if row.period == "2026-W52"]
    assert {row.address: f"{wall(row.sent_at, row.zone):%a %d}" for row in found if row.state == "sent"} == said
    assert {(row.state, row.reason) for row in found if row.address not in said} <= {("skipped", "holiday")}
    assert len(simulated.relay.taken) == len([row for row in simulated.rows() if row.state == "sent"])
    assert simulated.editions()["2026-W52"] == "closed"
    assert simulated.verdict() == ()


def test_a_week_that_reaches_into_the_next_keeps_neither_from_going_out(lite: Engine, tmp_path: Path) -> None:
    christmas = [f"12-{day}" for day in (22, 23, 24, 25)]
    people = [*CHRISTMAS, person("kiri@example.org", zone="Pacific/Kiritimati")]
    simulated = Simulation(lite, tmp_path, people, at("2026-12-20T00:00"), closed=christmas)
    with simulated.relay:
        simulated.run(at("2027-01-01T00:00"))
    days = {(row.address, row.period): f"{wall(row.sent_at, row.zone):%a %d %H}" for row in simulated.rows()}
    assert set(days.values()) == {"Mon 28 09", "Tue 29 09"}
    assert len(days) == 6
    assert simulated.editions() == {"2026-W52": "closed", "2026-W53": "closed"}


def test_an_outage_within_the_catch_up_sends_late_and_a_longer_one_names_what_was_missed(engine: Engine, tmp_path: Path) -> None:
    simulated = Simulation(engine, tmp_path, CHRISTMAS, at("2026-11-09T00:00"))
    with simulated.relay:
        simulated.run(at("2026-11-16T00:00"))
        simulated.now = at("2026-11-18T07:30")  # nobody planned: Germany is 23.5 hours late, New York 17.5
        assert "2026-W47 has not started" in simulated.verdict()[0]
        simulated.tick()
        assert [row.state for row in simulated.rows() if row.period == "2026-W47"] == ["sent", "queued"], "it is night in New York"
        simulated.run(at("2026-11-22T00:00"))
        simulated.now = at("2026-11-25T09:00")  # Germany's hour was 25 hours ago
        simulated.tick()
        simulated.run(at("2026-11-28T00:00"))
        assert [(row.state, row.reason) for row in simulated.rows() if row.period == "2026-W48"] == [("skipped", "missed"), ("sent", "")]
        simulated.now = at("2026-12-17T09:00")
        assert [problem[:23] for problem in simulated.verdict()] == ["2026-W49 never started.", "2026-W50 never started.", "2026-W51 never started."]
        simulated.tick()
    assert simulated.editions() == {
        "2026-W46": "closed",
        "2026-W47": "closed",
        "2026-W48": "closed",
        "2026-W49": "skipped",
        "2026-W50": "skipped",
        "2026-W51": "skipped",
    }
    assert [problem[:21] for problem in simulated.verdict()] == ["2026-W49 was skipped:", "2026-W50 was skipped:", "2026-W51 was skipped:"]


def test_an_approved_edition_that_nobody_sent_in_time_is_missed_whole_or_in_part(engine: Engine, tmp_path: Path) -> None:
    simulated = Simulation(engine, tmp_path, CHRISTMAS, at("2026-11-23T12:00"))
    with simulated.relay:
        simulated.tick()
        assert simulated.editions() == {"2026-W48": "approved"}
        simulated.now = at("2026-11-25T08:01")  # Germany's hour was 24 hours and a minute ago
        simulated.tick()
        assert [(row.state, row.reason) for row in simulated.rows()] == [("skipped", "missed"), ("queued", "")]
        simulated.now = at("2026-11-26T09:00")
        simulated.tick()
    assert simulated.editions() == {"2026-W48": "skipped"}
    assert {(row.state, row.reason) for row in simulated.rows()} == {("skipped", "missed")}
    assert simulated.relay.taken == []


def test_a_queue_that_is_broken_keeps_the_edition_before_from_no_approval(lite: Engine, tmp_path: Path) -> None:
    simulated = Simulation(lite, tmp_path, CHRISTMAS, at("2026-12-21T12:00"), closed=["12-22", "12-23", "12-24", "12-25"])
    edition.plan(lite, simulated.config, now=simulated.now)
    (tmp_path / "queue.toml").write_text("[[post]]\n", encoding="utf-8")
    with pytest.raises(FileProblemsError):
        edition.open_due(lite, simulated.config, now=at("2026-12-28T08:30"))
    simulated.relay.stop()
    assert simulated.editions() == {"2026-W52": "approved"}


def test_a_clock_that_is_set_back_brings_no_week_from_before_the_first(lite: Engine, tmp_path: Path) -> None:
    simulated = Simulation(lite, tmp_path, CHRISTMAS, at("2026-11-02T09:00"))
    with simulated.relay:
        simulated.run(at("2026-11-04T00:00"))
        for days in (8, 15, 400):
            simulated.now = at("2026-11-04T00:00") - DAY * days
            simulated.tick()
    assert simulated.editions() == {"2026-W45": "closed"}
    assert len(simulated.relay.taken) == 2


START, END = at("2026-11-02T00:00"), at("2026-12-07T00:00")
JUMPS = st.lists(st.tuples(st.integers(1, 12), st.integers(-9 * 24, 9 * 24)), max_size=4)


@settings(max_examples=5, deadline=None)
@given(jumps=JUMPS)
@example(jumps=[(5, 200), (1, 0)])  # wrong for one tick, more than a week ahead
@example(jumps=[(4, 2000), (1, 0)])  # and three months
@example(jumps=[(12, -216), (20, 0)])  # back, after letters were sent
@example(jumps=[(6, 24), (1, -24), (1, 24)])  # to and fro on the day itself
def test_a_clock_that_jumps_sends_nothing_twice_and_loses_no_edition(sqlite_template: Path, jumps: list[tuple[int, int]]) -> None:
    """Each jump: so many ticks, six hours apart, and then the clock is wrong by so many hours. At last it is right again."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        shutil.copy(sqlite_template, Path(folder) / "digest.db")
        engine = open_database(f"sqlite:///{folder}/digest.db")
        stack.callback(engine.dispose)
        simulated = Simulation(engine, Path(folder), CHRISTMAS, START, holidays="ignore")
        stack.enter_context(simulated.relay)
        truth, wrong = START, timedelta(0)
        for ticks, hours in jumps:
            for _ in range(ticks):
                simulated.now = truth + wrong
                simulated.tick()
                truth += IDLE
            wrong = timedelta(hours=hours)
        simulated.now, simulated.idle = truth, 2 * IDLE
        begun = {period for period, state in simulated.editions().items() if state in {"sending", "closed"}}  # under the wrong clock
        simulated.run(END)
        rows = simulated.rows()
        sent = Counter((row.address, row.sent_at) for row in rows if row.state == "sent")
        assert Counter(simulated.relay.taken) == sent, "every letter at the relay is one row's, once"
        assert {(row.state, row.reason) for row in rows if row.due_at < END} <= {("sent", ""), ("skipped", "missed"), ("failed", "expired")}
        happened = {(row.period, row.address) for row in rows if row.state == "sent"}
        weeks_left = {period_of((truth + DAY * n).date()) for n in range(9, (END - truth).days)} - begun
        assert {(period, one["address"]) for period in weeks_left for one in CHRISTMAS} <= happened
