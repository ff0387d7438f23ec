"""Guessing costs the guesser and nobody else: misses are counted for each source, and links still work."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, insert
from starlette.testclient import TestClient

from digest.db.schema import short_link, token
from digest.db.session import write
from digest.domain.link import number
from digest.domain.slug import slug
from digest.domain.visitor import VisitorClass, classify
from digest.web.known import Filter, Known
from digest.web.misses import Misses
from tests.asgi import Answered, Client
from tests.asgi import Asked as Request
from tests.away import wait_for
from tests.conftest import NOW
from tests.linked import ANA, BEN, PERSON, Linked, a_token, read_link, share_link

GUESSES = 10_000


class Asked:
    """How often the database was asked: whoever asks takes a connection out of the pool first."""

    def __init__(self, linked: Linked) -> None:
        self.times = 0
        event.listen(linked.engine, "checkout", self._note)

    def _note(self, *_parts: Any) -> None:
        self.times += 1


@pytest.fixture
def asked(linked: Linked) -> Asked:
    return Asked(linked)


def guess(web: TestClient, count: int, *, start: int = 1000, forwarded: str = "") -> set[int]:
    """Well-formed tokens that nobody has, one after the other."""
    headers = {**PERSON, **({"x-forwarded-for": forwarded} if forwarded else {})}
    return {web.get(f"/r/{a_token(start + n)}/01", headers=headers).status_code for n in range(count)}


def test_guesses_beyond_a_dozen_a_minute_cost_no_look_up_and_links_still_work(linked: Linked, asked: Asked) -> None:
    """A3: 10,000 guesses from one source; links of colleagues behind the same address go on, those that were never pressed too."""
    with Client(linked) as web:

        def press(path: str) -> Answered:
            return web(Request(path=path))

        assert {press(f"/r/{a_token(1000 + n)}/01").status for n in range(30)} == {404}
        time.sleep(0.5)
        before = asked.times
        assert before >= 13
        assert {press(f"/r/{a_token(2000 + n)}/01").status for n in range(GUESSES)} == {404}
        spent = asked.times - before
        assert spent < GUESSES / 50, f"{spent} look-ups: one guess in some hundred passes the filter, and new links are looked for"
        assert press(read_link(BEN, 1)).status == 302
        assert press(share_link(ANA, 1, "2")).status == 302
        made = linked.short_links()[0]["slug"]
        assert press(f"/l/{made}").status == 302, "what this server made it knows"


def test_an_unknown_link_looks_the_same_before_and_after_the_limit(web: TestClient) -> None:
    """A3 with A1: no answer says whether a source is limited."""
    answers = [web.get(f"/r/{a_token(5000 + n)}/01") for n in range(60)]
    assert len({(answer.status_code, answer.content, tuple(sorted(answer.headers.items()))) for answer in answers}) == 1


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip"])
def test_a_fresh_claimed_address_for_each_guess_helps_nobody(linked: Linked, web: TestClient, header: str) -> None:
    """A4: the peer is the source, whatever it says of itself."""
    asked = Asked(linked)
    for n in range(60):
        web.get(f"/r/{a_token(7000 + n)}/01", headers={**PERSON, header: f"198.51.100.{n}"})
    time.sleep(0.2)
    before = asked.times
    for n in range(500):
        web.get(f"/r/{a_token(8000 + n)}/01", headers={**PERSON, header: f"198.51.{n % 200}.{n % 250}"})
    assert asked.times - before < 30


def test_behind_a_trusted_proxy_each_client_is_a_source_of_its_own(linked: Linked) -> None:
    """A4: the limit of one client is not the limit of the others."""
    with linked.client(address="10.0.0.1", trusted_proxies=("10.0.0.0/8",)) as web:
        guess(web, 40, forwarded="198.51.100.9")
        time.sleep(0.2)
        asked = Asked(linked)
        guess(web, 10, start=60_000, forwarded="203.0.113.4")
        assert asked.times >= 10


def test_a_link_that_another_server_made_is_found_within_seconds(linked: Linked, web: TestClient) -> None:
    """A3: the source is over its limit, the link is new, and nobody told this server."""
    guess(web, 40)
    time.sleep(0.2)
    made = slug(b"\x00abcdefg")
    with write(linked.engine) as connection:
        row = {"owner": "group:everyone", "edition_id": linked.edition, "post_id": "cold-room", "network": "x", "created_at": linked.now}
        connection.execute(insert(short_link).values(slug=made, **row))
    wait_for(lambda: web.get(f"/l/{made}").status_code == 302, 25)


class Ticking:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_the_limit_is_twelve_a_minute_and_ends_by_itself() -> None:
    """A3: one more every five seconds, and after a minute all of them."""
    clock = Ticking()
    misses = Misses(monotonic=clock)
    for _ in range(12):
        assert not misses.over("192.0.2.1")
        misses.note("192.0.2.1")
    assert misses.over("192.0.2.1")
    assert not misses.over("192.0.2.2")
    clock.at += 5.01
    assert not misses.over("192.0.2.1")
    misses.note("192.0.2.1")
    assert misses.over("192.0.2.1")
    clock.at += 60
    assert not misses.over("192.0.2.1")


@pytest.mark.parametrize("jump", [-3600.0, -1e9, 3600.0, 1e9])
def test_a_clock_that_jumps_locks_nobody_out(jump: float) -> None:
    """I10: back by an hour or on by a year, the limit ends a minute later."""
    clock = Ticking()
    misses = Misses(monotonic=clock)
    for _ in range(50):
        misses.note("192.0.2.1")
    clock.at += jump
    if misses.over("192.0.2.1"):
        misses.note("192.0.2.1")
        clock.at += 66
    assert not misses.over("192.0.2.1")


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(-100, 100)), max_size=200))
def test_whatever_the_clock_does_a_source_is_free_two_minutes_later(steps: list[tuple[int, float]]) -> None:
    """I10: for every order of misses and jumps."""
    clock = Ticking()
    misses = Misses(monotonic=clock)
    for source, jump in steps:
        clock.at += jump
        misses.note(f"192.0.2.{source}")
    clock.at += 120 + 100 * len(steps)
    assert not any(misses.over(f"192.0.2.{source}") for source in range(6))


def test_the_table_of_sources_stays_small() -> None:
    """I7: a million addresses, ten thousand rows."""
    misses = Misses(most=1000)
    for n in range(20_000):
        misses.note(f"2001:db8:{n % 65536:x}:{n // 65536:x}::1")
    assert len(misses) == 1000


def test_one_home_is_one_source_in_ipv6_and_no_address_is_kept() -> None:
    """A3: nobody has only one address of IPv6."""
    misses = Misses()
    for n in range(12):
        misses.note(f"2001:db8:1:2::{n:x}")
    assert misses.over("2001:db8:1:2:ffff::1")
    assert not misses.over("2001:db8:1:3::1")
    assert "2001" not in repr(misses.__dict__)


@given(st.sets(st.text(min_size=1, max_size=20), max_size=300))
def test_the_filter_denies_no_name_that_was_put_in(names: set[str]) -> None:
    found = Filter(len(names))
    for name in names:
        found.add(name)
    assert all(name in found for name in names)


def test_the_filter_lets_few_others_through_and_is_small() -> None:
    """I7: memory is bounded, guesses are denied."""
    found = Filter(50_000)
    for n in range(50_000):
        found.add(f"link {n}")
    assert sum(f"guess {n}" in found for n in range(20_000)) < 200
    assert len(found._octets) <= 200_000
    assert len(Filter(10**12)._octets) == 2**25


def test_while_the_database_is_away_nobody_is_denied(linked: Linked) -> None:
    known = Known(linked.engine, lambda: NOW)
    thread = known.look()
    assert thread is not None
    thread.join()
    assert (known.may_be(ANA), known.may_be("nothing")) == (True, False)
    clock = Ticking()
    gone = Known(linked.engine, lambda: NOW, clock)
    with write(linked.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE token RENAME TO token_gone")
    looking = gone.look()
    assert looking is not None
    looking.join()
    assert gone.may_be("nothing")
    gone.stop()


def test_a_link_from_before_a_look_is_known_even_when_clocks_differ(linked: Linked) -> None:
    known = Known(linked.engine, lambda: NOW)
    first = known.look()
    assert first is not None
    first.join()
    late = a_token(77)
    with write(linked.engine) as connection:
        made = {"edition_id": linked.edition, "numbers": None, "created_at": NOW - timedelta(minutes=3), "expires_at": NOW + timedelta(days=9)}
        connection.execute(insert(token).values(token=late, **made))
    again = known.look()
    assert again is not None
    again.join()
    assert known.may_be(late)


def test_damaged_links_are_counted_apart_and_blame_nobody(linked: Linked) -> None:
    """A9: a gateway that cuts URLs must not be taken for a guesser."""
    with linked.client(metrics=("192.0.2.7",)) as web:
        for path in (f"/r/{ANA[:9]}", f"/s/{ANA}/0", "/l/short", f"/s/{ANA[:-3]}/010"):
            assert web.get(path).status_code == 404
        web.get(f"/r/{a_token(500)}/01")
        told = web.get("/metrics").text
    assert 'digest_misses_total{kind="damaged"} 4' in told
    assert 'digest_misses_total{kind="unknown"} 1' in told
    assert "digest_miss_sources 1" in told


def test_a_million_names_of_browsers_fill_no_memory_and_a_hostile_one_takes_no_time() -> None:
    """I8: the memo is bounded; 8 kB against every rule takes less than five milliseconds."""
    from digest.domain import visitor

    for n in range(20_000):
        classify({"method": "GET", "ua": f"Mozilla/5.0 Chrome/{n}.0 {n}"}, NOW)
    memo = visitor._agent.cache_info()
    assert memo.maxsize is not None
    assert memo.currsize <= memo.maxsize <= 10_000
    for hostile in ("bot" * 2700, "a" * 8192, "Chrome/" * 1100, "(" * 8192, "mozilla/5.0 " * 680, "\u202e" * 2700):
        began = time.thread_time()
        verdict = classify({"method": "GET", "ua": hostile}, NOW)
        assert time.thread_time() - began < 0.005, hostile[:20]
        assert verdict.visitor in VisitorClass


def test_no_number_of_the_other_edition_opens_a_post(linked: Linked, web: TestClient) -> None:
    """A5: a guess at the number of a valid token is a miss too."""
    for n in range(6, 20):
        assert web.get(f"/r/{ANA}/{number(n)}").status_code == 404
    assert web.get(read_link(ANA, 1)).status_code == 302
    assert len(linked.clicks()) == 1
