"""Limits in the database: restarts, clocks, several hosts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select, update

from digest.db import buckets
from digest.db.schema import bucket
from digest.db.session import open_database, read, write
from digest.domain.throttle import Limit, Per
from tests.conftest import NOW

TEN_A_SECOND = (Limit(per=Per.MINUTE, most=600),)
HOUR = timedelta(hours=1)


def grant(engine: Engine, wanted: int, *, after: timedelta = timedelta(0)) -> int:
    """How many of `wanted` may go `after` NOW; they are taken."""
    with write(engine) as connection:
        allowed = buckets.allowance(connection, "smtp", TEN_A_SECOND, wanted, NOW + after)
        buckets.take(connection, "smtp", TEN_A_SECOND, allowed.room, NOW + after)
    return allowed.room


def age(engine: Engine, by: timedelta) -> None:
    """As if the bucket had been filled so much earlier."""
    with write(engine) as connection:
        filled = connection.execute(select(bucket.c.filled_at)).scalar_one()
        connection.execute(update(bucket).values(filled_at=filled - by))


def test_a_bucket_is_remembered_and_fills_with_time(engine: Engine) -> None:
    assert grant(engine, 100) == 30
    assert grant(engine, 100) <= 1
    age(engine, timedelta(seconds=1))
    assert 9 <= grant(engine, 100) <= 11
    age(engine, HOUR)
    assert grant(engine, 100) == 30


def test_two_hosts_whose_clocks_differ_share_one_limit(engine: Engine) -> None:
    granted = 0
    for step in range(50):  # five seconds by each of their clocks; by the database's own even less
        for skew in (5, 0):
            granted += grant(engine, 10, after=timedelta(seconds=0.1 * step + skew))
    assert 30 <= granted <= 30 + 5 * 10


def test_a_clock_that_was_ahead_for_one_run_blocks_nothing(engine: Engine) -> None:
    grant(engine, 100)
    age(engine, -HOUR)
    with write(engine) as connection:
        connection.execute(update(bucket).values(tokens=0.0))
    assert grant(engine, 100) <= 1
    age(engine, timedelta(seconds=2))
    assert grant(engine, 15) == 15


def test_a_clock_set_right_is_remembered_though_nothing_may_go(sqlite_url: str) -> None:
    engine = open_database(sqlite_url)
    assert grant(engine, 100, after=HOUR) == 30
    assert grant(engine, 100) == 0
    with read(engine) as connection:
        assert connection.execute(select(bucket.c.filled_at)).scalar_one() == NOW
    assert grant(engine, 100, after=timedelta(seconds=1)) == 9
    engine.dispose()


def test_on_postgres_the_databases_clock_counts_and_no_hosts(postgres_url: str) -> None:
    engine = open_database(postgres_url)
    assert grant(engine, 100, after=timedelta(days=400)) == 30
    assert grant(engine, 100, after=timedelta(days=800)) <= 1
    with read(engine) as connection:
        filled = connection.execute(select(bucket.c.filled_at)).scalar_one()
    assert abs(datetime.now(UTC) - filled) < timedelta(minutes=1)
    engine.dispose()
