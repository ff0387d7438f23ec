"""Short links, salts and suppressions in both databases."""

from __future__ import annotations

from datetime import timedelta
from itertools import count, islice

import pytest
from sqlalchemy import Engine, select

from digest.db import links, short_links, suppressions
from digest.db.schema import day_salt, short_link
from digest.db.session import read, write
from digest.domain.slug import slug, slugs_of
from digest.domain.suppression import SuppressionReason, address_hash
from digest.errors import StorageError
from tests.conftest import NOW
from tests.linked import Linked


def want(network: str = "x", owner: str = "employee:1") -> short_links.Want:
    return short_links.Want(owner=owner, edition=1, post="cold-room", network=network)


def test_a_short_link_is_made_once_however_often_it_is_asked_for(engine: Engine) -> None:
    draws = count(1)
    wants = [want(), want("linkedin"), want()]
    made = []
    for _ in range(2):
        with write(engine) as connection:
            made.append(short_links.mint(connection, wants, lambda size: (next(draws) << 8).to_bytes(size, "big"), NOW))
    assert made[0] == made[1]
    assert len(set(made[0].values())) == 2


def test_a_slug_that_exists_is_drawn_again_and_never_overwritten(engine: Engine) -> None:
    draws = iter([b"\x01" * 8, b"\x01" * 8, b"\x02" * 8])
    with write(engine) as connection:
        first = short_links.mint(connection, [want()], lambda _: next(draws), NOW)
        second = short_links.mint(connection, [want(owner="employee:2")], lambda _: next(draws), NOW)
    assert list(first.values()) == [slug(b"\x01" * 8)]
    assert list(second.values()) == [slug(b"\x02" * 8)]


def test_a_made_slug_that_another_has_gives_way_to_the_next(engine: Engine) -> None:
    secret = b"s" * 32
    first, second = islice(slugs_of(secret, "employee:1", "cold-room", "x"), 2)
    row = {"slug": first, "owner": "erased:f00", "edition_id": 1, "post_id": "cold-room", "network": "x", "created_at": NOW}
    with write(engine) as connection:
        assert short_links.made_of(connection, [want()], secret) == {want().key: first}
        short_links.put(connection, [row, {**row, "slug": second}])  # the second is there by what it is for
        short_links.put(connection, [{**row, "owner": "employee:2"}])  # by its slug
        assert short_links.made_of(connection, [want(), want("linkedin")], secret)[want().key] == second
        assert connection.execute(select(short_link.c.slug, short_link.c.owner)).all() == [(first, "erased:f00")]


def test_a_broken_random_source_is_an_error_and_no_endless_loop(engine: Engine) -> None:
    with pytest.raises(StorageError, match="no free slug"), write(engine) as connection:
        short_links.mint(connection, [want(), want("linkedin")], lambda size: b"\x07" * size, NOW)


def test_a_salt_is_made_once_a_day_and_destroyed_after_two(engine: Engine) -> None:
    draws = count(1)

    def random(size: int) -> bytes:
        return bytes([next(draws)]) * size

    with write(engine) as connection:
        assert links.ensure_salt(connection, NOW, random) == links.ensure_salt(connection, NOW, random)
        links.ensure_salt(connection, NOW + timedelta(days=2), random)
    with write(engine) as connection:
        links.ensure_salt(connection, NOW + timedelta(days=3), random)
        days = list(connection.execute(select(day_salt.c.day).order_by(day_salt.c.day)).scalars())
    assert days == ["2026-11-26", "2026-11-27"]


def test_a_replayed_event_changes_nothing(engine: Engine) -> None:
    linked = Linked(engine)
    with linked.client() as web:
        web.get("/r/" + _token() + "/01")
    [row] = linked.clicks()
    with write(engine) as connection:
        links.put_events(connection, [{name: value for name, value in row.items() if name != "id"} | {"n": 2}], [])
    assert linked.clicks() == [row]


def _token() -> str:
    from tests.linked import ANA

    return ANA


def test_a_suppression_holds_until_its_day_or_until_it_is_lifted(engine: Engine) -> None:
    with write(engine) as connection:
        assert suppressions.suppress(connection, "Ana@Example.com", SuppressionReason.MANUAL, NOW)
        assert not suppressions.suppress(connection, "ana@example.com", SuppressionReason.MANUAL, NOW)
        suppressions.suppress(connection, "ben@example.com", SuppressionReason.HARD_BOUNCE, NOW, until=NOW + timedelta(days=1))
    people = ["ana@example.com", "ben@example.com", "cy@example.com"]
    with read(engine) as connection:
        assert suppressions.reasons(connection, people, NOW) == {"ana@example.com": "manual", "ben@example.com": "hard_bounce"}
        assert suppressions.reasons(connection, people, NOW + timedelta(days=2)) == {"ana@example.com": "manual"}
        assert set(suppressions.hashes(connection, NOW)) == {address_hash("ana@example.com"), address_hash("ben@example.com")}
    with write(engine) as connection:
        assert suppressions.lift(connection, "ANA@example.com", SuppressionReason.UNSUBSCRIBED, NOW) == 0
        assert suppressions.lift(connection, "ANA@example.com", None, NOW) == 1
        assert suppressions.reasons(connection, people, NOW + timedelta(days=2)) == {}
