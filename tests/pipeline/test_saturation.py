"""Saturation: three shares in a team's first wave, and its second carries another post; other teams and sent letters keep theirs."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select

from digest.config import Config
from digest.db.schema import click, edition_post, employee, message, token
from digest.db.session import read, write
from digest.pipeline import edition, week, why
from tests.conftest import NOW
from tests.factories import company, person
from tests.sink import Sink

TEAM = 6
POSTS = "".join(
    f'[[post]]\nid = "{name}"\ntitle = "{name.title()}"\nwhy = "Because."\nurl = "https://example.com/{name}"\nby = "quality0@example.org"\n'
    for name in ("apples", "berries", "cherries")
)
MONDAY = NOW - timedelta(days=1, hours=-9)
LATER = NOW + timedelta(hours=5, minutes=1)  # nine o'clock in New York


def folk() -> list[dict[str, Any]]:
    zones = ("UTC", "America/New_York")
    return [person(f"{team}{n}@example.org", team=team, zone=zones[n % 2]) for team in ("quality", "lab") for n in range(TEAM)]


@pytest.fixture
def sink(tmp_path: Path) -> Any:
    with Sink(file=tmp_path / "mail.jsonl") as found:
        yield found


def planned(engine: Engine, home: Path, sink: Sink, **tables: Any) -> Config:
    """An edition of three posts, two of them in a letter, with the first wave sent."""
    mix = {"posts": 2, "saturation": 3, **tables.pop("mix", {})}
    config = company(engine, home, folk(), queue=POSTS, smtp={"port": sink.port}, mix=mix, privacy={"minimum_group": 3}, **tables)
    edition.plan(engine, config, now=MONDAY)
    edition.approve(engine, now=MONDAY, who="test")
    send(engine, config, NOW + timedelta(minutes=1))
    return config


def send(engine: Engine, config: Config, now: datetime) -> None:
    week.send_due(engine, config, clock=lambda: now)


def share(engine: Engine, team: str, people: int, post: str = "apples", *, at: datetime = NOW + timedelta(hours=1), verdict: str = "human") -> None:
    """People of a team open the share link of a post."""
    with write(engine) as connection:
        n = connection.execute(select(edition_post.c.n).where(edition_post.c.post_id == post)).scalar_one()
        found = connection.execute(
            select(token).join(employee, employee.c.id == token.c.employee_id).where(employee.c.team == team).order_by(employee.c.id).limit(people)
        ).all()
        rows = [
            {"event": f"{post}{one.token}", "at": at, "token": one.token, "edition_id": one.edition_id, "employee_id": one.employee_id}
            | {"group_key": one.group_key, "n": n, "post_id": post, "kind": "share", "network": "linkedin", "signals": {}, "source": "s"}
            | {"class": verdict, "reasons": [], "rules_version": 1}
            for one in found
        ]
        connection.execute(insert(click), rows)


def letters(engine: Engine, team: str, zone: str) -> list[list[int]]:
    with read(engine) as connection:
        rows = connection.execute(
            select(message.c.picks).join(employee, employee.c.id == message.c.employee_id).where(employee.c.team == team, employee.c.zone == zone)
        ).scalars()
        return [[n for n, _ in picks] for picks in rows]


def test_three_shares_in_the_first_wave_change_the_team_s_second_and_nobody_else_s(engine: Engine, tmp_path: Path, sink: Sink) -> None:
    config = planned(engine, tmp_path, sink)
    share(engine, "quality", 3)
    send(engine, config, LATER)
    assert letters(engine, "quality", "America/New_York") == [[2, 3]] * 3
    assert letters(engine, "quality", "UTC") == letters(engine, "lab", "UTC") == letters(engine, "lab", "America/New_York") == [[1, 2]] * 3
    with read(engine) as connection:
        assert {state for (state,) in connection.execute(select(message.c.state))} == {"sent"}
    found = why.why(engine, "quality1@example.org", config=config)
    assert [(one["post"], one["because"]) for one in found["left_out"]] == [
        ("apples", "gave way to the next spare, because it was shared enough nearby")
    ]
    assert "gave way" in why.sentence(found)
    assert found["spares"] == []


def test_what_goes_over_the_wire_is_the_other_post(engine: Engine, tmp_path: Path, sink: Sink) -> None:
    config = planned(engine, tmp_path, sink)
    share(engine, "quality", 3)
    send(engine, config, LATER)
    subjects = {mail["to"]: mail["h:subject"] for mail in sink.mails()}  # the title of the first pick
    assert len(subjects) == 2 * TEAM
    assert {to for to, subject in subjects.items() if subject == "Berries"} == {f"quality{n}@example.org" for n in (1, 3, 5)}


@pytest.mark.parametrize("case", ["two people", "a machine", "after the wave began", "switched off"])
def test_without_enough_human_shares_before_the_wave_nothing_changes(engine: Engine, tmp_path: Path, sink: Sink, case: str) -> None:
    config = planned(engine, tmp_path, sink, mix={"saturation": 0 if case == "switched off" else 3})
    share(
        engine,
        "quality",
        2 if case == "two people" else 3,
        verdict="machine" if case == "a machine" else "human",
        at=LATER if case == "after the wave began" else NOW + timedelta(hours=1),
    )
    send(engine, config, LATER)
    assert letters(engine, "quality", "America/New_York") == [[1, 2]] * 3


def test_a_letter_that_was_offered_once_stays_as_it_was(engine: Engine, tmp_path: Path, sink: Sink) -> None:
    config = planned(engine, tmp_path, sink)
    share(engine, "quality", 3)
    with write(engine) as connection:
        connection.execute(message.update().where(message.c.state == "queued").values(attempts=1))
    send(engine, config, LATER)
    assert letters(engine, "quality", "America/New_York") == [[1, 2]] * 3


def test_of_people_who_are_not_counted_no_share_counts_for_their_team(engine: Engine, tmp_path: Path, sink: Sink) -> None:
    config = planned(engine, tmp_path, sink, tracking={"consent": "opt-in"})
    with read(engine) as connection:
        assert {group for (group,) in connection.execute(select(token.c.group_key))} == {"nobody"}
    send(engine, config, LATER)
    assert letters(engine, "quality", "America/New_York") == [[1, 2]] * 3


def test_a_wave_is_looked_at_once_however_many_claims_it_takes(engine: Engine, tmp_path: Path, sink: Sink) -> None:
    config = planned(engine, tmp_path, sink)
    share(engine, "quality", 3)
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    send(engine, config, LATER)
    event.remove(engine, "before_cursor_execute", note)
    assert sum("FROM click" in statement and "group_key" in statement for statement in asked) == 1
