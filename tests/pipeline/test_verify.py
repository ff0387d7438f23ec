"""`digest verify`: every problem is found, named with what to type, and gone when it is gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, delete, insert, select, update

from digest.cli.main import main
from digest.config import Config
from digest.db import relays, routes, runs
from digest.db.schema import attempt, bucket, employee, message, run
from digest.db.schema import edition as edition_table
from digest.db.session import write
from digest.errors import EditionError
from digest.pipeline import edition, outbox
from digest.pipeline.verify import verify
from tests.factories import company, crowd, person
from tests.letters import put_edition

EVENING = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
DUE = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PEOPLE = [person("ana@example.org"), person("ben@example.org")]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def problems(engine: Engine, config: Config, now: datetime) -> tuple[str, ...]:
    return verify(engine, config, now=now).problems


def change(engine: Engine, **values: Any) -> None:
    with write(engine) as connection:
        connection.execute(update(edition_table).values(values))


def messages(engine: Engine, **values: Any) -> None:
    with write(engine) as connection:
        connection.execute(update(message).values(values))


def ran(engine: Engine, began: datetime, ended: datetime | None = None) -> None:
    with write(engine) as connection:
        connection.execute(insert(run).values(id=began.isoformat(), lock_key=1, host="here", pid=1, started_at=began, ended_at=ended))


def tried(engine: Engine, at: datetime) -> None:
    with write(engine) as connection:
        number = connection.execute(select(message.c.id).limit(1)).scalar_one()
        told = {"phase": "dot", "outcome": "sent", "code": 250, "text": "ok", "connection": 1, "transport": "smtp"}
        connection.execute(insert(attempt).values(message_id=number, at=at, **told))


def fail(engine: Engine, count: int, reason: str) -> None:
    with write(engine) as connection:
        ids = connection.execute(select(message.c.id).order_by(message.c.id).limit(count)).scalars().all()
        connection.execute(update(message).where(message.c.id.in_(ids)).values(state="failed", reason=reason))


def planned(engine: Engine, home: Path, **tables: Any) -> Config:
    config = company(engine, home, PEOPLE, **tables)
    edition.open_due(engine, config, now=EVENING)
    return config


def test_before_anything_is_due_all_is_well(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    assert problems(engine, config, EVENING) == problems(engine, config, DUE + 10 * MINUTE) == ()


def test_without_people_nothing_is_expected(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, PEOPLE)
    with write(engine) as connection:
        connection.execute(update(employee).values(left_at=EVENING))
    assert problems(engine, config, DUE + 9 * HOUR) == ()


def test_an_edition_that_did_not_start_is_named_before_it_is_too_late(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, PEOPLE)
    assert problems(engine, config, DUE + 10 * MINUTE) == ()
    (found,) = problems(engine, config, DUE + 11 * MINUTE)
    assert found.startswith("2026-W48 has not started, and its first letters were due 2026-11-24 09:00 UTC. Run `digest tick`")


def test_weeks_that_never_started_are_named_and_so_is_the_record_of_them_for_two_weeks(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    messages(engine, state="sent")
    change(engine, state="closed")
    late = DUE + timedelta(days=8, minutes=1)
    assert problems(engine, config, late) == ("2026-W49 never started. Run `digest tick` from cron, or keep `digest serve` running.",)
    edition.open_due(engine, config, now=late)
    assert problems(engine, config, late)[0].startswith("2026-W49 was skipped: missed.")
    assert [text for text in problems(engine, config, late + timedelta(weeks=3)) if "W49" in text] == []


def test_a_paused_edition_is_named_with_its_reason_until_it_is_over(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    outbox.pause(engine, None, who="mara", now=EVENING, reason="a wrong word")
    assert problems(engine, config, EVENING) == (
        "2026-W48 is paused: a wrong word. Run `digest edition resume --edition 2026-W48` when it may go on.",
    )
    change(engine, state="closed")
    assert problems(engine, config, EVENING) == ()


def test_a_plan_that_stands_still_is_named(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    change(engine, state="planning")
    assert problems(engine, config, EVENING + 10 * MINUTE) == ()
    (found,) = problems(engine, config, EVENING + 11 * MINUTE)
    assert found.startswith("2026-W48 is not planned whole. Run `digest tick`")


@pytest.mark.parametrize(("approval", "cure"), [("required", "digest edition approve --edition 2026-W48"), ("automatic", "digest tick")])
def test_a_draft_past_its_first_due_hour_is_named_with_its_cure(engine: Engine, tmp_path: Path, approval: str, cure: str) -> None:
    config = company(engine, tmp_path, PEOPLE, schedule={"approval": approval})
    edition.plan(engine, config, now=EVENING)
    assert problems(engine, config, DUE + 10 * MINUTE) == ()
    (found,) = problems(engine, config, DUE + 11 * MINUTE)
    assert found.startswith("2026-W48 waits for approval, and its first letters were due 2026-11-24 09:00 UTC.")
    assert cure in found


def test_doubts_are_named_however_old_they_are(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    messages(engine, state="in_doubt")
    change(engine, state="closed")
    (found,) = problems(engine, config, DUE + HOUR)
    assert found == "2026-W48 has 2 in doubt. List and decide them with `digest edition resolve --edition 2026-W48`."
    assert found in problems(engine, config, DUE + timedelta(days=90))


@pytest.mark.parametrize("state", ["queued", "deferred"])
def test_what_is_open_after_its_deadline_is_named(engine: Engine, tmp_path: Path, state: str) -> None:
    config = planned(engine, tmp_path)
    messages(engine, state=state)
    change(engine, state="sending")
    ran(engine, DUE + 48 * HOUR + 11 * MINUTE)
    assert not any("deadline" in text for text in problems(engine, config, DUE + 48 * HOUR + 10 * MINUTE))
    (found,) = problems(engine, config, DUE + 48 * HOUR + 11 * MINUTE)
    assert found.startswith("2026-W48 has 2 open after their deadline. Run `digest tick`")
    messages(engine, next_attempt_at=DUE + 60 * HOUR)  # an operator's own word
    assert problems(engine, config, DUE + 48 * HOUR + 11 * MINUTE) == ()


def test_letters_that_wait_for_no_good_reason_are_late_and_the_relays_last_words_are_told(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    now = DUE + 3 * HOUR
    ran(engine, now)
    assert problems(engine, config, DUE + 30 * MINUTE)[1:] == (), "half an hour is no lateness"
    late = "2 of 2 letters of 2026-W48 are late, by 3 hours at most. "
    assert problems(engine, config, now) == (f"{late}Nothing is known that keeps smtp from it: run `digest tick` and read what it says.",)
    with write(engine) as connection:
        relays.note_trouble(connection, "smtp", "SMTP relay 127.0.0.1:25 refused the connection.", now - HOUR)
    away = "smtp could not be used when it was last tried, 2026-11-24 11:00 UTC: SMTP relay 127.0.0.1:25 refused the connection."
    assert problems(engine, config, now) == (late + away,)
    with write(engine) as connection:
        routes.rest(connection, "smtp", now + HOUR, "the login is refused: 535")
    rests = "smtp rests until 13:00 UTC (the login is refused: 535); `digest edition resume` ends the rest."
    assert problems(engine, config, now) == (late + rests,)


def test_what_somebody_or_something_asked_to_wait_for_is_not_late(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path, smtp={"per_day": 20})
    now = DUE + 3 * HOUR
    ran(engine, now)
    assert len(problems(engine, config, now)) == 1
    with write(engine) as connection:
        connection.execute(insert(bucket).values(transport="smtp", period="day", tokens=0.2, filled_at=now))
    assert problems(engine, config, now) == (), "the day's limit is used up"
    with write(engine) as connection:
        connection.execute(delete(bucket))
    tried(engine, now - 9 * MINUTE)
    assert problems(engine, config, now) == (), "a slow relay is at it"
    with write(engine) as connection:
        connection.execute(delete(attempt))
    change(engine, canary_left=0, canary_until=now + MINUTE)
    assert problems(engine, config, now) == (), "the canary is out"
    change(engine, canary_left=None, canary_until=None)
    messages(engine, state="deferred", next_attempt_at=now + MINUTE)
    assert problems(engine, config, now) == (), "its next try is to come"


def test_quiet_hours_excuse_only_what_was_not_late_before(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)  # quiet from 21:00 to 06:00
    night = DUE.replace(hour=23)
    ran(engine, night)
    messages(engine, next_attempt_at=DUE.replace(hour=20, minute=45))
    assert problems(engine, config, night) == ()
    messages(engine, next_attempt_at=DUE.replace(hour=20))
    assert problems(engine, config, night)[0].startswith("2 of 2 letters of 2026-W48 are late, by 3 hours at most.")


def test_an_edition_that_is_over_and_whose_letters_failed_is_named_for_a_week(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    messages(engine, state="failed", reason="expired")
    change(engine, state="closed")
    said = (
        "2026-W48 is over, and 2 of 2 letters failed (expired). See who may get it again with `digest edition resend --edition 2026-W48 --dry-run`."
    )
    assert problems(engine, config, DUE + 3 * HOUR) == (said,)
    assert not any("is over" in text for text in problems(engine, config, DUE + timedelta(days=7, minutes=1)))
    messages(engine, state="sent", reason="")
    assert problems(engine, config, DUE + 3 * HOUR) == ()


def test_a_few_wrong_addresses_are_no_alarm_and_many_are(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, crowd(40))
    edition.open_due(engine, config, now=EVENING)
    messages(engine, state="sent")
    change(engine, state="closed")
    fail(engine, 2, "address")
    assert problems(engine, config, EVENING + DAY) == ()
    fail(engine, 3, "address")
    assert problems(engine, config, EVENING + DAY)[0].startswith("2026-W48 is over, and 3 of 40 letters failed (address).")


def test_what_a_dead_run_left_on_the_wire_is_named_and_what_a_live_one_sends_is_not(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    change(engine, state="sending")
    with runs.delivering(engine, lambda: DUE) as run:
        assert run is not None
        messages(engine, state="sending", run_id=run.id)
        assert problems(engine, config, DUE + MINUTE) == ()
    (found,) = problems(engine, config, DUE + MINUTE)
    assert found == (
        "2026-W48 has 2 still sending, and the run that held them is dead. "
        "Run `digest tick`, which names them, then decide with `digest edition resolve --edition 2026-W48`."
    )


def test_a_draft_that_is_too_late_to_approve_is_told_so(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, PEOPLE, schedule={"approval": "required"})
    edition.plan(engine, config, now=EVENING)
    (found, *_) = problems(engine, config, DUE + 49 * HOUR)
    assert found.startswith("2026-W48 was not approved, and now it is too late: its last letters were due 2026-11-24 09:00 UTC.")
    with pytest.raises(EditionError, match="too late"):
        edition.approve(engine, config, now=DUE + 49 * HOUR, who="mara")


def test_counts_that_do_not_add_up_are_named(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    change(engine, audience=3)
    (found,) = problems(engine, config, EVENING)
    assert found.startswith("2026-W48 does not add up: 2 messages for an audience of 3.")


def test_a_clock_that_is_silent_while_letters_are_due_is_named(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    now = DUE + 11 * MINUTE
    assert problems(engine, config, now) == (
        "Letters have been due since 2026-11-24 09:00 UTC, and no run has ever looked. Run `digest tick` now, then look at cron or the service.",
    )
    ran(engine, now + HOUR)  # a clock that was wrong tells nothing
    ran(engine, now - HOUR)
    assert "the last run was seen 2026-11-24 08:11 UTC" in problems(engine, config, now)[0]
    ran(engine, now - 2 * HOUR, ended=now - MINUTE)
    assert problems(engine, config, now) == ()


def test_a_clock_with_nothing_to_do_may_be_silent(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    messages(engine, state="sent")
    assert problems(engine, config, DUE + 5 * HOUR) == ()


def test_the_command_exits_1_with_every_problem_and_0_without(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "{sqlite_url}"\n', encoding="utf-8")

    def digest(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["--config", str(tmp_path / "config.toml"), "verify", *words])
        return done.exit_code, done.output

    assert digest() == (0, "Every expected edition happened, and nothing is overdue.\n")
    from digest.db.session import open_database

    engine = open_database(sqlite_url)
    put_edition(engine, people=1, period="2020-W01", state="closed")
    messages(engine, state="in_doubt")
    engine.dispose()
    code, said = digest("--json")
    assert code == 1
    assert "2020-W01 has 1 in doubt. List and decide them with `digest edition resolve --edition 2020-W01`." in json.loads(said)["problems"]
    assert digest()[0] == 1
