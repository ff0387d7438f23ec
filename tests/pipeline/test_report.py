"""The report's promises: ranges, machines apart, small groups hidden, clicks and visits never added."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, insert, select

from digest.config import Config
from digest.db.schema import click, employee, message
from digest.db.session import read, write
from digest.pipeline import edition, report, report_forms
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


def press(engine: Engine, people: int, *, signals: dict[str, object] | None = None, links: int = 1) -> None:
    """`people` of them press their first `links` links, one by one over the day."""
    with write(engine) as connection:
        rows = connection.execute(select(message.c.employee_id, message.c.share_token).order_by(message.c.employee_id).limit(people)).all()
        for place, row in enumerate(rows):
            for n in range(1, links + 1):
                at = LATER.replace(minute=place, second=n)
                values = {
                    "event": str(uuid.uuid4()), "at": at, "token": row.share_token, "edition_id": 1, "employee_id": row.employee_id,
                    "group_key": None, "n": n, "post_id": ("cold-room", "flow-meter", "no-lyon")[n - 1], "kind": "read", "network": "",
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


def test_teams_below_five_people_are_hidden(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path, count=18)  # teams of 5, 5, 4 and 4
    press(engine, 18)
    with read(engine) as connection:
        assert len(connection.execute(select(employee.c.id)).all()) == 18
    teams = report.report(engine, config).teams
    assert [team for team, people in teams.items() if people is None] == ["Field", "Sales"] or None in teams.values()
    assert teams["Field"] is None
    assert teams["Sales"] is None
