"""`status` and `why` tell who carried it, what keeps the rest, and what came back later."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, update

from digest.db import relays, routes, suppressions
from digest.db.schema import attempt, bounce, message
from digest.db.session import write
from digest.domain.suppression import SuppressionReason
from digest.pipeline import edition as plan
from digest.pipeline import status, why
from tests.conftest import NOW
from tests.factories import company, person
from tests.letters import messages, put_edition

MINUTE = timedelta(minutes=1)


def tried(engine: Engine, place: int, *, by: str, outcome: str = "sent", at: timedelta = timedelta(0), **fields: Any) -> int:
    number = int(messages(engine)[place].id)
    with write(engine) as connection:
        told = {"phase": "dot", "outcome": outcome, "code": 250, "text": "ok", "connection": 1, "transport": by}
        connection.execute(insert(attempt).values(message_id=number, at=NOW + at, **told))
        connection.execute(update(message).where(message.c.id == number).values(state=outcome, attempts=1, **fields))
    return number


def came_back(engine: Engine, number: int, kind: str, *, source: str = "dsn", status: str = "") -> None:
    with write(engine) as connection:
        row = {"fingerprint": f"{number}{kind}{source}", "at": NOW + MINUTE, "message_id": number, "kind": kind, "source": source}
        connection.execute(insert(bounce).values(row | {"status": status, "text": "no such user"}))


def text(engine: Engine) -> str:
    return status.sentence(status.status(engine, now=NOW), approval="automatic")


def test_who_carried_a_message_is_credited_not_whom_it_was_dealt_to(engine: Engine) -> None:
    put_edition(engine, 3, state="sending", route="dead")
    tried(engine, 0, by="alive")
    tried(engine, 1, by="alive")
    found = status.status(engine, now=NOW)["transports"]
    assert {name: (one["sent"], one["waiting"]) for name, one in found.items()} == {"alive": (2, 0), "dead": (0, 1)}


def test_nothing_is_hoped_while_the_transport_rests(engine: Engine) -> None:
    put_edition(engine, 40, state="sending")
    for place in range(20):
        tried(engine, place, by="smtp")
    assert status.status(engine, now=NOW)["remaining_seconds"] is not None
    with write(engine) as connection:
        routes.rest(connection, "smtp", NOW + 7 * MINUTE, "432 too many")
    assert status.status(engine, now=NOW)["remaining_seconds"] is None
    assert "About" not in text(engine)


def test_a_relay_that_is_away_and_the_next_try_are_told(engine: Engine) -> None:
    put_edition(engine, 3, state="sending")
    tried(engine, 0, by="smtp", outcome="deferred", next_attempt_at=NOW + 5 * MINUTE, reason="try_later")
    with write(engine) as connection:
        relays.note_trouble(connection, "smtp", "refused the connection", NOW - MINUTE)
    said = text(engine)
    assert "Transport smtp was away at 2026-11-24 08:59 UTC, when it was last tried: refused the connection" in said
    assert "The next try of what is deferred is due at 2026-11-24 09:05 UTC." in said
    assert "1  deferred (try_later)" in said


def test_reasons_stand_beside_the_count_they_belong_to(engine: Engine) -> None:
    put_edition(engine, 3, state="sending", reason="sender")
    with write(engine) as connection:
        connection.execute(update(message).where(message.c.id == messages(engine)[0].id).values(reason="resent"))
    assert "3  queued (resent: 1, sender: 2)" in text(engine)
    assert status.status(engine)["reasons"] == {"resent": 1, "sender": 2}


def test_what_came_back_is_counted_by_kind_without_what_was_refused_on_the_wire(engine: Engine) -> None:
    put_edition(engine, 3, state="closed")
    first, second = tried(engine, 0, by="smtp"), tried(engine, 1, by="smtp")
    came_back(engine, first, "hard")
    came_back(engine, first, "auto_reply", source="reply")
    came_back(engine, second, "hard", source="smtp")
    assert status.status(engine)["came_back"] == {"auto_reply": 1, "hard": 1}
    assert "Came back later: 1 auto reply, 1 hard." in text(engine)


def test_why_tells_what_came_back_and_since_when_there_are_no_more_letters(engine: Engine, tmp_path: Path) -> None:
    plan.open_due(engine, company(engine, tmp_path, [person("ana@example.org")]), now=NOW - timedelta(hours=15))
    came_back(engine, tried(engine, 0, by="smtp"), "hard", status="5.1.1")
    with write(engine) as connection:
        suppressions.suppress(connection, "ana@example.org", SuppressionReason.HARD_BOUNCE, NOW + 2 * MINUTE)
    found = why.why(engine, "ana@example.org", now=NOW + 3 * MINUTE)
    assert why.sentence(found).splitlines()[-4:] == [
        "  2026-11-23 18:00:00  planned",
        "  2026-11-24 09:00:00  accepted by smtp (250 ok)",
        "  2026-11-24 09:01:00  came back 5.1.1 (hard): no such user",
        "  2026-11-24 09:02:00  no more letters: hard_bounce",
    ]
    assert [back["kind"] for back in found["came_back"]] == ["hard"]
