"""Planning's promises: frozen, resumable, counted, explained."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, update

from digest.db import editions, suppressions
from digest.db.schema import bounce, employee, message, token, visit
from digest.db.session import read, write
from digest.domain.edition import EditionState
from digest.domain.suppression import SuppressionReason
from digest.errors import EditionError, FileProblemsError
from digest.pipeline import edition, preview, roster, status, week, why
from digest.pipeline.verify import verify
from tests.conftest import NOW
from tests.factories import QUEUE, company, crowd, person

EVENING = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)  # Monday; everybody is due on Tuesday
ANA = person("ana@example.org", team="Quality", topics=["recycling"])
BEN = person("Ben@Example.org", zone="Asia/Kolkata")


def test_a_plan_gives_every_employee_one_row_and_the_counts_add_up(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN])
    planned = edition.plan(engine, config, now=EVENING)
    assert planned.edition.state is EditionState.DRAFT
    assert planned.edition.period == "2026-W48"
    found = status.status(engine)
    assert found["audience"] == found["queued"] == 2
    assert sum(found[state] for state in status.COUNTS) == found["audience"]
    assert (found["due_from"], found["due_until"]) == ("2026-11-24T03:30:00+00:00", "2026-11-24T09:00:00+00:00")


def test_each_pick_says_why_and_inside_posts_come_last(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN])
    edition.plan(engine, config, now=EVENING)
    found = why.why(engine, "ana@example.org")
    assert [(pick["post"], pick["because"]) for pick in found["picks"]] == [
        ("cold-room", "team"),
        ("flow-meter", "topic:recycling"),
        ("no-lyon", ""),
    ]
    assert found["attempts"] == []


def test_planning_again_gives_the_same_hash_but_for_its_fresh_tokens(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN])
    first = edition.plan(engine, config, now=EVENING).edition
    (tmp_path / "queue.toml").write_text(QUEUE.replace("Twelve", "Thirteen"), encoding="utf-8")
    with read(engine) as connection:
        assert editions.content(connection, first.id).posts[1].title.startswith("Twelve"), "an edit alone changes nothing"
    second = edition.plan(engine, config, now=EVENING).edition
    assert second.id == first.id
    assert second.hash != first.hash


def test_planning_again_voids_the_approval(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA])
    edition.plan(engine, config, now=EVENING)
    edition.approve(engine, now=EVENING, who="mara")
    assert edition.plan(engine, config, now=EVENING).edition.state is EditionState.DRAFT


def test_an_interrupted_plan_is_carried_on_behind_the_last_committed_employee(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = company(engine, tmp_path, crowd(50))
    monkeypatch.setattr(edition, "CHUNK", 10)

    def stop_after_two_chunks(done: int, _all: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        edition.plan(engine, config, now=EVENING, progress=stop_after_two_chunks)
    assert status.status(engine)["state"] == "planning"
    assert status.status(engine)["queued"] == 20
    assert edition.open_due(engine, config, now=EVENING)[0] == "2026-W48: planning was interrupted and is finished now."
    found = status.status(engine)
    assert (found["audience"], found["queued"]) == (50, 50)


def test_a_plan_that_is_told_to_stop_ends_behind_a_chunk_and_the_next_run_finishes_it(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = company(engine, tmp_path, crowd(50), schedule={"approval": "automatic"})
    monkeypatch.setattr(edition, "CHUNK", 10)
    looks = iter([False, False, False])  # before it begins, and at each chunk
    first = edition.open_due(engine, config, now=EVENING, stop=lambda: next(looks, True))
    assert first == ["2026-W48: planning was interrupted; the next run carries on."]
    assert (status.status(engine)["state"], status.status(engine)["queued"]) == ("planning", 20)
    assert edition.open_due(engine, config, now=EVENING, stop=lambda: True) == first
    assert edition.open_due(engine, config, now=EVENING)[0] == "2026-W48: planning was interrupted and is finished now."
    assert (status.status(engine)["audience"], status.status(engine)["queued"]) == (50, 50)


def test_a_server_that_is_stopping_begins_no_plan(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA])
    assert edition.open_due(engine, config, now=EVENING, stop=lambda: True) == []
    with read(engine) as connection:
        assert editions.newest(connection) is None


def test_an_unfinished_plan_is_never_sent(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = company(engine, tmp_path, crowd(20), smtp={"port": 1})
    monkeypatch.setattr(edition, "CHUNK", 10)

    def stop(_done: int, _all: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        edition.plan(engine, config, now=EVENING, progress=stop)
    done = week.send_due(engine, config, clock=lambda: EVENING + timedelta(days=1), at_once=True)
    assert done.sent == 0
    assert status.status(engine)["queued"] == 10


def test_people_who_must_not_be_mailed_are_named_and_counted(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN])
    with write(engine) as connection:
        suppressions.suppress(connection, "ben@example.org", SuppressionReason.UNSUBSCRIBED, EVENING)
    edition.plan(engine, config, now=EVENING)
    assert why.why(engine, "ben@example.org")["state"] == "suppressed"
    assert status.status(engine)["reasons"] == {"unsubscribed": 1}


def test_whom_nothing_is_for_has_a_named_reason(engine: Engine, tmp_path: Path) -> None:
    only_germany = QUEUE.replace('title = "', 'only = { countries = ["DE"] }\ntitle = "')
    config = company(engine, tmp_path, [ANA], queue=only_germany)
    edition.plan(engine, config, now=EVENING)
    assert status.status(engine)["reasons"] == {"nothing_for_you": 1}


def test_an_edition_without_a_colleague_warns_or_stops(engine: Engine, tmp_path: Path) -> None:
    queue = QUEUE.replace('by = "ana@example.org"\n', "").replace("named = true\n", "")
    config = company(engine, tmp_path, [ANA], queue=queue)
    assert "no public post by a colleague" in edition.plan(engine, config, now=EVENING).warnings[0]
    strict = config.model_copy(update={"mix": config.mix.model_copy(update={"when_missing": "stop"})})
    with pytest.raises(EditionError, match="when_missing is stop"):
        edition.plan(engine, strict, now=EVENING)


def test_a_broken_queue_stops_planning_and_leaves_no_edition(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA], queue='[[post]]\ntitle = "No why"\nurl = "javascript:alert(1)"\n')
    with pytest.raises(FileProblemsError) as refused:
        edition.plan(engine, config, now=EVENING)
    assert len(refused.value.problems) >= 2
    with read(engine) as connection:
        assert editions.newest(connection) is None


def test_an_empty_queue_or_roster_says_what_to_type(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA], queue="")
    with pytest.raises(EditionError, match=r"\[\[post\]\]"):
        edition.plan(engine, config, now=EVENING)
    with write(engine) as connection:
        connection.execute(update(employee).values(left_at=NOW))
    with pytest.raises(EditionError, match="digest roster import"):
        edition.plan(engine, config, now=EVENING)


def test_the_tick_plans_at_the_right_time_and_approves(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN])
    first_due = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
    assert edition.open_due(engine, config, now=first_due - timedelta(hours=24, minutes=1)) == []
    assert edition.open_due(engine, config, now=first_due - timedelta(hours=24)) == ["2026-W48 is planned.", "2026-W48 is approved."]
    assert edition.open_due(engine, config, now=first_due) == []


def test_a_draft_that_nobody_approved_in_time_is_named_missed(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA], schedule={"approval": "required"})
    edition.plan(engine, config, now=EVENING)
    late = datetime(2026, 11, 25, 9, 1, tzinfo=UTC)
    assert "2026-W48 was not approved in time; it is recorded as skipped: missed." in edition.open_due(engine, config, now=late)
    assert "2026-W48 was skipped: missed." in verify(engine, config, now=late).problems[0]
    assert status.status(engine)["reasons"] == {"missed": 1}, "nobody is left waiting in a week that is over"


def test_somebody_who_joins_while_planning_is_taken_in(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA])

    def join(_done: int, _all: int) -> None:
        with write(engine) as connection:
            if connection.execute(select(employee.c.id).where(employee.c.address == "ben@example.org")).first() is None:
                connection.execute(insert(employee), [BEN])

    edition.plan(engine, config, now=EVENING, progress=join)
    assert status.status(engine)["audience"] == 2


def test_in_aggregate_mode_no_token_knows_a_person(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, crowd(24), tracking={"mode": "aggregate"})
    edition.plan(engine, config, now=EVENING)
    with read(engine) as connection:
        rows = connection.execute(select(token.c.employee_id, token.c.group_key)).all()
        used = set(connection.execute(select(message.c.share_token)).scalars())
    assert {row.employee_id for row in rows} == {None}
    assert {row.group_key for row in rows} == {"team:Quality", "team:Lab", "team:Sales", "team:Field"}
    assert len(used) == 4


def test_with_tracking_off_there_is_no_token_at_all(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA], tracking={"mode": "off"})
    edition.plan(engine, config, now=EVENING)
    with read(engine) as connection:
        assert connection.execute(select(token)).all() == []


def test_a_preview_shows_the_message_with_dead_links(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA])
    edition.plan(engine, config, now=EVENING)
    shown = preview.preview(engine, "ana@example.org", period=None, now=EVENING)
    assert "The cold room that lied to us" in shown.text
    assert ("To", "Ana <ana@example.org>") in shown.headers
    with read(engine) as connection:
        live = set(connection.execute(select(token.c.token)).scalars())
    assert live
    assert not any(secret in link for secret in live for link in shown.links)


def test_one_person_seen_by_two_plans_at_once_has_one_message(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA])
    edition.plan(engine, config, now=EVENING)
    with read(engine) as connection:
        row = connection.execute(select(message)).one()._mapping
    with pytest.raises(Exception, match=r"(?i)unique"), write(engine) as connection:
        connection.execute(
            insert(message).values({**row, "id": None} if engine.dialect.name == "sqlite" else {k: v for k, v in row.items() if k != "id"})
        )


def test_two_clocks_that_plan_at_once_make_one_plan(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = company(engine, tmp_path, crowd(120))
    monkeypatch.setattr(edition, "CHUNK", 10)
    failures: list[BaseException] = []

    def clock() -> None:
        try:
            edition.open_due(engine, config, now=EVENING)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test must see it
            failures.append(error)

    clocks = [threading.Thread(target=clock) for _ in range(4)]
    for thread in clocks:
        thread.start()
    for thread in clocks:
        thread.join()
    edition.open_due(engine, config, now=EVENING)
    assert failures == []
    found = status.status(engine)
    assert (found["state"], found["audience"], found["queued"]) == ("approved", 120, 120)


def test_planning_again_stops_a_plan_that_is_under_way(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = company(engine, tmp_path, crowd(30))
    monkeypatch.setattr(edition, "CHUNK", 10)
    again: list[str] = []

    def somebody_else_plans(done: int, _all: int) -> None:
        if done == 10 and not again:
            (tmp_path / "queue.toml").write_text(QUEUE.replace("Twelve", "Thirteen"), encoding="utf-8")
            again.append(edition.plan(engine, config, now=EVENING).edition.hash)

    found = edition.plan(engine, config, now=EVENING, progress=somebody_else_plans).edition
    assert found.hash == again[0]
    assert found.audience == 30


def test_events_are_gone_after_the_days_they_were_promised_to_be_kept(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA])
    with write(engine) as connection:
        for days in (89, 91):
            values = {
                "event": f"event-{days}", "at": NOW - timedelta(days=days), "slug": "0" * 12, "signals": {}, "visitor": "", "referrer_host": "",
                "class": "human", "reasons": [], "rules_version": 1,
            }  # fmt: skip
            connection.execute(insert(visit).values(values))
    week.forget(engine, config, now=NOW)
    with read(engine) as connection:
        assert connection.execute(select(visit.c.event)).scalars().all() == ["event-89"]


def test_what_came_back_is_forgotten_after_half_a_year(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA])
    with write(engine) as connection:
        for days in (179, 181):
            values = {
                "fingerprint": f"report-{days}",
                "at": NOW - timedelta(days=days),
                "kind": "soft",
                "source": "dsn",
                "status": "4.2.2",
                "text": "",
            }
            connection.execute(insert(bounce).values(values))
    week.forget(engine, config, now=NOW)
    with read(engine) as connection:
        assert connection.execute(select(bounce.c.fingerprint)).scalars().all() == ["report-179"]


def test_an_erased_author_is_named_in_no_edition_any_more(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN])
    planned = edition.plan(engine, config, now=EVENING).edition
    with read(engine) as connection:
        assert editions.content(connection, planned.id).posts[0].author == "Ana"
    roster.erase(engine, "ana@example.org", now=EVENING, random=lambda: "nobody")
    with read(engine) as connection:
        first = editions.content(connection, planned.id).posts[0]
    assert (first.author, first.author_id, first.title) == ("", None, "The cold room that lied to us")
    assert status.status(engine)["suppressed"] == 1
