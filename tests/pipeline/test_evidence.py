"""Messages in doubt settle by evidence: a press, a report, or the relay's own log. What proves nothing changes nothing."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select, update

from digest.db import keys
from digest.db.schema import attempt, audit, bounce, click, edition, message, token
from digest.db.session import read, write
from digest.domain.reference import message_id
from digest.errors import NotFoundError, UnreadableFileError
from digest.files import maillog
from digest.pipeline import evidence
from tests.conftest import NOW
from tests.letters import messages, put_edition, states

SECRET = b"s" * 32
MINUTE = timedelta(minutes=1)


def doubtful(engine: Engine, people: int = 5, *, doubt: int = 2) -> list[int]:
    """An edition whose messages went out a minute apart from NOW on, the one at `doubt` without an answer; their numbers."""
    put_edition(engine, people, state="closed")
    numbers = [row.id for row in messages(engine)]
    with write(engine) as connection:
        keys.ensure_keys(connection, lambda _size: SECRET, NOW)
        for place, number in enumerate(numbers):
            at = NOW + place * MINUTE
            state, reason = ("in_doubt", "broken") if place == doubt else ("sent", "")
            values = {"state": state, "reason": reason, "dated_at": at, "sent_at": None if place == doubt else at, "attempts": 1}
            connection.execute(update(message).where(message.c.id == number).values(values))
            told = {"phase": "dot", "outcome": state, "code": None, "text": "timed out", "connection": 1, "transport": "smtp"}
            connection.execute(insert(attempt).values(message_id=number, at=at, **told))
    return numbers


def reference(number: int) -> str:
    return message_id(SECRET, "2026-W48", number, "example.com")


def log(numbers: list[int], *, shift: timedelta = timedelta(0), first: int = -30, last: int = 60, more: str = "") -> list[bytes]:
    """What Postfix writes about the messages at their places in `numbers` (0: none), and about others' mail from minute `first` to `last`."""

    def lines(at: datetime, queue: str, named: str) -> list[str]:
        head = f"{at + shift:%b %d %H:%M:%S} mx1 postfix"
        taken = [
            f"{head}/cleanup[9]: {queue}: message-id=<{named}>",
            f"{head}/qmgr[1]: {queue}: from=<d@example.com>, size=9, nrcpt=1 (queue active)",
        ]
        return [*taken, f"{head}/smtp[7]: {queue}: to=<a@example.org>, relay=mx, dsn=2.0.0, status=sent (250 ok)"]

    ours = {place: number for place, number in enumerate(numbers) if number}
    text: list[str] = []
    for minute in range(first, last + 1):
        at = NOW + minute * MINUTE
        text += lines(at - timedelta(seconds=30), f"AA{abs(minute):06X}", f"{minute}@elsewhere.example")
        text += lines(at, f"BB{minute:06X}", reference(ours[minute])) if minute in ours else []
    return [line.encode() + b"\n" for line in [*text, *more.splitlines()]]


def by_log(engine: Engine, *logs: list[bytes], **options: Any) -> evidence.Found:
    return evidence.from_logs(engine, None, logs, who="ana", now=NOW + timedelta(hours=2), **options)


def audits(engine: Engine) -> list[tuple[str, str, str]]:
    with read(engine) as connection:
        return [(row.who, row.what, row.detail) for row in connection.execute(select(audit).order_by(audit.c.id))]


def test_what_the_relay_took_is_sent(engine: Engine) -> None:
    numbers = doubtful(engine)
    found = by_log(engine, log(numbers))
    assert (found.sent, found.queued, found.verdicts[numbers[2]].why) == (1, 0, "the relay passed it on: 250 ok")
    (row,) = [row for row in messages(engine) if row.id == numbers[2]]
    assert (row.state, row.reason, row.sent_at) == ("sent", "evidence", NOW + 2 * MINUTE)
    assert audits(engine) == [("ana", "message.resolve", "sent: evidence")]


