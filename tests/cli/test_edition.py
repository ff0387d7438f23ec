"""`digest edition resolve`, `resend` and `why`, over a week that a bad relay really spoiled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

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
    assert [" ".join(line.split()[1:]) for line in timeline] == [
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
    assert found["transports"] == {"smtp": {"sent": 0, "waiting": 12, "last_minute": 0, "rest_until": None, "reason": ""}}
    assert found["remaining_seconds"] is None
    assert sum(found[state] for state in ("queued", "sending", "sent", "deferred", "failed", "in_doubt", "suppressed", "cancelled", "skipped")) == 12
