"""What a press leaves behind in each mode, and what is gone when it was promised to be: letters really sent, links really pressed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text, update

from digest.db import retention
from digest.db.schema import audit, click, day_salt, employee, short_link
from digest.db.session import read, write
from digest.demo.mailbox import Mailbox
from digest.pipeline import personal, privacy, report, report_forms, roster
from digest.scheduler import Clock
from tests.conftest import NOW
from tests.factories import crowd, person
from tests.tracked import a_click
from tests.whole import TRACKS, Whole, links_of

Company = Callable[..., Whole]


@pytest.fixture
def made(engine: Engine, tmp_path: Path) -> Iterator[Company]:
    """Companies with a real SMTP server."""
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    yield lambda people, **tables: Whole(engine, tmp_path, mailbox, people, **tables)
    mailbox.stop()


def addresses(people: list[dict[str, object]]) -> list[str]:
    return [str(one["address"]) for one in people]


def test_in_aggregate_mode_a_thousand_clicks_leave_no_person_behind(made: Company) -> None:
    """H1: no number, address or name of an employee, no IP address, nothing that knows a browser for longer than its day."""
    people = crowd(40)
    whole = made(people, tracking={"mode": "aggregate"})
    letters = whole.send()
    paths = [path for letter in letters.values() for path in links_of(letter, "[rs]")]
    whole.wait(hours=16)
    for turn in range(5):
        with whole.pages(address=f"203.0.113.{turn + 1}") as web:
            for path in paths[turn::5] * (1 + 1000 // len(paths)):
                assert web.get(path).status_code in {200, 302}
            for link in re.findall(r"'slug': '(\w+)'", whole.rows("short_link")):
                web.get(f"/l/{link}")
    assert whole.rows("click").count("\n") >= 999
    held = whole.rows(*TRACKS)
    assert "203.0.113." not in held
    assert "employee:" not in held
    assert [one for one in addresses(people) if one in held or one.partition("@")[0] in held] == []
    with read(whole.engine) as connection:
        assert set(connection.execute(select(click.c.employee_id)).scalars()) == {None}
        sources = set(connection.execute(select(click.c.source)).scalars())
        per_token = connection.execute(text("SELECT count(DISTINCT employee_id) FROM message WHERE share_token IS NOT NULL GROUP BY share_token"))
        assert min(per_token.scalars()) >= 5
    with whole.pages(address="203.0.113.1") as web:
        whole.wait(days=1)
        web.get(paths[0])
    with read(whole.engine) as connection:
        assert set(connection.execute(select(click.c.source)).scalars()) - sources


def test_a_visitor_has_another_hash_each_day_and_the_old_salt_is_nowhere(made: Company, tmp_path: Path) -> None:
    """H2: not in the table, in SQLite's file, its log, after VACUUM, nor in a copy that is made afterwards."""
    whole = made([person("ana@example.org")])
    [letter] = whole.send().values()
    path = links_of(letter, "r")[0]
    with whole.pages() as web:
        for _ in range(4):
            web.get(path)
            whole.wait(days=1)
            if whole.now.day == 24:
                with read(whole.engine) as connection:
                    first = bytes(connection.execute(select(day_salt.c.salt)).scalars().first() or b"")
                assert first in whole.octets() or whole.engine.dialect.name == "postgresql"
    with read(whole.engine) as connection:
        sources = connection.execute(select(click.c.source)).scalars().all()
    assert len(sources) == len(set(sources)) == 4
    whole.tick()
    with read(whole.engine) as connection:
        assert first not in [bytes(salt) for salt in connection.execute(select(day_salt.c.salt)).scalars()]
    assert first not in whole.octets()
    if whole.engine.dialect.name == "sqlite":
        whole.engine.dispose()
        shutil.copy(str(whole.engine.url.database), tmp_path / "backup.db")
        assert first not in (tmp_path / "backup.db").read_bytes()
        with whole.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("VACUUM")
        assert first not in whole.octets()


def test_nothing_about_four_people_can_be_had_from_any_form_of_the_report(made: Company) -> None:
    """H3: a team of four counts with others; no total, form, second look or moved colleague gives it away."""
    people = [person(f"p{n:02}@example.org" if n != 33 else "ana@example.org", team="Small" if n < 4 else "Large") for n in range(34)]
    whole = made(people)
    letters = whole.send()
    whole.wait(hours=16)
    for n, address in enumerate(addresses(people)):
        with whole.pages(address=f"198.51.100.{n}") as web:
            if n < 3 or n > 20:
                web.get(links_of(letters[address], "r")[0])
    found = report.report(whole.engine, whole.config)
    assert found.teams == {"everyone else": 16}
    with write(whole.engine) as connection:
        connection.execute(update(employee).where(employee.c.id == 1).values(team="Large"))
    again = report.report(whole.engine, whole.config)
    assert again.teams == found.teams
    assert "Small" not in json.dumps(report_forms.as_data(found), default=str)