def test_a_later_bounce_still_says_that_it_was_taken(engine: Engine) -> None:
    numbers = doubtful(engine)
    bounced = b"dsn=5.1.1, status=bounced (550 5.1.1 unknown)"
    lines = [line.replace(b"dsn=2.0.0, status=sent (250 ok)", bounced) if b"BB000002" in line else line for line in log(numbers)]
    found = by_log(engine, lines)
    assert found.sent == 1
    assert found.verdicts[numbers[2]].why == "the relay took it, and then it failed: 550 5.1.1 unknown"


def test_what_a_whole_log_does_not_name_is_reported_and_queued_only_when_asked(engine: Engine) -> None:
    numbers = doubtful(engine)
    without = log([number if place != 2 else 0 for place, number in enumerate(numbers)])
    found = by_log(engine, without)
    assert (found.sent, found.queued, found.verdicts[numbers[2]].finding) == (0, 0, "missing")
    assert "--missing queued" in found.sentence()
    assert states(engine) == {"sent": 4, "in_doubt": 1}
    assert by_log(engine, without, missing="queued").queued == 1
    assert states(engine) == {"sent": 4, "queued": 1}
    with read(engine) as connection:
        assert connection.execute(select(edition.c.state)).scalar_one() == "sending"


@pytest.mark.parametrize("shift", [timedelta(hours=9, minutes=30), timedelta(hours=-8), timedelta(seconds=-140)])
def test_the_witnesses_tell_the_relays_zone_and_what_its_clock_is_wrong_by(engine: Engine, shift: timedelta) -> None:
    numbers = doubtful(engine)
    without = log([number if place != 2 else 0 for place, number in enumerate(numbers)], shift=shift)
    assert by_log(engine, without).verdicts[numbers[2]].finding == "missing"


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"first": 100, "last": 130}, "right relay's log"),  # another day
        (
            {"last": 5},
            "from 2026-11-24 09:01:00 to 09:12:00 UTC, and it reaches from 08:29:30 to 09:04:30",
        ),  # cut too early: the relay may have been at it still
        ({"first": 2}, "right relay's log"),  # begins too late for witnesses before
    ],
)
def test_a_log_that_does_not_reach_over_the_time_proves_nothing(engine: Engine, how: dict[str, Any], said: str) -> None:
    numbers = doubtful(engine, 3)
    found = by_log(engine, log([numbers[0], numbers[1], 0], **how), missing="queued")
    assert (found.queued, found.verdicts[numbers[2]].finding) == (0, "unproven")
    assert said in found.verdicts[numbers[2]].why


def test_another_relays_log_proves_nothing(engine: Engine) -> None:
    numbers = doubtful(engine)
    assert by_log(engine, log([]), missing="queued").verdicts[numbers[2]].finding == "unproven"


def test_a_log_with_a_hole_proves_nothing(engine: Engine) -> None:
    """One of two relays behind a name: it took the messages before and after, and not the one that the other took."""
    numbers = doubtful(engine, 7, doubt=3)
    found = by_log(engine, log([*numbers[:2], 0, 0, *numbers[4:]]), missing="queued")
    assert (found.queued, found.verdicts[numbers[3]].finding) == (0, "unproven")
    assert "09:02:00" in found.verdicts[numbers[3]].why


def test_a_gap_between_two_files_proves_nothing_and_two_that_meet_do(engine: Engine) -> None:
    numbers = doubtful(engine)
    known = [number if place != 2 else 0 for place, number in enumerate(numbers)]
    early, late = log(known, last=1), log([0, 0, 0, *numbers[3:]], first=30)
    assert by_log(engine, early, late).verdicts[numbers[2]].finding == "unproven"
    assert by_log(engine, log([0, 0, 0, *numbers[3:]], first=2), early).verdicts[numbers[2]].finding == "missing"


def test_a_run_that_died_and_was_found_a_day_later_needs_a_log_of_that_day(engine: Engine) -> None:
    numbers = doubtful(engine)
    with write(engine) as connection:
        connection.execute(update(attempt).where(attempt.c.message_id == numbers[2]).values(at=NOW + timedelta(days=1), phase="unknown", text=""))
    without = [number if place != 2 else 0 for place, number in enumerate(numbers)]
    assert by_log(engine, log(without)).verdicts[numbers[2]].finding == "unproven"
    assert by_log(engine, log(without, last=1500)).verdicts[numbers[2]].finding == "missing"


