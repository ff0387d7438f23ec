"""`digest edition resolve`, `resend` and `why`, over a week that a bad relay really spoiled."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from digest.db import standing
from digest.db.schema import edition as edition_table
from digest.db.schema import message
from digest.db.session import open_database, write
from digest.pipeline import edition
from tests.door import Door, door
from tests.factories import company, crowd
from tests.sink import Fault, Sink

__all__ = ["door"]

HOUR = timedelta(hours=1)


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Sink]:
    """Takes what it is offered; one message it takes without an answer, one it loses, and one it refuses."""
    faults = [
        Fault(at="dot", do="close", to="person000003@example.org", times=1),
        Fault(at="dot", do="close", to="person000004@example.org", times=1, keep=False),
        Fault(at="rcpt", do="554 5.6.0 not like this", to="person000005@example.org", times=1),
    ]
    with Sink(file=tmp_path / "sink", faults=faults) as sink:
        yield sink


@pytest.fixture
def week(door: Door, relay: Sink, database_url: str) -> Iterator[Engine]:
    """A planned and approved week for twelve people, in the folder of `door`."""
    text = f'[database]\nurl = "{database_url}"\n[smtp]\nport = {relay.port}\nconnections = 2\n[schedule]\nquiet = ""\n'
    door.write("config.toml", text)
    engine = open_database(database_url)
    now = datetime.now(UTC)
    config = company(engine, door.home, crowd(12), smtp={"port": relay.port})
    edition.plan(engine, config, now=now)
    edition.approve(engine, now=now, who="mara")
    with write(engine) as connection:
        connection.execute(update(message).values(due_at=now, next_attempt_at=now))
    yield engine
    engine.dispose()


def mail_log(relay: Sink) -> str:
    """What the relay's Postfix would have written about what it took, and about other mail an hour before and after."""
    lines = []
    moments: list[tuple[datetime, str]] = [(datetime.fromtimestamp(mail["at"], UTC), mail["h:message-id"][1:-1]) for mail in relay.mails()]
    moments += [(datetime.now(UTC) + n * HOUR / 10, f"{n}@elsewhere.example") for n in range(-10, 11)]
    for n, (at, named) in enumerate(sorted(moments)):
        head = f"{at:%Y-%m-%dT%H:%M:%S.%f}+00:00 mx1 postfix"
        lines.append(
            f"{head}/cleanup[9]: AB{n:06X}: message-id=<{named}>\n{head}/qmgr[1]: AB{n:06X}: from=<d@example.com>, size=9, nrcpt=1 (queue active)\n"
        )
    return "".join(lines)


def listed(door: Door) -> list[dict[str, Any]]:
    return list(json.loads(door("edition", "resolve", "--json").out)["in_doubt"])


@pytest.mark.usefixtures("week")
def test_doubts_are_listed_settled_by_the_log_and_what_never_came_goes_again(door: Door, relay: Sink) -> None:
    door("tick", "--now")
    cases = listed(door)
    assert sorted(case["address"] for case in cases) == ["person000003@example.org", "person000004@example.org"]
    taken = {mail["h:message-id"].strip("<>"): mail["to"] for mail in relay.mails()}
    assert [case["address"] for case in cases if case["message_id"] in taken] == ["person000003@example.org"], "the very id that went over the wire"
    text = door("edition", "resolve").out
    assert "2 in doubt:" in text
    assert "by smtp" in text

    door.write("mail.log", mail_log(relay))
    said = door("edition", "resolve", "--log", "mail.log")
    assert "1 settled as sent, 0 queued again, 1 left" in said.out
    assert "`--missing queued`" in said.out
    assert [case["address"] for case in listed(door)] == ["person000004@example.org"]
    found = json.loads(door("edition", "resolve", "--log", "mail.log", "--missing", "queued", "--json").out)
    assert (found["log"]["queued"], found["in_doubt"]) == (1, [])
    door("tick", "--now")
    recipients = sorted(mail["to"] for mail in relay.mails())
    assert len(recipients) == len(set(recipients)) == 11, "everybody once, but the one who was refused"


@pytest.mark.usefixtures("week")
def test_who_was_refused_gets_it_after_resend_and_nobody_gets_two(door: Door, relay: Sink) -> None:
    door("tick", "--now")
    dry = door("edition", "resend", "--dry-run")
    assert "1 message would be queued again." in dry.out
    assert "2  in doubt, not sent again" in dry.out
    assert json.loads(door("edition", "resend", "--json").out)["queued"] == 1
    door("tick", "--now")
    assert sum(mail["to"] == "person000005@example.org" for mail in relay.mails()) == 1
    said = door("edition", "resend", "--to", "person000005@example.org")
    assert (said.code, "nobody gets an edition twice" in said.err.lower()) == (1, True)


