"""What a run finds left behind: messages of dead runs, deadlines that passed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update

from digest.db import sweeps
from digest.db.schema import attempt, edition, message, suppression
from digest.db.session import read, write
from tests.conftest import NOW
from tests.letters import DAY, messages, put_edition, states

DEADLINE = timedelta(hours=48)
LATE = NOW + DEADLINE + timedelta(seconds=1)


def left_behind(engine: Engine, people: int = 2, **values: object) -> None:
    """An edition whose every message a dead run held."""
    put_edition(engine, people, state="sending")
    with write(engine) as connection:
        connection.execute(update(message).values(state="sending", run_id="dead", **values))


@pytest.mark.parametrize(("on_doubt", "state"), [("hold", "in_doubt"), ("resend", "queued")])
def test_what_a_dead_run_held_is_in_doubt_or_goes_again(engine: Engine, on_doubt: str, state: str) -> None:
    left_behind(engine)
    with write(engine) as connection:
        assert sweeps.recover(connection, {"dead"}, on_doubt, NOW) == 2  # type: ignore[arg-type]  # pytest knows no Literal
        sweeps.close_finished(connection)
    assert states(engine) == {state: 2}


@pytest.mark.parametrize("on_doubt", ["hold", "resend"])
def test_a_doubt_of_a_cancelled_edition_is_never_silently_cancelled(engine: Engine, on_doubt: str) -> None:
    left_behind(engine)
    with write(engine) as connection:
        connection.execute(update(edition).values(state="cancelled"))
        sweeps.recover(connection, {"dead"}, on_doubt, NOW)  # type: ignore[arg-type]  # pytest knows no Literal
        sweeps.close_finished(connection)
    assert states(engine) == {"in_doubt": 2}


def test_a_doubt_names_the_transport_whose_wire_it_was_on(engine: Engine) -> None:
    left_behind(engine, 3, route="second")
    with write(engine) as connection:
        sweeps.recover(connection, {"dead"}, "hold", NOW)
    with read(engine) as connection:
        found = connection.execute(select(attempt.c.transport, attempt.c.outcome)).all()
    assert [tuple(row) for row in found] == [("second", "in_doubt")] * 3


def test_deadlines_are_swept_in_handfuls_between_which_others_may_write(engine: Engine) -> None:
    put_edition(engine, 25)
    counts: list[int] = []
    while not counts or counts[-1]:
        with write(engine) as connection:
            counts.append(sweeps.expire(connection, DEADLINE, LATE, most=10))
    assert counts == [10, 10, 5, 0]
    assert {row.reason for row in messages(engine)} == {"expired"}


def test_what_an_operator_set_for_later_hides_no_deadline_behind_it(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "_PAGE", 4)
    put_edition(engine, 25)
    with write(engine) as connection:
        ids = [row.id for row in messages(engine)[:13]]
        connection.execute(update(message).where(message.c.id.in_(ids)).values(next_attempt_at=NOW + DEADLINE + timedelta(microseconds=1)))
        connection.execute(update(message).where(message.c.id.not_in(ids)).values(next_attempt_at=NOW + DEADLINE))
        assert sweeps.expire(connection, DEADLINE, LATE) == 12
        assert sweeps.expire(connection, DEADLINE, LATE, most=5) == 0
    assert states(engine) == {"failed": 12, "queued": 13}


def test_a_mailbox_that_was_put_off_past_three_deadlines_gets_a_rest(engine: Engine) -> None:
    put_edition(engine, 1)
    person = messages(engine)[0].employee_id
    for period in ("2026-W49", "2026-W50"):
        put_edition(engine, 1, period=period)
    with write(engine) as connection:
        connection.execute(update(message).values(employee_id=person, state="deferred", attempts=4, dated_at=NOW))
        tried = {"at": NOW, "phase": "rcpt", "outcome": "deferred", "code": 450, "text": "450 4.2.2 full", "connection": 1}
        connection.execute(attempt.insert(), [{"message_id": row.id, **tried} for row in connection.execute(select(message.c.id))])
        assert sweeps.expire(connection, DEADLINE, LATE + DAY, most=2) == 2
        assert sweeps.expire(connection, DEADLINE, LATE + DAY, most=2) == 1
        reasons = connection.execute(select(suppression.c.reason)).scalars().all()
    assert Counter(reasons) == {"soft_bounce": 1}