def test_a_message_that_was_only_read_by_the_relay_is_told_apart(engine: Engine) -> None:
    numbers = doubtful(engine)
    without = [number if place != 2 else 0 for place, number in enumerate(numbers)]
    seen = f"Nov 24 09:02:00 mx1 postfix/cleanup[9]: CC1234: message-id=<{reference(numbers[2])}>\n"
    found = by_log(engine, log(without, more=seen), missing="queued")
    assert (found.sent, found.queued, found.verdicts[numbers[2]].finding) == (0, 0, "unclear")
    refused = seen + "Nov 24 09:02:00 mx1 postfix/cleanup[9]: CC1234: milter-reject: END-OF-MESSAGE from app: 5.7.1 no; from=<d@example.com>\n"
    found = by_log(engine, log(without, more=refused), missing="queued")
    assert (found.queued, "5.7.1" in found.verdicts[numbers[2]].why) == (1, True)


def test_a_message_that_broke_off_in_mid_body_was_not_taken(engine: Engine) -> None:
    """A process was killed while it sent: the relay had read the Message-ID and threw the message away."""
    numbers = doubtful(engine)
    without = [number if place != 2 else 0 for place, number in enumerate(numbers)]
    head = "Nov 24 09:02:00 mx1 postfix"
    broken = f"{head}/smtpd[5]: CC1234: client=app[192.0.2.1]\n{head}/cleanup[9]: CC1234: message-id=<{reference(numbers[2])}>\n"
    lines = log(without, last=1) + broken.encode().splitlines() + [f"{head}/smtpd[5]: lost connection after DATA (50 bytes) from app".encode()]
    lines += log(without, first=3)[len(log(without, first=3, last=2)) :]
    found = by_log(engine, lines, missing="queued")
    assert (found.sent, found.queued) == (0, 1)
    assert found.verdicts[numbers[2]].why == "not taken, says this log (lost connection after DATA)"


def test_a_key_made_since_then_does_not_hide_a_message(engine: Engine) -> None:
    numbers = doubtful(engine)
    with write(engine) as connection:
        keys.add_key(connection, "message-id", lambda _size: b"n" * 32, NOW)
    assert by_log(engine, log(numbers)).sent == 1


def test_logs_are_read_from_files_packed_or_not(tmp_path: Path) -> None:
    lines = log([])
    (tmp_path / "mail.log").write_bytes(b"".join(lines))
    (tmp_path / "mail.log.2").write_bytes(gzip.compress(b"".join(lines)))
    wanted = [line.rstrip(b"\n") for line in lines]
    assert list(maillog.lines(str(tmp_path / "mail.log"))) == wanted
    assert list(maillog.lines(str(tmp_path / "mail.log.2"))) == wanted


def test_a_log_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"".join(log([])))[:400])
    for name, said in (("gone.log", "No such file"), ("", "Is a directory"), ("cut.gz", "damaged")):
        with pytest.raises(UnreadableFileError, match=said):
            list(maillog.lines(str(tmp_path / name)))


def test_a_line_without_an_end_keeps_memory_small(tmp_path: Path) -> None:
    (tmp_path / "endless.log").write_bytes(b"x" * 5_000_000 + b"\nnext\n")
    assert [len(line) for line in maillog.lines(str(tmp_path / "endless.log"))] == [pytest.approx(1 << 20, abs=1 << 20), 4]


# --- presses and reports ---


def press(engine: Engine, number: int, **more: Any) -> None:
    """A press of a link in the message; `more` changes its row."""
    with write(engine) as connection:
        row = connection.execute(select(message).where(message.c.id == number)).one()
        pressed = {"event": uuid.uuid4().hex, "at": NOW + MINUTE, "token": row.share_token, "edition_id": row.edition_id, "n": 1}
        pressed |= {"employee_id": row.employee_id, "post_id": "p", "kind": "read", "network": "", "signals": {}, "source": ""}
        pressed |= {"class": "machine", "reasons": [], "rules_version": 1}
        connection.execute(insert(click).values({**pressed, **more}))


