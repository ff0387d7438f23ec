"""What people wish for themselves is kept by planning and sending: how often, a pause, their hour, their language and networks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from digest.db.schema import edition, employee, message, token
from digest.db.session import read, write
from digest.pipeline import edition as stage
from digest.pipeline import status, week, why
from tests.conftest import NOW
from tests.factories import company, person
from tests.sink import Sink

EVENING = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)  # Monday; everybody is due on Tuesday
WEEK = timedelta(weeks=1)
ANA, BEN = person("ana@example.org"), person("ben@example.org")


def went_out(engine: Engine) -> None:
    """Everything that was planned went out, and its week is over."""
    with write(engine) as connection:
        connection.execute(update(message).where(message.c.state == "queued").values(state="sent"))
        connection.execute(update(edition).values(state="closed"))


def weeks(engine: Engine, config: Any, count: int, *, address: str = "ben@example.org", cancelled: int = -1) -> list[str]:
    """What `address` got in each of so many weeks; the edition of one of them was cancelled."""
    found = []
    for turn in range(count):
        stage.plan(engine, config, now=EVENING + turn * WEEK)
        told = why.why(engine, address)
        found.append(told["reason"] or told["state"])
        if turn == cancelled:
            with write(engine) as connection:
                connection.execute(update(message).where(message.c.state == "queued").values(state="cancelled"))
                connection.execute(update(edition).where(edition.c.state == "draft").values(state="cancelled"))
        went_out(engine)
    return found


@pytest.mark.parametrize(
    ("frequency", "got"),
    [
        ("fortnightly", ["queued", "not_your_week", "queued", "not_your_week", "queued", "not_your_week"]),
        ("monthly", ["queued", "not_your_week", "not_your_week", "not_your_week", "queued", "not_your_week"]),
    ],
)
def test_someone_on_fortnightly_or_monthly_has_a_named_skip_in_between(engine: Engine, tmp_path: Path, frequency: str, got: list[str]) -> None:
    config = company(engine, tmp_path, [ANA, BEN], mix={"repeats": 10})
    with write(engine) as connection:
        connection.execute(update(employee).where(employee.c.address == "ben@example.org").values(frequency=frequency))
    assert weeks(engine, config, 6) == got
    found = status.status(engine)
    assert found["reasons"] == {"not_your_week": 1}
    assert "skipped (not_your_week)" in status.sentence(found, approval="automatic")
    assert "not_your_week" in why.sentence(why.why(engine, "ben@example.org"))


def test_a_cancelled_week_costs_nobody_their_turn(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN], mix={"repeats": 10})
    with write(engine) as connection:
        connection.execute(update(employee).where(employee.c.address == "ben@example.org").values(frequency="fortnightly"))
    assert weeks(engine, config, 5, cancelled=2) == ["queued", "not_your_week", "queued", "queued", "not_your_week"]


def test_planning_the_same_week_again_gives_the_same_turn(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN])
    with write(engine) as connection:
        connection.execute(update(employee).values(frequency="monthly"))
    for _ in range(3):
        stage.plan(engine, config, now=EVENING)
        assert status.status(engine)["queued"] == 2


def test_a_pause_skips_what_is_due_before_its_end_and_nothing_after(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN], mix={"repeats": 10})
    with write(engine) as connection:
        connection.execute(update(employee).where(employee.c.address == "ben@example.org").values(paused_until=EVENING + 2 * WEEK))
    assert weeks(engine, config, 4) == ["paused", "paused", "queued", "queued"]


@pytest.mark.parametrize("undone", [False, True])
def test_a_pause_after_planning_holds_the_letter_back_unless_it_is_undone_in_time(engine: Engine, tmp_path: Path, undone: bool) -> None:
    with Sink(file=tmp_path / "mail.jsonl") as sink:
        config = company(engine, tmp_path, [ANA, BEN], smtp={"port": sink.port})
        stage.plan(engine, config, now=EVENING)
        stage.approve(engine, now=EVENING, who="mara")
        for until in (NOW + 4 * WEEK, None)[: 2 if undone else 1]:
            with write(engine) as connection:
                connection.execute(update(employee).where(employee.c.address == "ben@example.org").values(paused_until=until))
        week.send_due(engine, config, clock=lambda: NOW)
        assert sorted(mail["to"] for mail in sink.mails()) == ["ana@example.org", *(["ben@example.org"] if undone else [])]
    found = why.why(engine, "ben@example.org")
    assert (found["state"], found["reason"]) == (("sent", "") if undone else ("skipped", "paused"))
    assert sum(status.status(engine)[state] for state in status.COUNTS) == 2


def test_each_letter_is_due_at_the_persons_own_hour_on_their_own_clock(engine: Engine, tmp_path: Path) -> None:
    people = [
        person("a@example.org", zone="Asia/Kolkata", hour="07:30"),
        person("b@example.org", zone="Asia/Kolkata"),
        person("c@example.org", zone="America/New_York", hour="20:30"),
        person("d@example.org", hour="05:00"),  # quiet until six
    ]
    rows = [{"hour": "", **one} for one in (*people, ANA)]
    for zone, b in (("employee", "03:30"), ("site", "09:00")):
        with write(engine) as connection:
            connection.execute(employee.delete())
        config = company(engine, tmp_path, rows, schedule={"zone": zone})
        stage.plan(engine, config, now=EVENING - timedelta(hours=2))
        due = [why.why(engine, f"{one}@example.org")["due_at"][:16] for one in "abcd"]
        assert due == ["2026-11-24T02:00", f"2026-11-24T{b}", "2026-11-25T01:30", "2026-11-24T06:00"]
        assert status.status(engine)["due_until"] == "2026-11-25T01:30:00+00:00"


def test_a_shared_mailbox_gets_one_letter_and_nothing_of_it_is_tied_to_anybody(engine: Engine, tmp_path: Path) -> None:
    crew = [person(f"p{n}@example.org", team="Lab") for n in range(6)]
    config = company(engine, tmp_path, [{**ANA, "team": "Lab"}, *crew, person("lab@example.org", name="The Lab", team="Lab", shared=True)])
    stage.plan(engine, config, now=EVENING)
    with read(engine) as connection:
        number = connection.execute(select(employee.c.id).where(employee.c.shared)).scalar_one()
        [row] = connection.execute(select(message).where(message.c.employee_id == number)).all()
        tied = connection.execute(select(token).where(token.c.employee_id == number)).all()
        [its] = connection.execute(select(token).where(token.c.token == row.share_token)).all()
    assert (row.state, row.name, row.tally, tied) == ("queued", "", "", [])
    assert (its.employee_id, its.group_key, its.numbers) == (None, "team:Lab", None)
