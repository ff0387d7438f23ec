"""What was last wrong with a relay: kept while it stays wrong, and never in the way of a rest."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from digest.db import relays, routes
from digest.db.relays import Trouble
from digest.db.session import read, write
from tests.conftest import NOW

HOUR = timedelta(hours=1)


def troubles(engine: Engine, after: timedelta = timedelta(0)) -> dict[str, Trouble]:
    with read(engine) as connection:
        return relays.troubles(connection, NOW + after)


def test_the_last_trouble_and_its_moment_are_kept_until_the_relay_is_there_again(engine: Engine) -> None:
    with write(engine) as connection:
        relays.note_trouble(connection, "smtp", "refused the connection", NOW)
        relays.note_trouble(connection, "smtp", "the name is not known", NOW + HOUR)
    assert troubles(engine) == {"smtp": Trouble(name="smtp", reason="the name is not known", at=NOW + HOUR)}
    with write(engine) as connection:
        assert relays.clear(connection, "smtp")
        assert not relays.clear(connection, "smtp")
    assert troubles(engine) == {}


def test_a_rest_keeps_its_own_reason_while_it_lasts(engine: Engine) -> None:
    with write(engine) as connection:
        routes.rest(connection, "smtp", NOW + HOUR, "the login is refused")
        relays.note_trouble(connection, "smtp", "refused the connection", NOW)
        assert not relays.clear(connection, "smtp")
        assert routes.rests(connection, NOW) == {"smtp": "the login is refused"}
    assert troubles(engine) == {"smtp": Trouble(name="smtp", reason="the login is refused", until=NOW + HOUR)}
    assert troubles(engine, 2 * HOUR) == {}, "a rest that is over says nothing about now"
    with write(engine) as connection:
        relays.note_trouble(connection, "smtp", "refused the connection", NOW + 2 * HOUR)
        assert routes.rests(connection, NOW + 2 * HOUR) == {}, "trouble is no rest"
    assert troubles(engine, 2 * HOUR)["smtp"].at == NOW + 2 * HOUR


def test_long_words_are_cut_to_fit(engine: Engine) -> None:
    with write(engine) as connection:
        relays.note_trouble(connection, "smtp", "x" * 400, NOW)
    assert troubles(engine)["smtp"].reason.startswith("x" * 200)
