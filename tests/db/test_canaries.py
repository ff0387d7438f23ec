"""How a canary fared, read from the outbox."""

from __future__ import annotations

from sqlalchemy import Engine, update

from digest.db import canaries
from digest.db.schema import message
from digest.db.session import read, write
from digest.domain.canary import Look, verdict
from tests.letters import editions, messages, put_edition


def fared(engine: Engine, *ends: tuple[str, str]) -> Look:
    """An edition of ten, of which the first ended so: (state, reason)."""
    found = put_edition(engine, 10, state="sending")
    with write(engine) as connection:
        for row, (state, reason) in zip(messages(engine), ends, strict=False):
            connection.execute(update(message).where(message.c.id == row.id).values(state=state, reason=reason, attempts=1))
    with read(engine) as connection:
        return canaries.look(connection, found)


def test_a_look_tells_what_was_accepted_from_what_was_refused(engine: Engine) -> None:
    ends = [
        ("sent", ""),
        ("failed", "address"),
        ("failed", "refused"),
        ("failed", "relay_cannot"),
        ("deferred", "try_later"),
        ("in_doubt", "no_reply"),
    ]
    assert fared(engine, *ends) == Look(offered=6, accepted=1, unknown=1, failed=2, bounced=0, complained=0, in_doubt=1)


def test_a_canary_that_was_only_put_off_holds_the_rest(engine: Engine) -> None:
    assert verdict(fared(engine, *[("deferred", "try_later")] * 5)) == "canary: of the first 5 messages none was accepted"


def test_a_canary_whose_every_mailbox_is_unknown_holds_the_rest(engine: Engine) -> None:
    assert verdict(fared(engine, *[("failed", "address")] * 9, ("sent", ""))) == "canary: of the first 10 messages 9 had unknown addresses"


def test_a_canary_that_was_never_offered_can_be_sent_again(engine: Engine) -> None:
    look = fared(engine)
    assert (look.offered, verdict(look)) == (0, None)
    with write(engine) as connection:
        canaries.again(connection, editions(engine)[0].id, 3)
    assert (editions(engine)[0].canary_left, editions(engine)[0].canary_until) == (3, None)
