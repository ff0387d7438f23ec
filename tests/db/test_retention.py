"""Single events become sums: no figure changes by it, whenever it happens and wherever it is interrupted."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, func, insert, select

from digest.db import retention
from digest.db.schema import audit, click, day_count, run, visit
from digest.db.session import read, write
from tests.conftest import NOW
from tests.tracked import CLASSES, LONG_AGO, a_click, a_visit, figures, put_links

DAY = timedelta(days=1)


def turn(engine: Engine, before: datetime, *, chunk: int = 7, stop: Callable[[], bool] = lambda: False) -> int:
    """As the purge does it, in small steps; `stop` breaks off between two of them."""
    with read(engine) as connection:
        batches = retention.due(connection, before)
    gone = 0
    for batch in batches:
        with read(engine) as connection:
            plan = retention.plan(connection, batch, before)
        for start in range(0, len(plan.ids), chunk):
            if stop():
                return gone
            with write(engine) as connection:
                gone += retention.turn(connection, batch, plan.ids[start : start + chunk], plan.carriers)
    return gone


def fill(engine: Engine, seed: int) -> None:
    """Five days of presses by people, groups, machines and strangers, many of them repeated."""
    dice = random.Random(seed)
    with write(engine) as connection:
        put_links(connection)
        for _ in range(120):
            at = LONG_AGO + timedelta(minutes=dice.randrange(5 * 24 * 60))
            who = dice.choice([("a" * 17, 1), ("b" * 17, 2), ("g" * 17, None), ("~" + "d" * 32, None)])
            kind, network = dice.choice([("read", ""), ("share", ""), ("share", "x")])
            source = f"{at:%d}-{dice.randrange(3)}"  # known for a day
            more = {"token": who[0], "employee_id": who[1], "kind": kind, "network": network, "source": source}
            connection.execute(insert(click).values(a_click(at, **more, **{"class": dice.choice(CLASSES)})))
        for _ in range(80):
            at = LONG_AGO + timedelta(minutes=dice.randrange(5 * 24 * 60))
            visitor, country = dice.choice([("v1", "DE"), ("v2", ""), ("v3", "FR")])
            slug = f"00000000000{dice.randrange(1, 4)}"
            reasons = dice.choice([[], [], ["own"], ["colleague"]])
            row = a_visit(at, slug=slug, visitor=f"{at:%d}{visitor}", country=country, reasons=reasons, **{"class": dice.choice(CLASSES)})
            connection.execute(insert(visit).values(row))


@pytest.mark.parametrize("seed", range(5))
def test_no_figure_changes_however_often_and_wherever_it_is_broken_off(engine: Engine, seed: int) -> None:
    fill(engine, seed)
    expected = figures(engine)
    dice = random.Random(seed)
    for hours in sorted(dice.sample(range(7 * 24), 6)):
        turn(engine, LONG_AGO + timedelta(hours=hours), chunk=dice.randrange(1, 9), stop=lambda: dice.random() < 0.2)
        assert figures(engine) == expected
    turn(engine, NOW)
    assert figures(engine) == expected
    with read(engine) as connection:
        assert connection.execute(select(func.count()).select_from(click)).scalar_one() == 0
        assert connection.execute(select(func.count()).select_from(visit)).scalar_one() == 0


def test_doing_it_twice_finds_nothing_the_second_time(engine: Engine) -> None:
    fill(engine, 1)
    assert turn(engine, NOW) == 200
    expected = figures(engine)
    assert turn(engine, NOW) == 0
    assert figures(engine) == expected


def test_two_who_hold_the_same_plan_count_each_event_once(engine: Engine) -> None:
    fill(engine, 2)
    expected = figures(engine)
    with read(engine) as connection:
        [batch, *_] = retention.due(connection, NOW)
        plan = retention.plan(connection, batch, NOW)
    with write(engine) as connection:
        assert retention.turn(connection, batch, plan.ids, plan.carriers) == 120
    with write(engine) as connection:
        assert retention.turn(connection, batch, plan.ids, plan.carriers) == 0
    assert figures(engine) == expected


def test_a_person_who_comes_back_to_a_link_later_still_counts_once(engine: Engine) -> None:
    with write(engine) as connection:
        for at in (LONG_AGO, LONG_AGO + 3 * DAY):
            connection.execute(insert(click).values(a_click(at)))
    turn(engine, LONG_AGO + DAY)
    assert figures(engine) == {("read", "cold-room", "", "", ""): (1, 1, 2)}


def test_what_is_young_stays_as_it_is(engine: Engine) -> None:
    with write(engine) as connection:
        connection.execute(insert(click).values(a_click(LONG_AGO)))
        connection.execute(insert(click).values(a_click(LONG_AGO + DAY, token="u" * 17, employee_id=8)))
    assert turn(engine, LONG_AGO + DAY) == 1
    with read(engine) as connection:
        assert connection.execute(select(click.c.employee_id)).scalars().all() == [8]


def test_a_visit_to_a_link_that_is_gone_is_no_obstacle(engine: Engine) -> None:
    with write(engine) as connection:
        connection.execute(insert(visit).values(a_visit(LONG_AGO, slug="zzzzzzzzzzzz")))
    assert turn(engine, NOW) == 1


def test_the_brand_s_own_links_have_sums_of_their_own(engine: Engine) -> None:
    with write(engine) as connection:
        put_links(connection)
        for slug in ("000000000002", "000000000003"):
            connection.execute(insert(visit).values(a_visit(LONG_AGO, slug=slug, visitor=slug)))
    turn(engine, NOW)
    with read(engine) as connection:
        rows = [(row.channel, row.network, row.counted) for row in connection.execute(select(day_count))]
    assert sorted(rows) == [("brand", "x", 1), ("employee", "x", 1)]


def test_old_runs_and_what_they_noted_go_and_what_people_did_stays(engine: Engine) -> None:
    with write(engine) as connection:
        for name, at, ended in (("old", LONG_AGO, LONG_AGO), ("dead", LONG_AGO, None), ("new", NOW, NOW)):
            connection.execute(insert(run).values(id=name, lock_key=1, host="h", pid=1, started_at=at, ended_at=ended))
        for who in ("evidence", "mara"):
            connection.execute(insert(audit).values(at=LONG_AGO, who=who, what="message.resolve", subject="message:1", detail=""))
        assert retention.forget_runs(connection, NOW - 90 * DAY) == 2
    with read(engine) as connection:
        assert sorted(connection.execute(select(run.c.id)).scalars()) == ["dead", "new"]
        assert connection.execute(select(audit.c.who)).scalars().all() == ["mara"]