def test_erasing_somebody_empties_the_export_and_changes_no_figure_and_no_shared_post(made: Company) -> None:
    """H4: and nowhere in the database, SQLite's file included, is the address or the name left; an import brings nobody back."""
    people = [*crowd(20), person("xaverius.quint@example.org", name="Xaverius Quint", roster_id="77")]
    whole = made(people)
    letters = whole.send()
    mine = letters["xaverius.quint@example.org"]
    whole.wait(hours=16)
    for n, letter in enumerate(letters.values()):
        with whole.pages(address=f"198.51.100.{n}") as web:
            web.get(links_of(letter, "r")[0])
            web.get(links_of(letter, "s")[1])
    with read(whole.engine) as connection:
        slug = connection.execute(select(short_link.c.slug).where(short_link.c.owner == "employee:21")).scalars().first()
    with whole.pages() as web:
        web.get(f"/l/{slug}")
        web.post(links_of(mine, "u")[0], data={"List-Unsubscribe": "One-Click"})
    with write(whole.engine) as connection:
        for said in ("550 <xaverius.quint@example.org> no", "550 XAVERIUS.Quint@Example.org no"):
            connection.execute(audit.insert().values(at=NOW, who="mara", what="note", subject="employee:21", detail=said))
    before = report_forms.as_data(report.report(whole.engine, whole.config))
    mail = mine.part("html")
    assert b"Xaverius" in whole.octets() or whole.engine.dialect.name == "postgresql"

    roster.erase(whole.engine, "xaverius.quint@example.org", now=whole.now, random=iter(f"{n:016x}" for n in range(99)).__next__)

    held = whole.rows()
    assert re.findall("xaverius|quint", held, re.IGNORECASE) == []
    assert "employee:21" not in held
    assert re.findall(b"xaverius|quint", whole.octets(), re.IGNORECASE) == []
    assert report_forms.as_data(report.report(whole.engine, whole.config)) == before
    found = personal.export(whole.engine, whole.config, "xaverius.quint@example.org", who="mara", now=whole.now)
    assert [name for name, held in found.items() if held and isinstance(held, list | dict)] == ["suppressions"]
    assert [one["reason"] for one in found["suppressions"]] == ["unsubscribed", "erased"]
    with whole.pages() as web:
        assert web.get(f"/l/{slug}").status_code == 302
        for path in re.findall(r"https://letter.example.com(/[rs]/\w+/\w+)", mail):
            answer = web.get(path)
            assert answer.status_code in {302, 404}, path
            assert "quint" not in answer.text.lower()
        assert web.get(links_of(mine, "u")[0]).status_code == 200
    with read(whole.engine) as connection:
        assert {row.employee_id for row in connection.execute(select(click.c.employee_id).where(click.c.token.startswith("~e")))} == {None}
    csv = whole.home / "roster.csv"
    csv.write_text("address,name\n" + "".join(f"{one['address']},{one['name']}\n" for one in people), encoding="utf-8")
    change = roster.bring_in(whole.engine, roster.check(csv), zone="UTC", now=whole.now)
    assert (change.erased, [one["address"] for one in change.joined]) == (1, [])


def test_a_restored_copy_is_purged_at_start_and_a_slip_in_the_queue_is_no_obstacle(made: Company) -> None:
    """H5: the service's clock does it first of all; twice is as good as once."""
    whole = made([person("ana@example.org")])
    (whole.home / "queue.toml").write_text("[[post", encoding="utf-8")
    with write(whole.engine) as connection:
        for days in (95, 91, 89):
            connection.execute(click.insert().values(a_click(NOW - timedelta(days=days), token=f"{days:017}", employee_id=1)))
    clock = Clock(whole.engine, whole.config, now=lambda: NOW, every=0.05)
    clock.start()
    deadline = 200
    while whole.rows("click").count("'event'") > 1 and deadline:
        deadline -= 1
        clock.wake()
        _pause()
    clock.stop()
    assert whole.rows("click").count("'event'") == 1
    assert privacy.purge(whole.engine, whole.config, now=NOW).events == 0


def _pause() -> None:
    import time

    time.sleep(0.05)


def test_a_clock_that_jumped_ten_years_ahead_deletes_nothing_before_it_has_gone_on_for_a_day(made: Company) -> None:
    """H5: whoever knows better says so."""
    whole = made([person("ana@example.org")])
    with write(whole.engine) as connection:
        connection.execute(click.insert().values(a_click(NOW - timedelta(hours=30))))
        connection.execute(click.insert().values(a_click(NOW - timedelta(hours=1), token="u" * 17)))
    jumped = NOW + timedelta(days=3650)
    done = privacy.purge(whole.engine, whole.config, now=jumped)
    assert (done.events, "3650 days ahead" in done.sentence()) == (0, True)
    assert whole.rows("click").count("'event'") == 2
    assert privacy.purge(whole.engine, whole.config, now=jumped, trust_clock=True).events == 2
    with read(whole.engine) as connection:
        assert [one.events for one in retention.sums(connection, 1)] == [1, 1]
