"""What a tick says about letters that it could not send, and why."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, insert, update

from digest.config import Config
from digest.db import relays, routes, standing
from digest.db.schema import edition, employee, message, transport
from digest.db.session import read, write
from digest.pipeline import holding
from digest.pipeline.delivery import Delivery
from digest.pipeline.holding import Hold
from digest.pipeline.week import Ticked, delivered
from tests.conftest import NOW
from tests.letters import messages, put_edition

HOUR = timedelta(hours=1)
QUIET = Config(home=Path()).model_copy(update={"schedule": Config(home=Path()).schedule.model_copy(update={"quiet": "08:00-12:00"})})


def look(engine: Engine, config: Config | None = None) -> list[str]:
    with read(engine) as connection:
        return [hold.said for hold in holding.look(connection, config or Config(home=Path()), NOW)]


def test_an_edition_that_goes_out_holds_nothing_back(engine: Engine) -> None:
    put_edition(engine, 3)
    assert look(engine) == []


def test_each_paused_edition_is_named_with_its_own_command(engine: Engine) -> None:
    old, new = put_edition(engine, 2, period="2026-W47", state="sending"), put_edition(engine, 1)
    with write(engine) as connection:
        standing.pause(connection, old, reason="", who="mara", now=NOW)
        standing.pause(connection, new, reason="canary: of the first 10 messages 4 failed", who="canary", now=NOW)
    assert look(engine) == [
        "2026-W47 is paused, and 2 wait. Go on with `digest edition resume --edition 2026-W47`.",
        "2026-W48 is paused (canary: of the first 10 messages 4 failed), and 1 waits. Go on with `digest edition resume`, once that is cured.",
    ]


def test_a_rest_is_told_with_its_end_and_how_to_end_it(engine: Engine) -> None:
    put_edition(engine, 3, route="exchange")
    with write(engine) as connection:
        routes.rest(connection, "exchange", NOW + HOUR, "the login is refused: 535")
        routes.rest(connection, "unused", NOW + HOUR, "no")
    assert look(engine) == [
        "exchange rests until 10:00 UTC (the login is refused: 535), and 3 wait for it. `digest edition resume` ends the rest.",
    ]


def test_a_canary_that_is_out_and_letters_put_off_say_until_when(engine: Engine) -> None:
    put_edition(engine, 6, state="sending")
    ids = [row.id for row in messages(engine)]
    with write(engine) as connection:
        connection.execute(update(edition).values(canary_left=0, canary_until=NOW + HOUR / 4))
        connection.execute(update(message).where(message.c.id == ids[0]).values(state="sent", attempts=1))
        later = {"state": "deferred", "attempts": 1, "next_attempt_at": NOW + HOUR / 2}
        connection.execute(update(message).where(message.c.id == ids[1]).values(later))
    assert look(engine) == [
        "The canary of 2 is out; the rest of 2026-W48 (5) follows at 09:15 UTC, unless too much of it fails.",
        "1 is deferred; the next try is at 09:30 UTC.",
    ]


def test_quiet_hours_are_told_apart_from_a_domain_that_asked_for_rest(engine: Engine) -> None:
    put_edition(engine, 5, next_attempt_at=NOW + 3 * HOUR)
    assert look(engine, QUIET) == ["5 wait until 12:00 UTC (schedule.quiet)."]
    with write(engine) as connection:
        connection.execute(update(employee).values(zone="Asia/Tokyo"))
    assert look(engine, QUIET) == ["5 wait until 12:00 UTC (their domain asked for a rest)."]


def test_the_relays_trouble_is_no_rest(engine: Engine) -> None:
    put_edition(engine, 3)
    with write(engine) as connection:
        connection.execute(insert(transport).values(name="smtp", rest_until=NOW, reason="over"))
        relays.note_trouble(connection, "smtp", "refused the connection", NOW)
    assert look(engine) == []


def test_failures_and_those_left_out_are_told_with_their_reasons() -> None:
    aside = {("failed", "expired"): 9, ("suppressed", "unsubscribed"): 1, ("skipped", "left"): 1}
    done = Ticked(said=(), delivery=Delivery(sent=7, failed=9, suppressed=2), aside=aside)
    assert done.sentence() == "7 sent, 9 failed (expired, never accepted), 1 suppressed (unsubscribed), 1 skipped (left)."
    unknown = Ticked(said=(), delivery=Delivery(sent=7, failed=9, suppressed=2), aside={})
    assert unknown.sentence() == "7 sent, 9 failed, 2 suppressed or skipped.", "another run took part"
    several = Ticked(said=(), delivery=Delivery(failed=3), aside={("failed", "expired"): 1, ("failed", "policy"): 2})
    assert several.sentence() == "3 failed (1 expired, never accepted; 2 policy)."


def test_what_a_hold_tells_is_not_told_twice() -> None:
    reason = "breaker: the relay refuses our sender: 550 who are you"
    hold = Hold(what="paused", subject="2026-W48", count=3, reason=reason, by="breaker", said="2026-W48 is paused.")
    done = Ticked(said=("2026-W48 is planned.",), delivery=Delivery(sent=1, transport_error=reason), holds=(hold,))
    assert (done.sentence(), done.needs_somebody) == ("2026-W48 is planned.\n1 sent.\n2026-W48 is paused.", True)
    assert delivered(done.delivery).endswith("The edition is paused; go on with `digest edition resume`, once that is cured.")


def test_notices_that_went_out_are_told() -> None:
    assert Ticked(said=(), delivery=Delivery(notices=1)).sentence() == "1 notice sent."
    assert Ticked(said=(), delivery=Delivery(sent=3, notices=2)).sentence() == "3 sent, 2 notices sent."


def test_nothing_to_do_is_said_as_that() -> None:
    assert Ticked(said=(), delivery=Delivery()).sentence() == "Nothing was due."
    assert "Another run" in Ticked(said=(), delivery=Delivery(already_sending=True)).sentence()
