"""What an operator hears and sees: pause, resume, cancel, sending again, and how an edition gets on."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, insert, select, update

from digest.db import suppressions
from digest.db.schema import attempt, audit, edition, edition_body, employee, message, transport
from digest.db.session import read, write
from digest.domain.suppression import SuppressionReason
from digest.errors import EditionError, NotFoundError
from digest.pipeline import outbox, resending, status
from tests.conftest import NOW
from tests.factories import person
from tests.letters import editions, messages, put_edition, send, states
from tests.sink import Sink


def test_pause_and_resume_say_what_they_did(engine: Engine) -> None:
    put_edition(engine)
    assert outbox.pause(engine, None, reason="wrong picture", who="ana", now=NOW).startswith("2026-W48 is paused.")
    assert (editions(engine)[0].paused, editions(engine)[0].reason) == (True, "wrong picture")
    assert outbox.pause(engine, "2026-W48", who="ana", now=NOW) == "2026-W48 is paused already."
    assert outbox.resume(engine, None, who="ana", now=NOW).startswith("2026-W48 goes on")
    assert outbox.resume(engine, None, who="ana", now=NOW) == "2026-W48 is not paused; nothing to resume."


def test_cancel_counts_what_is_never_sent(engine: Engine) -> None:
    put_edition(engine, 3)
    assert outbox.cancel(engine, None, who="ana", now=NOW) == "2026-W48 is cancelled: 3 messages that waited are never sent."
    assert states(engine) == {"cancelled": 3}


def test_what_is_over_can_be_neither_paused_nor_cancelled(engine: Engine) -> None:
    put_edition(engine, state="closed")
    with pytest.raises(EditionError, match="it is closed, so there is nothing to pause"):
        outbox.pause(engine, None, who="ana", now=NOW)
    with pytest.raises(EditionError, match="it is closed, so there is nothing to cancel"):
        outbox.cancel(engine, None, who="ana", now=NOW)


def test_without_an_edition_the_hint_says_what_to_type(engine: Engine) -> None:
    with pytest.raises(EditionError, match="digest edition plan"):
        outbox.resume(engine, None, who="ana", now=NOW)


# --- by signal ---


def test_a_signal_pauses_what_is_going_out_and_resumes_only_what_it_paused(engine: Engine) -> None:
    put_edition(engine, period="2026-W46", state="closed")
    put_edition(engine, period="2026-W47", state="sending")
    put_edition(engine, period="2026-W48")
    outbox.pause(engine, "2026-W47", reason="wrong picture", who="ana", now=NOW)
    assert outbox.pause_all(engine, now=NOW) == "Paused by signal: 1 edition. What is on the wire is still finished."
    assert [(one.paused, one.reason) for one in editions(engine)] == [(False, ""), (True, "wrong picture"), (True, "paused by signal")]
    assert outbox.resume_all(engine, now=NOW) == "Resumed by signal: 1 edition."
    assert [one.paused for one in editions(engine)] == [False, True, False]


# --- sending again ---


def put_failed(engine: Engine, *reasons: str, state: str = "closed") -> list[int]:
    """An edition with one sent message, one in doubt, and one failed for each reason; the employees of those."""
    found = put_edition(engine, 2 + len(reasons), state=state)
    rows = messages(engine)
    with write(engine) as connection:
        connection.execute(insert(edition_body).values(edition_id=found, language="en", compiled=b"{}"))
        wanted = [("sent", ""), ("in_doubt", "broken"), *(("failed", reason) for reason in reasons)]
        for row, (state_, reason) in zip(rows, wanted, strict=True):
            connection.execute(update(message).where(message.c.id == row.id).values(state=state_, reason=reason, next_attempt_at=None, attempts=1))
    return [row.employee_id for row in rows[2:]]


def address_of(engine: Engine, number: int) -> str:
    with read(engine) as connection:
        return str(connection.execute(select(employee.c.address).where(employee.c.id == number)).scalar_one())


def test_only_what_failed_goes_again_and_the_edition_opens_again(engine: Engine) -> None:
    put_failed(engine, "policy", "expired", "expired", "address")
    late = NOW + timedelta(days=9)
    planned = resending.resend(engine, None, dry_run=True, who="ana", now=late)
    assert (planned.queued, planned.reasons, planned.kept, planned.in_doubt) == (3, {"expired": 2, "policy": 1}, {"address": 1}, 1)
    assert states(engine) == {"sent": 1, "in_doubt": 1, "failed": 4}, "a dry run changes nothing"
    done = resending.resend(engine, None, who="ana", now=late)
    assert states(engine) == {"sent": 1, "in_doubt": 1, "failed": 1, "queued": 3}
    assert editions(engine)[0].state == "sending"
    assert "see `digest edition resolve`" in done.sentence()
    with read(engine) as connection:
        (row,) = connection.execute(select(audit)).all()
    assert (row.who, row.what, row.detail) == ("ana", "edition.resend", "expired: 2, policy: 1")
    assert resending.resend(engine, None, who="ana", now=late).queued == 0


def test_what_is_sent_again_after_its_deadline_really_goes_out_and_nobody_gets_two(engine: Engine, tmp_path: Path) -> None:
    people = put_failed(engine, "policy", "expired")
    late = NOW + timedelta(days=9)
    resending.resend(engine, None, who="ana", now=late)
    with Sink(file=tmp_path / "sink") as sink:
        send(engine, sink, now=late)
    assert sorted(mail["to"] for mail in sink.mails()) == sorted(address_of(engine, one) for one in people)
    assert states(engine) == {"sent": 3, "in_doubt": 1}
    assert editions(engine)[0].state == "closed"


def test_who_must_not_be_mailed_or_left_or_joined_later_is_left_out_and_counted(engine: Engine) -> None:
    stopped, gone, erased, fine = put_failed(engine, "policy", "policy", "policy", "render")
    with write(engine) as connection:
        suppressions.suppress(connection, address_of(engine, stopped), SuppressionReason.UNSUBSCRIBED, NOW)
        connection.execute(update(employee).where(employee.c.id == gone).values(left_at=NOW))
        connection.execute(delete(employee).where(employee.c.id == erased))
        connection.execute(insert(employee).values(person("new@example.org")))
    done = resending.resend(engine, None, who="ana", now=NOW)
    assert (done.queued, done.kept, done.joined_later) == (1, {"left": 2, "unsubscribed": 1}, 1)
    assert [row.employee_id for row in messages(engine) if row.state == "queued"] == [fine]
    assert "their first letter is the next one" in done.sentence()


def test_one_person_may_be_named_also_when_their_address_was_wrong(engine: Engine) -> None:
    first, second = put_failed(engine, "address", "policy")
    done = resending.resend(engine, None, address=address_of(engine, first).upper(), who="ana", now=NOW)
    assert (done.queued, done.reasons) == (1, {"address": 1})
    assert done.sentence().startswith("2026-W48: 1 message is queued again.")
    assert [row.state for row in messages(engine) if row.employee_id == second] == ["failed"]


def test_one_reason_may_be_named(engine: Engine) -> None:
    put_failed(engine, "policy", "expired")
    assert resending.resend(engine, None, reason="expired", who="ana", now=NOW).reasons == {"expired": 1}


def test_a_named_person_who_may_have_it_gets_a_sentence(engine: Engine) -> None:
    put_failed(engine, "policy")
    sent, doubt = (address_of(engine, row.employee_id) for row in messages(engine)[:2])
    with write(engine) as connection:
        connection.execute(insert(employee).values(person("new@example.org")))
    for address, said in (
        (sent, "nobody gets an edition twice"),
        (doubt, "digest edition resolve"),
        ("new@example.org", "next edition is their first"),
    ):
        with pytest.raises(EditionError, match=said):
            resending.resend(engine, None, address=address, who="ana", now=NOW)
    with pytest.raises(NotFoundError, match="digest roster list"):
        resending.resend(engine, None, address="nobody@example.org", who="ana", now=NOW)


def test_an_edition_that_is_over_for_good_or_not_out_yet_is_not_sent_again(engine: Engine) -> None:
    put_failed(engine, "policy", state="cancelled")
    with pytest.raises(EditionError, match="it is cancelled"):
        resending.resend(engine, None, who="ana", now=NOW)
    with write(engine) as connection:
        connection.execute(update(edition).values(state="closed"))
        connection.execute(delete(edition_body))
    with pytest.raises(EditionError, match="no longer kept"):
        resending.resend(engine, None, who="ana", now=NOW)


# --- how it gets on ---


def put_tries(engine: Engine, count: int, *, every: timedelta, until: datetime) -> None:
    """`count` messages were sent, one at a time, the last one at `until`."""
    rows = messages(engine)[:count]
    with write(engine) as connection:
        for place, row in enumerate(rows):
            at = until - every * (count - 1 - place)
            told = {"phase": "dot", "outcome": "sent", "code": 250, "text": "ok", "connection": 1, "transport": "smtp"}
            connection.execute(insert(attempt).values(message_id=row.id, at=at, **told))
            connection.execute(update(message).where(message.c.id == row.id).values(state="sent", sent_at=at, attempts=1))


def test_how_long_it_takes_is_said_only_while_it_goes_out(engine: Engine) -> None:
    put_edition(engine, 60, state="sending")
    put_tries(engine, 20, every=timedelta(seconds=6), until=NOW)
    found = status.status(engine, now=NOW)
    assert (found["due"], found["remaining_seconds"]) == (40, 228)
    assert found["transports"]["smtp"] == {"sent": 20, "waiting": 40, "last_minute": 10, "rest_until": None, "trouble_at": None, "reason": ""}
    assert "About 4 minutes for the 40 that are due" in status.sentence(found, approval="automatic")
    later = status.status(engine, now=NOW + timedelta(minutes=2))
    assert later["remaining_seconds"] is None, "nothing moves now, so nobody can say"
    with write(engine) as connection:
        connection.execute(update(edition).values(paused=True))
    assert "About" not in status.sentence(status.status(engine, now=NOW), approval="automatic")


def test_the_canary_says_how_far_it_is(engine: Engine) -> None:
    put_edition(engine, 30, state="sending")
    with write(engine) as connection:
        connection.execute(update(edition).values(canary_left=20))
    assert "The canary goes first: 20 of it are still to go out." in status.sentence(status.status(engine, now=NOW), approval="automatic")
    put_tries(engine, 20, every=timedelta(seconds=1), until=NOW)
    with write(engine) as connection:
        connection.execute(update(edition).values(canary_left=0, canary_until=NOW + timedelta(minutes=15)))
    text = status.sentence(status.status(engine, now=NOW), approval="automatic")
    assert "The canary is out (20); the rest follows at 2026-11-24 09:15 UTC, unless too much of it fails." in text
    assert "About" not in text


def test_a_transport_at_rest_says_until_when_and_why(engine: Engine) -> None:
    put_edition(engine, 3, state="sending", route="exchange")
    with write(engine) as connection:
        connection.execute(insert(transport).values(name="exchange", rest_until=NOW + timedelta(minutes=7), reason="432 too many connections"))
        connection.execute(insert(transport).values(name="smtp", rest_until=NOW, reason="over"))
    text = status.sentence(status.status(engine, now=NOW), approval="automatic")
    assert "Transport exchange rests until 2026-11-24 09:07 UTC, or `digest edition resume`: 432 too many connections" in text
    assert "over" not in text


def test_an_edition_that_is_over_says_nothing_of_this(engine: Engine) -> None:
    put_edition(engine, 3, state="closed")
    assert "transports" not in status.status(engine, now=NOW)
