"""Reach: each visitor once a day and link, our own people apart, previews only by a network's own robot, sums added."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, insert
from starlette.testclient import TestClient

from digest.db import figures
from digest.db.reach import Reach, reach
from digest.db.schema import day_count
from digest.db.session import read, write
from digest.domain.visitor import Audience
from tests.linked import ANA, BEN, GROUP, Linked, share_link
from tests.reached import follow, slug

HOUR = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
LINKEDIN = ("cold-room", "linkedin", "employee")


@pytest.fixture
def linked(engine: Engine) -> Linked:
    return Linked(engine)


@pytest.fixture
def web(linked: Linked) -> Iterator[TestClient]:
    with linked.client(trusted_proxies=("192.0.2.7",)) as client:
        yield client


def found(linked: Linked) -> Reach:
    with read(linked.engine) as connection:
        return reach(connection, linked.edition)


def test_a_visitor_counts_once_a_day_and_as_a_person_if_any_visit_does(linked: Linked, web: TestClient) -> None:
    made = slug(linked, web)
    for host in (1, 1, 2):
        follow(web, made, host)
    follow(web, made, 3, **{"user-agent": "Mozilla/5.0 Chrome/57.0.1"})
    visits = linked.visits()
    linked.change("visit", {"id": visits[1]["id"]}, **{"class": "probable"})
    one = found(linked)
    assert (one.visits[LINKEDIN].low, one.visits[LINKEDIN].high) == (2, 3)
    assert {hour: (pair.low, pair.high) for hour, pair in one.hours.items()} == {HOUR: (2, 3)}
    assert (one.countries[""].low, one.countries[""].high) == (2, 3)
    assert dict(one.classes) == {"human": 2, "probable": 2}


def test_owners_and_colleagues_are_no_reach_and_stand_apart(linked: Linked, web: TestClient) -> None:
    made = slug(linked, web)
    for host in (1, 2, 3):
        follow(web, made, host)
    for place, why in enumerate((["own"], ["colleague", "old_ua"])):
        linked.change("visit", {"id": linked.visits()[place]["id"]}, **{"class": "probable", "reasons": why})
    one = found(linked)
    assert (one.visits[LINKEDIN].low, one.visits[LINKEDIN].high) == (1, 1)
    assert one.insiders == {Audience.OWN: 1, Audience.COLLEAGUE: 1}
    assert dict(one.classes) == {"human": 1}
    assert one.links[made].visited_at == linked.visits()[2]["at"]


def test_a_preview_counts_for_the_link_s_own_network_only(linked: Linked, web: TestClient) -> None:
    made = slug(linked, web)
    follow(web, made, 1, **{"user-agent": "Twitterbot/1.0"})
    assert found(linked).links[made].previewed is False
    follow(web, made, 1, **{"user-agent": "LinkedInBot/1.0"})
    one = found(linked)
    assert one.links[made].previewed is True
    assert one.links[made].perhaps_at is None
    assert one.visits == {}
    assert dict(one.classes) == {"preview": 2}


def test_countries_and_the_brand_are_told_apart(linked: Linked, web: TestClient) -> None:
    made, other = slug(linked, web), slug(linked, web, BEN)
    linked.change("short_link", {"slug": other}, owner="brand")
    follow(web, made, 1)
    follow(web, other, 1)
    linked.change("visit", {"slug": other}, country="PT")
    one = found(linked)
    assert {key: pair.low for key, pair in one.visits.items()} == {LINKEDIN: 1, ("cold-room", "linkedin", "brand"): 1}
    assert {country: pair.low for country, pair in one.countries.items()} == {"": 1, "PT": 1}


def test_what_is_kept_no_longer_still_counts(linked: Linked, web: TestClient) -> None:
    follow(web, slug(linked, web), 1)
    what = {"day": "2026-11-24", "edition_id": linked.edition, "post_id": "cold-room", "channel": "employee", "country": "DE"}
    with write(linked.engine) as connection:
        for kind, network, verdict, events, counted in (
            ("visit", "linkedin", "human", 9, 7),
            ("visit", "linkedin", "machine", 5, 0),
            ("visit", "x", "probable", 2, 2),
            ("read", "", "human", 4, 3),
            ("share", "linkedin", "probable", 4, 1),
            ("read", "", "machine", 6, 0),
        ):
            connection.execute(insert(day_count).values(**what, kind=kind, network=network, events=events, counted=counted, **{"class": verdict}))
    one = found(linked)
    assert (one.visits[LINKEDIN].low, one.visits[LINKEDIN].high) == (8, 8)
    assert (one.visits["cold-room", "x", "employee"].low, one.visits["cold-room", "x", "employee"].high) == (0, 2)
    assert (one.countries["DE"].low, one.hours[None].high) == (7, 9)
    assert dict(one.classes) == {"human": 10, "machine": 5, "probable": 2}
    with read(linked.engine) as connection:
        clicks = figures.clicks(connection, linked.edition)
        assert clicks["cold-room", "read", ""] == (3, 3)
        assert clicks["cold-room", "share", "linkedin"] == (1, 2)
        assert figures.classes(connection, linked.edition) == {"human": 5, "machine": 6, "probable": 4}


def test_behind_one_token_for_a_whole_group_each_browser_counts(linked: Linked) -> None:
    with linked.client(tracking="aggregate", trusted_proxies=("192.0.2.7",)) as web:
        for host in (1, 2, 2):
            web.get(share_link(GROUP, 1, "2"), headers={"x-forwarded-for": f"203.0.113.{host}"})
        web.get(share_link(ANA, 1, "2"), headers={"x-forwarded-for": "203.0.113.3"})
    with read(linked.engine) as connection:
        assert figures.clicks(connection, linked.edition)["cold-room", "share", "x"] == (3, 3)