@pytest.mark.usefixtures("week")
def test_why_tells_what_happened_when(door: Door) -> None:
    door("tick", "--now")
    door("edition", "resend")
    door("tick", "--now")
    lines = door("edition", "why", "person000005@example.org").out.splitlines()
    timeline = [line for line in lines if line.startswith("  20")]
    assert [" ".join(line.split()[2:]) for line in timeline] == [
        "planned",
        "failed at rcpt by smtp (554 5.6.0 not like this)",
        "accepted by smtp (250 2.0.0 taken)",
    ]
    number = next(case["message"] for case in listed(door) if case["address"] == "person000003@example.org")
    assert door("edition", "resolve", "--message", number, "--as", "sent").code == 0
    assert "taken for sent: resolved" in door("edition", "why", "person000003@example.org").out


@pytest.mark.usefixtures("week")
@pytest.mark.parametrize(
    "words",
    [
        ("--missing", "queued"),
        ("--as", "sent"),
        ("--all",),
        ("--all", "--message", "1", "--as", "sent"),
        ("--log", "mail.log", "--as", "sent"),
    ],
)
def test_half_a_decision_is_refused(door: Door, words: tuple[str, ...]) -> None:
    assert door("edition", "resolve", *words).code == 2


@pytest.mark.usefixtures("week")
def test_status_speaks_of_its_only_transport_in_json(door: Door) -> None:
    found = json.loads(door("edition", "status", "--json").out)
    assert found["transports"] == {"smtp": {"sent": 0, "waiting": 12, "last_minute": 0, "rest_until": None, "trouble_at": None, "reason": ""}}
    assert found["remaining_seconds"] is None
    assert sum(found[state] for state in ("queued", "sending", "sent", "deferred", "failed", "in_doubt", "suppressed", "cancelled", "skipped")) == 12


@pytest.mark.usefixtures("week")
def test_cancelling_asks_with_the_week_and_the_count_and_no_means_no(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    said = door("edition", "cancel")
    assert (said.code, said.out.splitlines()[-1].endswith("Nothing was cancelled.")) == (0, True)
    assert re.search(r"Cancel 20\d\d-W\d\d for good\? 12 messages wait and are never sent", said.out)
    assert door("edition", "cancel", "--yes").code == 0
    again = door("edition", "cancel")
    assert (again.code, "it is cancelled, so there is nothing to cancel" in again.err) == (1, True), "it does not even ask"
    approve = door("edition", "approve")
    assert (approve.code, "That is for good" in approve.err) == (1, True)


@pytest.mark.usefixtures("week")
def test_a_week_that_is_not_there_is_told_apart_from_no_week(door: Door) -> None:
    assert "there is no such week" in door("edition", "status", "--edition", "nope").err
    said = door("edition", "status", "--edition", "2020-W01").err
    assert "2020-W01: not found: there is no edition of this week\nThe newest one is 20" in said


@pytest.mark.usefixtures("week")
def test_deciding_nothing_is_told_so(door: Door) -> None:
    said = door("edition", "resolve", "--all", "--as", "sent")
    assert (said.code, said.err, said.out) == (0, "Nothing was in doubt, so nothing was decided.\n", "Nothing is in doubt.\n")


def test_moments_in_json_are_written_one_way(door: Door, week: Engine) -> None:
    del week
    door("tick", "--now")
    assert all("T" in case[name] and case[name].endswith("+00:00") for case in listed(door) for name in ("since", "until"))


def test_what_is_still_sending_is_told_beside_the_doubts(door: Door, week: Engine) -> None:
    with write(week) as connection:
        connection.execute(update(message).values(state="sending", run_id="gone"))
    assert door("edition", "resolve").out == "12 are still sending; if no run is alive, the next `digest tick` lists them here.\n"
    assert json.loads(door("edition", "resolve", "--json").out)["sending"] == 12


def test_a_late_approval_says_when_it_goes_out(door: Door, week: Engine) -> None:
    with write(week) as connection:
        now = datetime.now(UTC)
        connection.execute(update(edition_table).values(state="draft", due_from=now - 2 * HOUR, due_until=now - HOUR))
    said = door("edition", "approve")
    assert (said.code, "All of it is already due: the next `digest tick` sends what is not too late." in said.out) == (0, True)


def test_a_queued_message_that_is_due_is_not_told_to_wait_for_its_hour(door: Door, week: Engine) -> None:
    del week
    said = door("edition", "resend", "--to", "person000001@example.org")
    assert (said.code, "It is due, and the next `digest tick` offers it" in said.err) == (1, True)


def test_tick_says_what_holds_letters_back_and_exits_1_only_when_nobody_asked_for_it(door: Door, week: Engine) -> None:
    door("edition", "pause", "--reason", "a wrong word")
    said = door("tick", "--now")
    period = json.loads(door("edition", "status", "--json").out)["period"]
    words = f"Nothing was sent.\n{period} is paused (a wrong word), and 12 wait. Go on with `digest edition resume`.\n"
    assert (said.code, said.out) == (0, words)
    door("edition", "resume")
    with write(week) as connection:
        standing.pause(connection, 1, reason="breaker: the login is refused: 535", who="breaker", now=datetime.now(UTC))
    said = door("tick", "--now", "--json")
    (hold,) = json.loads(said.out)["held"]
    assert (said.code, hold["what"], hold["by"], hold["count"]) == (1, "paused", "breaker", 12)
    assert hold["said"].endswith("Go on with `digest edition resume`, once that is cured.")
