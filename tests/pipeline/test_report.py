"""The report's promises: ranges, machines apart, small groups hidden, clicks and visits never added."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, insert, select

from digest.config import Config
from digest.db.schema import click, employee, message, token
from digest.db.session import write
from digest.pipeline import edition, report, report_forms, roster
from tests.conftest import NOW
from tests.factories import company, crowd

EVENING = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
BROWSER = {"method": "GET", "ua": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "mode": "navigate", "user": True}


def planned(engine: Engine, home: Path, count: int = 40) -> Config:
    config = company(engine, home, crowd(count))
    edition.plan(engine, config, now=EVENING)
    with write(engine) as connection:
        connection.execute(message.update().values(state="sent", sent_at=EVENING))
    return config


def press(engine: Engine, people: int, *, skip: str = "", signals: dict[str, object] | None = None, links: int = 1) -> None:
    """`people` of them press their first `links` links, one by one over the day."""
    with write(engine) as connection:
        joined = message.join(token, token.c.token == message.c.share_token)
        wanted = select(message.c.employee_id, message.c.share_token, token.c.group_key).select_from(joined)
        wanted = wanted.where(token.c.group_key != f"team:{skip}").order_by(message.c.employee_id).limit(people)
        rows = connection.execute(wanted).all()
        for place, row in enumerate(rows):
            for n in range(1, links + 1):
                at = LATER.replace(minute=place, second=n)
                values = {
                    "event": str(uuid.uuid4()), "at": at, "token": row.share_token, "edition_id": 1, "employee_id": row.employee_id,
                    "group_key": row.group_key, "n": n, "post_id": ("cold-room", "flow-meter", "no-lyon")[n - 1], "kind": "read", "network": "",
                    "signals": signals or BROWSER, "source": f"source{place}", "class": "human", "reasons": [], "rules_version": 0,
                }  # fmt: skip
                connection.execute(insert(click).values(values))


def cold_room(found: report.Report) -> report.PostFigures:
    return next(post for post in found.posts if post.id == "cold-room")


def test_seven_people_are_a_figure_and_three_are_not(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    press(engine, 3)
    assert str(cold_room(report.report(engine, config)).read) == "fewer than 5"


def test_the_same_press_twice_counts_once(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    press(engine, 7)
    press(engine, 7)
    assert str(cold_room(report.report(engine, config)).read) == "7"


def test_machines_are_counted_apart(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    press(engine, 7)
    press(engine, 12, signals={"method": "GET", "ua": ""})
    found = report.report(engine, config)
    assert str(cold_room(found).read) == "7"
    assert found.click_classes == {"preview": 0, "machine": 12, "probable": 0, "human": 7}


def test_a_hidden_figure_is_hidden_in_every_form(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    press(engine, 3)
    found = report.report(engine, config)
    data = json.loads(json.dumps(report_forms.as_data(found)))
    assert next(post for post in data["posts"] if post["post"] == "cold-room")["read"] == {"low": None, "high": None, "hidden": True}
    row = dict(zip(*[report_forms.rows(found)[place] for place in (0, 1)], strict=True))
    assert (row["post"], row["read_low"], row["read_high"]) == ("cold-room", "", "")


def test_a_hidden_figure_cannot_be_had_from_how_many_clicks_there_were(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    press(engine, 12, links=2)
    with write(engine) as connection:
        connection.execute(click.delete().where(click.c.post_id == "cold-room", click.c.employee_id > 3))
    found = report.report(engine, config)
    assert found.click_classes is not None
    assert sum(found.click_classes.values()) == 15
    assert {post.id: str(post.read) for post in found.posts} == {"cold-room": "fewer than 5", "flow-meter": "not shown", "no-lyon": "0"}


def test_teams_below_five_people_count_together(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path, count=18)  # teams of 5, 5, 4 and 4
    press(engine, 18)
    assert report.report(engine, config).teams == {"Lab": 5, "Quality": 5, "everyone else": 8}


def test_a_team_of_which_few_pressed_is_hidden_together_with_another(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)  # teams of 10
    press(engine, 20, skip="Quality")
    press(engine, 2)
    teams = report.report(engine, config).teams
    assert sorted(teams) == ["Field", "Lab", "Quality", "Sales"]
    assert sum(people is None for people in teams.values()) == 2
    assert teams["Quality"] is None


def test_who_moves_leaves_or_is_erased_changes_no_figure_of_an_edition(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    press(engine, 30)
    before = report.report(engine, config)
    with write(engine) as connection:
        connection.execute(employee.update().where(employee.c.id == 2).values(team="Sales"))
        connection.execute(employee.update().where(employee.c.id == 3).values(left_at=NOW))
    roster.erase(engine, "person000004@example.org", now=NOW, random=lambda: "x")
    after = report.report(engine, config)
    assert (after.teams, after.posts, after.click_classes) == (before.teams, before.posts, before.click_classes)
