"""Claims, settlements, sweeps and an operator's word, straight on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from digest.db import outbox, runs, settlement, standing, suppressions, sweeps
from digest.db.outbox import Claim
from digest.db.schema import attempt, audit, edition, employee, message
from digest.db.session import read, write
from digest.db.settlement import Settlement, Try
from digest.domain.message import Message, MessageState, Pick
from digest.domain.suppression import SuppressionReason
from tests.conftest import NOW
from tests.letters import DAY, editions, messages, put_edition, states

DEADLINE = timedelta(hours=48)
WANTED = Claim(
    run="mine", first=None, now=NOW, until=NOW, deadline=DEADLINE, room=3, retry=None, resting=frozenset(), rest_until=NOW + timedelta(minutes=5)
)


def take(engine: Engine, **changes: Any) -> list[Message]:
    with write(engine) as connection:
        return list(outbox.claim(connection, replace(WANTED, **changes)).messages)


def settle(engine: Engine, found: Message, state: str, *, run: str = "mine", reason: str = "", again: Any = None) -> None:
    tried = Try(phase="dot", code=250, text="250 2.0.0 queued as 4711", connection=2)
    done = Settlement(message=found, state=MessageState(state), reason=reason, next_attempt_at=again, attempt=tried)
    with write(engine) as connection:
        settlement.settle(connection, run, [done], NOW)


def change(engine: Engine, table: Any, **values: Any) -> None:
    with write(engine) as connection:
        connection.execute(update(table).values(values))


def test_a_claim_takes_what_is_due_and_says_who_holds_it(engine: Engine) -> None:
    put_edition(engine, 5)
    found = take(engine)
    assert len(found) == 3
    assert {(row.state, row.run_id, row.dated_at) for row in messages(engine)} == {("sending", "mine", NOW), ("queued", None, None)}
    assert [row.state for row in editions(engine)] == ["sending"]
    one = found[0]
    assert (one.period, one.picks, one.spares, one.networks) == ("2026-W48", (Pick(n=1, because="team"),), (Pick(n=2),), ("l", "x"))
    assert one.share_token == f"token{one.employee}"


def test_nothing_is_claimed_twice(engine: Engine) -> None:
    put_edition(engine, 5)
    ids = [one.id for _ in range(3) for one in take(engine)]
    assert len(ids) == len(set(ids)) == 5


def test_a_claim_starts_with_the_edition_of_the_last_one(engine: Engine) -> None:
    put_edition(engine, 2, period="2026-W47")
    newer = put_edition(engine, 2, period="2026-W48")
    assert [one.period for one in take(engine, first=newer)] == ["2026-W48", "2026-W48", "2026-W47"]


@pytest.mark.parametrize("values", [{"paused": True}, {"state": "draft"}, {"state": "cancelled"}, {"state": "closed"}])
def test_an_edition_that_may_not_go_out_gives_nothing(engine: Engine, values: dict[str, Any]) -> None:
    found = put_edition(engine, 2)
    change(engine, edition, **values)
    assert take(engine) == []
    assert take(engine, first=found) == []


def test_many_who_must_not_be_mailed_are_set_aside_in_one_claim(engine: Engine) -> None:
    put_edition(engine, 1300)
    with write(engine) as connection:
        last = connection.execute(select(message.c.employee_id).order_by(message.c.id.desc()).limit(1)).scalar_one()
        connection.execute(update(employee).where(employee.c.id != last).values(left_at=NOW))
        claimed = outbox.claim(connection, WANTED)
    assert [one.employee for one in claimed.messages] == [last]
    assert len(claimed.set_aside) == 1299
    assert states(engine) == {"skipped": 1299, "sending": 1}


def test_somebody_who_left_after_a_first_try_is_suppressed_rather_than_skipped(engine: Engine) -> None:
    put_edition(engine, 1, state="sending")
    change(engine, message, state="deferred", attempts=1)
    change(engine, employee, left_at=NOW)
    assert take(engine) == []
    assert [(row.state, row.reason) for row in messages(engine)] == [("suppressed", "left")]


def test_a_suppression_that_ended_or_was_lifted_stops_nobody(engine: Engine) -> None:
    put_edition(engine, 3)
    with write(engine) as connection:
        addresses = connection.execute(select(employee.c.address).order_by(employee.c.id)).scalars().all()
        suppressions.suppress(connection, addresses[0], SuppressionReason.MANUAL, NOW - DAY, until=NOW)
        suppressions.suppress(connection, addresses[1], SuppressionReason.MANUAL, NOW - DAY)
        suppressions.lift(connection, addresses[1], None, NOW)
        suppressions.suppress(connection, addresses[2], SuppressionReason.MANUAL, NOW - DAY, until=NOW + DAY)
    assert len(take(engine)) == 2
    assert states(engine) == {"sending": 2, "suppressed": 1}


def test_the_first_reason_for_silence_is_the_one_recorded(engine: Engine) -> None:
    put_edition(engine, 1)
    with write(engine) as connection:
        address = connection.execute(select(employee.c.address)).scalar_one()
        suppressions.suppress(connection, address, SuppressionReason.UNSUBSCRIBED, NOW - DAY)
        suppressions.suppress(connection, address, SuppressionReason.COMPLAINT, NOW)
    take(engine)
    assert messages(engine)[0].reason == "unsubscribed"


def test_retries_of_an_at_once_run_are_used_up_one_by_one(engine: Engine) -> None:
    put_edition(engine, 7, state="sending")
    change(engine, message, state="deferred", next_attempt_at=NOW + DAY)
    with read(engine) as connection:
        retry = outbox.deferred(connection)
    ids = []
    while found := take(engine, retry=retry, room=2, until=outbox.FOREVER):
        ids += [one.id for one in found]
        for one in found:
            settle(engine, one, "deferred", again=NOW + DAY)
    assert len(ids) == len(set(ids)) == 7


def test_a_settlement_counts_the_try_and_keeps_the_servers_words(engine: Engine) -> None:
    put_edition(engine, 1)
    settle(engine, take(engine)[0], "sent")
    row = messages(engine)[0]
    assert (row.state, row.attempts, row.sent_at, row.run_id, row.next_attempt_at) == ("sent", 1, NOW, None, None)
    with read(engine) as connection:
        tried = connection.execute(select(attempt)).one()
    assert (tried.phase, tried.outcome, tried.code, tried.text, tried.connection) == ("dot", "sent", 250, "250 2.0.0 queued as 4711", 2)


def test_a_message_of_which_nothing_was_offered_stays_due_and_counts_no_try(engine: Engine) -> None:
    put_edition(engine, 1)
    settle(engine, take(engine)[0], "queued")
    assert (messages(engine)[0].attempts, messages(engine)[0].next_attempt_at) == (0, NOW)
    assert len(take(engine)) == 1


def test_only_the_run_that_holds_a_message_settles_it(engine: Engine) -> None:
    put_edition(engine, 1)
    found = take(engine)[0]
    settle(engine, found, "deferred", run="another", again=NOW)
    settle(engine, found, "sent", run="another")
    assert messages(engine)[0].state == "sending"


def test_an_answer_that_comes_after_we_were_taken_for_dead_is_evidence(engine: Engine) -> None:
    put_edition(engine, 2)
    first, second = take(engine)
    with write(engine) as connection:
        assert sweeps.recover(connection, {"mine"}, "hold", NOW) == 2
    settle(engine, first, "sent")
    settle(engine, second, "deferred", again=NOW)
    assert [row.state for row in messages(engine)] == ["sent", "in_doubt"]


def test_recovery_touches_only_the_dead(engine: Engine) -> None:
    put_edition(engine, 2)
    take(engine, run="dead", room=1)
    take(engine, run="alive", room=1)
    with write(engine) as connection:
        assert sweeps.holders(connection) == {"dead", "alive"}
        assert sweeps.recover(connection, {"dead"}, "hold", NOW) == 1
    assert states(engine) == {"in_doubt": 1, "sending": 1}
    with write(engine) as connection:
        assert sweeps.recover(connection, {"dead"}, "hold", NOW) == 0
        found = standing.doubts(connection, editions(engine)[0].id)
    assert [(doubt["reason"], doubt["since"]) for doubt in found] == [("run_died", NOW)]


def test_a_run_is_dead_when_its_lock_is_free(engine: Engine) -> None:
    put_edition(engine, 1)
    with runs.delivering(engine, lambda: NOW) as alive:
        assert alive is not None
        take(engine, run=alive.id)
        with write(engine) as connection:
            expected = set() if connection.dialect.name == "postgresql" else {alive.id}  # on SQLite who asks holds the only lock
            assert runs.dead(connection, "asking") == expected
            assert runs.dead(connection, alive.id) == set()
    with write(engine) as connection:
        assert runs.dead(connection, "asking") == {alive.id}


def test_deadlines_are_kept_and_an_operators_later_word_counts(engine: Engine) -> None:
    put_edition(engine, 3)
    late = NOW + DEADLINE + timedelta(seconds=1)
    with write(engine) as connection:
        ids = connection.execute(select(message.c.id).order_by(message.c.id)).scalars().all()
        connection.execute(update(message).where(message.c.id == ids[0]).values(next_attempt_at=late))
        connection.execute(update(message).where(message.c.id == ids[1]).values(due_at=NOW + DAY))
        assert sweeps.expire(connection, DEADLINE, NOW + DEADLINE) == 0
        assert sweeps.expire(connection, DEADLINE, late) == 1
    assert [row.state for row in messages(engine)] == ["queued", "queued", "failed"]


def test_an_edition_closes_when_nothing_waits_and_never_before(engine: Engine) -> None:
    put_edition(engine, 2)
    found = take(engine)
    for one, left in zip(found, (["sending"], ["closed"]), strict=True):
        settle(engine, one, "in_doubt", reason="no_reply")
        with write(engine) as connection:
            sweeps.close_finished(connection)
        assert [row.state for row in editions(engine)] == left


def test_the_counts_name_every_state_and_add_up(engine: Engine) -> None:
    found = put_edition(engine, 4)
    settle(engine, take(engine, room=1)[0], "sent")
    with read(engine) as connection:
        counts = standing.counts(connection, found)
    assert set(counts) == {state.value for state in MessageState}
    assert (counts["sent"], counts["queued"], sum(counts.values())) == (1, 3, 4)


def test_cancelling_spares_what_is_on_the_wire_and_ends_what_comes_back(engine: Engine) -> None:
    found = put_edition(engine, 4)
    first, second = take(engine, room=2)
    with write(engine) as connection:
        assert standing.cancel(connection, found, reason="wrong", who="ana", now=NOW) == 2
        assert standing.cancel(connection, found, reason="", who="ana", now=NOW) is None
    settle(engine, first, "sent")
    settle(engine, second, "deferred", again=NOW)
    with write(engine) as connection:
        sweeps.close_finished(connection)
    assert states(engine) == {"sent": 1, "cancelled": 3}
    assert [row.state for row in editions(engine)] == ["cancelled"]


def test_pause_resume_and_resolve_leave_a_record(engine: Engine) -> None:
    found = put_edition(engine, 1)
    one = take(engine)[0]
    settle(engine, one, "in_doubt")
    with write(engine) as connection:
        assert standing.pause(connection, found, reason="wait", who="ana", now=NOW)
        assert not standing.pause(connection, found, reason="again", who="ana", now=NOW)
        assert standing.resume(connection, found, who="ben", now=NOW)
        assert not standing.resume(connection, found, who="ben", now=NOW)
        assert standing.resolve(connection, one.id, "sent", who="ana", now=NOW)
        rows = connection.execute(select(audit.c.who, audit.c.what, audit.c.subject, audit.c.detail).order_by(audit.c.id)).all()
    assert [tuple(row) for row in rows] == [
        ("ana", "edition.pause", f"edition:{found}", "wait"),
        ("ben", "edition.resume", f"edition:{found}", ""),
        ("ana", "message.resolve", f"message:{one.id}", "sent"),
    ]


def test_a_failed_message_can_be_queued_again_but_not_called_sent(engine: Engine) -> None:
    put_edition(engine, 1)
    one = take(engine)[0]
    settle(engine, one, "failed", reason="refused")
    with write(engine) as connection:
        assert not standing.resolve(connection, one.id, "sent", who="ana", now=NOW)
        assert standing.resolve(connection, one.id, "queued", who="ana", now=NOW)
    assert states(engine) == {"queued": 1}