def give_token(engine: Engine, number: int, **more: Any) -> None:
    with write(engine) as connection:
        row = connection.execute(select(message).where(message.c.id == number)).one()
        given = {"token": row.share_token, "edition_id": row.edition_id, "employee_id": row.employee_id, "created_at": NOW, "expires_at": NOW}
        connection.execute(insert(token).values({**given, **more}))


def settled(engine: Engine) -> int:
    with write(engine) as connection:
        return evidence.settle(connection, NOW + timedelta(hours=3))


def test_a_press_proves_that_it_arrived_even_a_scanners(engine: Engine) -> None:
    numbers = doubtful(engine)
    give_token(engine, numbers[2])
    assert settled(engine) == 0
    press(engine, numbers[2])
    assert settled(engine) == 1
    assert settled(engine) == 0
    (row,) = [row for row in messages(engine) if row.id == numbers[2]]
    assert (row.state, row.reason, row.next_attempt_at) == ("sent", "evidence", None)
    assert row.sent_at == NOW + 2 * MINUTE, "the moment of the try: when somebody pressed is theirs alone"
    assert audits(engine) == [("evidence", "message.resolve", "sent: evidence")]


def test_nothing_else_that_was_pressed_proves_it(engine: Engine) -> None:
    numbers = doubtful(engine)
    give_token(engine, numbers[2], employee_id=None, group_key="team:Quality")  # shared by a group
    give_token(engine, numbers[0])
    press(engine, numbers[0])
    press(engine, numbers[2], employee_id=None)
    press(engine, numbers[2], token="~disguised")
    assert settled(engine) == 0
    assert states(engine) == {"sent": 4, "in_doubt": 1}


@pytest.mark.parametrize(("source", "proves"), [("dsn", 1), ("arf", 1), ("reply", 1), ("smtp", 0), ("guess", 0)])
def test_a_report_that_surely_names_it_proves_it(engine: Engine, source: str, proves: int) -> None:
    numbers = doubtful(engine)
    with write(engine) as connection:
        told = {"fingerprint": "f", "at": NOW, "message_id": numbers[2], "kind": "soft", "source": source, "status": "4.2.2", "text": ""}
        connection.execute(insert(bounce).values(told))
    assert settled(engine) == proves


def test_it_costs_one_statement_when_nothing_is_in_doubt(engine: Engine) -> None:
    put_edition(engine, 3)
    asked: list[str] = []
    heard: Callable[..., None] = lambda _c, _cursor, statement, *_: asked.append(statement)  # noqa: E731 - taken off again below
    event.listen(engine, "before_cursor_execute", heard)
    assert settled(engine) == 0
    event.remove(engine, "before_cursor_execute", heard)
    assert len([one for one in asked if not one.startswith("BEGIN")]) == 1


# --- listing and deciding ---


def test_each_case_says_what_an_operator_needs_to_look_for_it(engine: Engine) -> None:
    numbers = doubtful(engine)
    (case,) = evidence.cases(engine)
    assert (case["message"], case["transport"], case["said"], case["reason"]) == (numbers[2], "smtp", "timed out", "broken")
    assert (case["since"], case["until"]) == (NOW + 2 * MINUTE, NOW + 2 * MINUTE)
    assert case["message_id"] == reference(numbers[2])
    text = evidence.sentence([case])
    assert f"<{reference(numbers[2])}>" in text
    assert case["address"] in text
    assert evidence.sentence([]) == "Nothing is in doubt."


def test_a_decision_takes_one_or_all(engine: Engine) -> None:
    numbers = doubtful(engine)
    with pytest.raises(NotFoundError, match="not in doubt in 2026-W48"):
        evidence.decide(engine, None, message=numbers[0], decision="queued", who="ana", now=NOW)
    assert evidence.decide(engine, None, message=numbers[2], decision="sent", who="ana", now=NOW) == 1
    assert evidence.decide(engine, None, message=None, decision="queued", who="ana", now=NOW) == 0
    assert states(engine) == {"sent": 5}
