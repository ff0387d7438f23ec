"""Delivery against a real SMTP server, on both databases: every promise of the contract that needs no kill."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, update

from digest.db import runs, suppressions
from digest.db.schema import attempt, bounce, bucket, employee, message, run
from digest.db.session import read, write
from digest.domain.suppression import SuppressionReason
from digest.pipeline import outbox
from digest.smtp.relay import Relay, Timeouts
from tests.conftest import NOW
from tests.letters import DAY, editions, messages, put_edition, send, states
from tests.renderer import Letters
from tests.sink import Fault, Sink

Serve = Callable[..., Sink]
SHORT = Timeouts(dot=0.5, rcpt=0.5, mail=0.5, data=0.5)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Sink(file=tmp_path / "mail.jsonl", **options))


def tries(engine: Engine) -> list[tuple[str, str, int | None, str]]:
    with read(engine) as connection:
        rows = connection.execute(select(attempt).order_by(attempt.c.id)).all()
    return [(row.phase, row.outcome, row.code, row.text) for row in rows]


def test_everybody_gets_one_message_and_the_edition_closes(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 30)
    sink = serve()
    done = send(engine, sink, connections=4)
    assert (done.sent, done.failed, done.in_doubt, done.transport_error, done.already_sending) == (30, 0, 0, None, False)
    assert max(Counter(mail["to"] for mail in sink.mails()).values()) == 1
    assert len(sink.mails()) == 30
    assert states(engine) == {"sent": 30}
    assert [found.state for found in editions(engine)] == ["closed"]
    assert {row.dated_at == row.sent_at or row.dated_at < row.sent_at for row in messages(engine)} == {True}
    assert all(found[:3] == ("dot", "sent", 250) for found in tries(engine))
    assert sink.peak <= 4


def test_a_second_run_finds_nothing_to_do_and_asks_nobody(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 3)
    sink = serve()
    send(engine, sink)
    seen = len(sink.seen)
    assert send(engine, sink).sent == 0
    assert len(sink.seen) == seen


@pytest.mark.parametrize("state", ["planning", "draft", "closed", "cancelled", "skipped"])
def test_only_approved_editions_go_out(engine: Engine, serve: Serve, state: str) -> None:
    put_edition(engine, 3, state=state)
    sink = serve()
    assert send(engine, sink, at_once=True).sent == 0
    assert sink.mails() == []


def test_a_message_waits_for_its_hour_unless_told_at_once(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 3, due_at=NOW + DAY, next_attempt_at=NOW + DAY)
    sink = serve()
    assert send(engine, sink).sent == 0
    assert send(engine, sink, at_once=True).sent == 3


def test_a_relay_that_refuses_costs_no_message_its_place(engine: Engine) -> None:
    put_edition(engine, 3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = send(engine, relay=Relay(host="127.0.0.1", port=port))
    assert done.transport_error is not None
    assert done.transport_error.startswith(f"SMTP relay 127.0.0.1:{port} refused the connection; nothing was offered")
    assert "Check smtp.host and smtp.port" in done.transport_error
    assert states(engine) == {"queued": 3}
    assert tries(engine) == []
    assert [found.state for found in editions(engine)] == ["approved"]


def test_a_wrong_password_opens_the_breaker_and_nothing_is_claimed(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 3)
    done = send(engine, serve(login="digest:right"), smtp={"username": "digest", "password": "wrong"})
    assert done.transport_error is not None
    assert "535 5.7.8" in done.transport_error
    found = editions(engine)[0]
    assert (found.paused, found.reason) == (True, "breaker: the login is refused: 535 5.7.8 wrong name or password")
    assert states(engine) == {"queued": 3}


def test_an_unknown_mailbox_fails_and_is_suppressed_and_the_others_go_on(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 10)
    who = messages(engine)[4].employee_id
    with read(engine) as connection:
        address = connection.execute(select(employee.c.address).where(employee.c.id == who)).scalar_one()
    sink = serve(faults=[Fault(at="rcpt", do="550 5.1.1 no such person", to=address)])
    done = send(engine, sink)
    assert (done.sent, done.failed) == (9, 1)
    row = messages(engine)[4]
    assert (row.state, row.reason, row.attempts) == ("failed", "address", 1)
    with read(engine) as connection:
        assert suppressions.reasons(connection, [address], NOW + DAY) == {address: SuppressionReason.HARD_BOUNCE}
        assert connection.execute(select(bounce.c.kind, bounce.c.source, bounce.c.status)).all() == [("hard", "smtp", "5.1.1")]
    assert ("rcpt", "failed", 550, "550 5.1.1 no such person") in tries(engine)


def test_a_temporary_refusal_is_tried_again_later_and_keeps_its_date(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 1)
    sink = serve(faults=[Fault(at="rcpt", do="450 4.2.0 come later", times=1)])
    assert send(engine, sink).deferred == 1
    row = messages(engine)[0]
    assert (row.state, row.reason, row.attempts) == ("deferred", "try_later", 1)
    assert timedelta(minutes=4) <= row.next_attempt_at - NOW <= timedelta(minutes=6.1)
    assert [found.state for found in editions(engine)] == ["sending"]
    assert send(engine, sink, now=NOW + timedelta(minutes=1)).sent == 0
    assert send(engine, sink, now=NOW + timedelta(minutes=7)).sent == 1
    assert messages(engine)[0].dated_at == row.dated_at
    assert [found.state for found in editions(engine)] == ["closed"]


def test_a_server_that_names_a_wait_gets_it(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 1)
    send(engine, serve(faults=[Fault(at="rcpt", do="450 4.2.0 try again in 30 seconds")]))
    assert timedelta(seconds=30) <= messages(engine)[0].next_attempt_at - NOW <= timedelta(seconds=35)


def test_an_at_once_run_tries_each_deferred_message_once(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 12)
    sink = serve(faults=[Fault(at="rcpt", do="450 4.2.0 come later")])
    assert send(engine, sink).deferred == 12
    assert send(engine, sink, at_once=True).deferred == 12
    assert {row.attempts for row in messages(engine)} == {2}
    sink.faults.clear()
    assert send(engine, sink, at_once=True).sent == 12


def test_a_message_that_is_deferred_past_its_deadline_expires(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 2)
    sink = serve(faults=[Fault(at="rcpt", do="450 4.2.0 come later")])
    send(engine, sink)
    done = send(engine, sink, now=NOW + timedelta(hours=48, minutes=1))
    assert (done.failed, done.deferred) == (2, 0)
    assert {(row.state, row.reason) for row in messages(engine)} == {("failed", "expired")}
    assert [found.state for found in editions(engine)] == ["closed"]


def test_a_mailbox_put_off_until_too_late_three_weeks_in_a_row_gets_a_rest(engine: Engine, serve: Serve) -> None:
    sink = serve(faults=[Fault(at="rcpt", do="452 4.2.2 mailbox full")])
    who, address = 0, ""
    for week in range(3):
        start = NOW + week * 7 * DAY
        put_edition(engine, 1, period=f"2026-W{48 + week}", due_at=start, next_attempt_at=start)
        with write(engine) as connection:
            newest = connection.execute(select(message.c.id, message.c.employee_id).order_by(message.c.id.desc()).limit(1)).one()
            who = who or newest.employee_id
            address = connection.execute(select(employee.c.address).where(employee.c.id == who)).scalar_one()
            connection.execute(update(message).where(message.c.id == newest.id).values(employee_id=who))
        for hours in (0, 49):
            send(engine, sink, now=start + timedelta(hours=hours))
    assert {(row.state, row.reason) for row in messages(engine)} == {("failed", "expired")}
    with read(engine) as connection:
        assert suppressions.reasons(connection, [address], NOW + 20 * DAY) == {address: SuppressionReason.SOFT_BOUNCE}
        assert suppressions.reasons(connection, [address], NOW + 90 * DAY) == {}


def test_a_deadline_ends_a_message_even_while_the_relay_is_away(engine: Engine) -> None:
    put_edition(engine, 2)
    assert send(engine, now=NOW + timedelta(hours=49), relay=Relay(host="127.0.0.1", port=1)).failed == 2
    assert [found.state for found in editions(engine)] == ["closed"]


def test_an_answer_that_never_came_is_in_doubt_and_never_retried(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 4)
    sink = serve(faults=[Fault(at="dot", do="close", times=2)])
    done = send(engine, sink)
    assert (done.sent, done.in_doubt) == (2, 2)
    for _ in range(2):
        assert send(engine, sink, at_once=True, now=NOW + DAY).sent == 0
    assert max(Counter(mail["to"] for mail in sink.mails()).values()) == 1
    assert states(engine) == {"sent": 2, "in_doubt": 2}
    assert [found.state for found in editions(engine)] == ["closed"]
    with read(engine) as connection:
        doubts = outbox.doubts(connection, editions(engine)[0].id)
    assert [(doubt["reason"], doubt["address"].endswith("@example.org")) for doubt in doubts] == [("no_reply", True)] * 2
    assert all(NOW <= doubt["since"] <= NOW + DAY for doubt in doubts)


@pytest.mark.parametrize("fault", ["garble", "half", "hang"])
def test_no_readable_answer_to_the_dot_is_doubt(engine: Engine, serve: Serve, fault: str) -> None:
    put_edition(engine, 1)
    assert send(engine, serve(faults=[Fault(at="dot", do=fault, times=1)]), smtp={"timeouts": SHORT}).in_doubt == 1


def test_with_resend_an_unanswered_message_goes_again_with_its_own_id(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 1)
    sink = serve(faults=[Fault(at="dot", do="close", times=1)])
    done = send(engine, sink, on_doubt="resend")
    assert (done.deferred, done.in_doubt) == (1, 0)
    assert send(engine, sink, on_doubt="resend", now=NOW + timedelta(minutes=10)).sent == 1
    ids = [mail["h:message-id"] for mail in sink.mails()]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert len({mail["h:date"] for mail in sink.mails()}) == 1


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("fault", ["close", "garble", "hang"])
def test_a_break_before_the_dot_is_certain(engine: Engine, serve: Serve, phase: str, fault: str) -> None:
    put_edition(engine, 1)
    sink = serve(faults=[Fault(at=phase, do=fault, times=1)])
    done = send(engine, sink, smtp={"timeouts": SHORT})
    assert (done.deferred, done.in_doubt) == (1, 0)
    assert send(engine, sink, now=NOW + timedelta(minutes=10)).sent == 1
    assert len(sink.mails()) == 1


def test_a_connection_dropped_between_messages_costs_nothing(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 6)
    sink = serve(faults=[Fault(at="mail", do="close", after=2, times=1)])
    done = send(engine, sink, connections=1)
    assert (done.sent, done.deferred) == (6, 0)
    assert {row.attempts for row in messages(engine)} == {1}


def test_a_server_going_down_is_given_a_rest(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 6)
    sink = serve(faults=[Fault(at="rcpt", do="421 4.3.2 going down", after=2, times=1)])
    started = time.monotonic()
    done = send(engine, sink, connections=1)
    assert (done.sent, done.deferred) == (5, 1)
    assert time.monotonic() - started >= 1.0


def test_a_refused_sender_stops_the_edition_and_keeps_everybody_queued(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 20)
    done = send(engine, serve(faults=[Fault(at="mail", do="550 5.1.8 who are you")]))
    found = editions(engine)[0]
    assert states(engine) == {"queued": 20}
    assert found.paused
    assert found.reason == done.transport_error == "breaker: the relay refuses our sender: 550 5.1.8 who are you"
    assert {row.attempts for row in messages(engine)} == {0}


def test_policy_refusals_stop_the_edition_and_suppress_nobody(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 50)
    sink = serve(faults=[Fault(at="dot", do="550 5.7.515 no DMARC")])
    done = send(engine, sink, connections=2)
    assert 3 <= done.failed <= 4
    assert editions(engine)[0].paused
    assert {row.reason for row in messages(engine) if row.state == "failed"} == {"policy"}
    with read(engine) as connection:
        assert suppressions.hashes(connection, NOW) == {}


def test_a_message_that_cannot_be_made_fails_alone(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 5)
    bad = messages(engine)[2]
    done = send(engine, serve(), letters=Letters(broken=frozenset({bad.employee_id})))
    assert (done.sent, done.failed) == (4, 1)
    assert (messages(engine)[2].state, messages(engine)[2].reason) == ("failed", "render")
    assert ("render", "failed", None, f"ValueError: no words for employee {bad.employee_id}") in tries(engine)


def test_who_left_or_said_stop_since_planning_gets_nothing(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 5)
    ids = [row.employee_id for row in messages(engine)]
    with write(engine) as connection:
        connection.execute(update(employee).where(employee.c.id == ids[0]).values(left_at=NOW))
        connection.execute(update(employee).where(employee.c.id == ids[1]).values(address="stop@example.org", mailbox="Stop@Example.org"))
        suppressions.suppress(connection, "stop@example.org", SuppressionReason.UNSUBSCRIBED, NOW)
        connection.execute(update(message).where(message.c.employee_id == ids[2]).values(employee_id=None))
    sink = serve()
    done = send(engine, sink)
    assert (done.sent, done.suppressed) == (2, 3)
    found = {(row.state, row.reason) for row in messages(engine) if row.state != "sent"}
    assert found == {("skipped", "left"), ("suppressed", "unsubscribed")}
    assert [found.state for found in editions(engine)] == ["closed"]


def test_the_address_is_the_current_one(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 1)
    with write(engine) as connection:
        connection.execute(update(employee).values(address="new@example.org", mailbox="New@Example.org"))
    sink = serve()
    send(engine, sink)
    assert [mail["to"] for mail in sink.mails()] == ["New@Example.org"]


def test_an_edition_whose_everybody_left_closes(engine: Engine) -> None:
    put_edition(engine, 2)
    with write(engine) as connection:
        connection.execute(update(message).values(state="skipped", reason="left"))
    send(engine, relay=Relay(host="127.0.0.1", port=1))
    assert [found.state for found in editions(engine)] == ["closed"]


def test_pausing_takes_effect_within_one_message_per_connection(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 200)
    sink = serve(delay=0.02)
    mark: list[int] = []

    def pause(_more: int) -> None:
        if not mark and len(sink.mails()) > 10:
            threading.Thread(target=stop_it).start()
            mark.append(0)

    def stop_it() -> None:
        outbox.pause(engine, None, reason="wrong picture", who="ana", now=NOW)
        mark.append(len(sink.mails()))

    done = send(engine, sink, connections=4, progress=pause)
    assert done.sent < 200
    assert done.sent <= mark[1] + 4
    assert set(states(engine)) == {"sent", "queued"}
    outbox.resume(engine, None, who="ana", now=NOW)
    send(engine, sink, connections=4)
    assert states(engine) == {"sent": 200}
    assert len(sink.mails()) == 200


def test_cancelling_takes_effect_within_one_message_per_connection(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 200)
    sink = serve(delay=0.02, faults=[Fault(at="rcpt", do="450 4.2.0 later", after=12, times=2)])
    marks = threading.Event()

    def cancel(_more: int) -> None:
        if not marks.is_set():
            marks.set()
            threading.Thread(target=lambda: outbox.cancel(engine, None, who="ana", now=NOW)).start()

    send(engine, sink, connections=4, progress=cancel)
    found = states(engine)
    assert set(found) <= {"sent", "cancelled"}
    assert found["cancelled"] > 150
    assert sum(found.values()) == 200
    assert len(sink.mails()) == found["sent"]


def test_a_stop_finishes_what_is_on_the_wire_and_leaves_the_rest_queued(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 100)
    sink, stop = serve(delay=0.05), threading.Event()
    threading.Timer(0.4, stop.set).start()
    done = send(engine, sink, connections=4, stop=stop)
    assert 0 < done.sent < 100
    assert states(engine) == {"sent": done.sent, "queued": 100 - done.sent}
    assert len(sink.mails()) == done.sent


def test_a_stop_breaks_off_after_the_grace_period_and_names_the_doubt(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 10)
    sink, stop = serve(faults=[Fault(at="dot", do="hang")]), threading.Event()
    threading.Timer(0.2, stop.set).start()
    started = time.monotonic()
    done = send(engine, sink, connections=2, stop=stop, grace=0.3)
    assert time.monotonic() - started < 3
    assert (done.sent, done.in_doubt) == (0, 2)
    assert states(engine) == {"queued": 8, "in_doubt": 2}


def test_a_dead_runs_messages_become_doubts_at_the_next_run(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 5)
    with write(engine) as connection:
        connection.execute(insert(run).values(id="gone", lock_key=77, host="elsewhere", pid=1, started_at=NOW))
        first = select(message.c.id).order_by(message.c.id).limit(2)
        connection.execute(update(message).where(message.c.id.in_(first.scalar_subquery())).values(state="sending", run_id="gone", dated_at=NOW))
    sink = serve()
    done = send(engine, sink)
    assert (done.sent, done.in_doubt) == (3, 2)
    assert states(engine) == {"sent": 3, "in_doubt": 2}
    assert send(engine, sink).in_doubt == 0


def test_with_resend_a_dead_runs_messages_go_again(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 5)
    with write(engine) as connection:
        connection.execute(update(message).values(state="sending", run_id="gone", dated_at=NOW))
    done = send(engine, serve(), on_doubt="resend")
    assert (done.sent, done.in_doubt) == (5, 0)


def test_on_sqlite_one_run_delivers_at_a_time(sqlite_url: str, serve: Serve) -> None:
    from digest.db.session import open_database

    engine = open_database(sqlite_url)
    put_edition(engine, 2)
    sink = serve()
    with runs.delivering(engine, lambda: NOW) as held:
        assert held is not None
        assert send(engine, sink).already_sending
        assert states(engine) == {"queued": 2}
    assert send(engine, sink).sent == 2
    engine.dispose()


def test_on_postgresql_several_runs_share_the_work_and_a_live_one_is_left_alone(postgres_url: str, serve: Serve) -> None:
    from digest.db.session import open_database

    engine = open_database(postgres_url)
    put_edition(engine, 60)
    sink = serve(delay=0.01)
    with runs.delivering(engine, lambda: NOW) as held:
        assert held is not None
        with write(engine) as connection:
            one = select(message.c.id).order_by(message.c.id).limit(1)
            connection.execute(update(message).where(message.c.id == one.scalar_subquery()).values(state="sending", run_id=held.id))
        found = []
        threads = [threading.Thread(target=lambda: found.append(send(engine, sink))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(done.sent for done in found) == 59
        assert states(engine) == {"sent": 59, "sending": 1}
    assert send(engine, sink).in_doubt == 1
    assert max(Counter(mail["to"] for mail in sink.mails()).values()) == 1
    engine.dispose()


def test_the_relays_rate_limit_is_remembered_between_runs(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 60)
    sink, stop = serve(), threading.Event()
    threading.Timer(1.0, stop.set).start()
    assert 20 <= send(engine, sink, smtp={"per_minute": 400}, stop=stop).sent <= 27  # a burst of 20, then 6.3 a second
    again = threading.Event()
    threading.Timer(0.4, again.set).start()
    soon = NOW + timedelta(seconds=1)
    assert send(engine, sink, now=soon, smtp={"per_minute": 400}, stop=again).sent <= 4
    assert send(engine, sink, now=soon + timedelta(minutes=1), smtp={"per_minute": 6000}).sent > 20


def test_what_a_limit_allows_only_much_later_waits_for_another_run(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 5)
    sink = serve()
    assert send(engine, sink, smtp={"per_day": 3}).sent == 1
    assert states(engine) == {"sent": 1, "queued": 4}
    with write(engine) as connection:
        filled = connection.execute(select(bucket.c.filled_at)).scalar_one()
        connection.execute(update(bucket).values(filled_at=filled - timedelta(hours=13)))
    assert send(engine, sink, smtp={"per_day": 3}).sent == 1


def test_a_relay_that_takes_fewer_connections_gets_fewer(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 40)
    sink = serve(limit=2, delay=0.005)
    done = send(engine, sink, connections=6)
    assert done.sent == 40
    assert done.transport_error is None


def test_a_recycled_connection_says_goodbye_and_the_work_goes_on(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 10)
    sink = serve()
    assert send(engine, sink, connections=1, smtp={"messages_per_connection": 3}).sent == 10
    assert sink.seen.count("QUIT") == 4


def test_a_domain_that_asks_three_people_to_slow_down_is_given_a_rest(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 20)
    done = send(engine, serve(faults=[Fault(at="rcpt", do="450 4.7.1 too fast")]), connections=1)
    assert done.deferred == 3
    waiting = [row for row in messages(engine) if row.state == "queued"]
    assert {row.next_attempt_at > NOW + timedelta(minutes=4) for row in waiting} == {True}


def test_older_editions_go_first_and_each_keeps_its_sender(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 2, period="2026-W48")
    put_edition(engine, 2, period="2026-W47")
    sink = serve()
    send(engine, sink, connections=1)
    assert [mail["to"][:8] for mail in sink.mails()] == ["2026-w47", "2026-w47", "2026-w48", "2026-w48"]


def test_a_decided_doubt_goes_again_and_opens_its_edition(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 2)
    sink = serve(faults=[Fault(at="dot", do="close", keep=False)])
    assert send(engine, sink).in_doubt == 2
    sink.faults.clear()
    first, second = (row.id for row in messages(engine))
    late = NOW + 5 * DAY  # long after the deadline: an operator's word counts
    with write(engine) as connection:
        assert outbox.resolve(connection, first, "sent", who="ana", now=late)
        assert outbox.resolve(connection, second, "queued", who="ana", now=late)
        assert not outbox.resolve(connection, first, "queued", who="ana", now=late)
    assert [found.state for found in editions(engine)] == ["sending"]
    assert send(engine, sink, now=late).sent == 1
    assert states(engine) == {"sent": 2}
    assert [found.state for found in editions(engine)] == ["closed"]
