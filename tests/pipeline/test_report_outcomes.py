"""The report's promises about sharing: evidence by its names, the brand beside employees, leads beside visits, and nobody by name."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from digest.cli.report import _csv
from digest.cli.tables import report_table
from digest.config import Config
from digest.domain.outcome import Channel, Grade
from digest.domain.visitor import VisitorClass
from digest.pipeline import report_forms
from digest.pipeline.brand import brand_links
from digest.pipeline.report import Report, Rungs, report
from tests.linked import ANA, SITE, Linked, share_link
from tests.reached import crowd, follow, slug
from tests.signed import OPEN, lead, post

CONFIG = Config.model_validate({"site": {"timezone": "Asia/Kolkata", "url": SITE}})
ROBOT = {"user-agent": "LinkedInBot/1.0"}


@pytest.fixture
def linked(engine: Engine) -> Linked:
    return Linked(engine)


@pytest.fixture
def web(linked: Linked) -> Iterator[TestClient]:
    with linked.client(**OPEN, trusted_proxies=("192.0.2.7",)) as client:
        yield client


def rung(found: Report, network: str = "linkedin", channel: Channel = Channel.EMPLOYEE) -> Rungs:
    return next(one for one in found.rungs if (one.post, one.network, one.channel) == ("cold-room", network, channel))


def brand(linked: Linked) -> dict[str, str]:
    """Network -> slug of the brand's link to the cold room."""
    found = brand_links(linked.engine, CONFIG, None, now=linked.now, random=os.urandom)
    return {one.network: one.link.rpartition("/")[2] for one in found.links if one.post == "cold-room"}


def test_the_evidence_of_five_people_is_shown_and_of_four_is_not(linked: Linked, web: TestClient) -> None:
    for place, token in enumerate(crowd(linked, 5)):
        one = slug(linked, web, token)
        follow(web, one, place, **ROBOT)
        follow(web, one, place + 20)
        found = rung(report(linked.engine, CONFIG))
        shown = "5" if place == 4 else "fewer than 5"
        assert [str(figure) for figure in (found.intent_opened, found.preview_fetched, found.first_visit)] == [shown] * 3
        assert str(found.visits) == str(place + 1)
        assert found.first_visit_at is None


def test_a_network_with_few_shares_is_not_told_by_the_one_beside_it(linked: Linked, web: TestClient) -> None:
    tokens = crowd(linked, 7)
    for token in tokens:
        slug(linked, web, token)
    for token in tokens[:2]:
        slug(linked, web, token, "2")
    found = report(linked.engine, CONFIG)
    assert [str(found.posts[0].shares_opened), *(str(rung(found, name).intent_opened) for name in ("linkedin", "x"))] == [
        "9",
        "not shown",
        "fewer than 5",
    ]


def test_links_that_only_a_machine_made_are_not_evidence(linked: Linked, web: TestClient) -> None:
    for letter in "123":
        web.get(share_link(ANA, 1, letter), headers={"user-agent": "curl/8"})
    assert len(linked.short_links()) == 3
    assert report(linked.engine, CONFIG).rungs == ()


def test_the_brand_s_posts_stand_beside_those_of_employees_per_visit_and_per_outcome(linked: Linked, web: TestClient) -> None:
    mine, theirs = slug(linked, web), brand(linked)["linkedin"]
    ids = [follow(web, mine, host).headers["location"].partition("ac_id=")[2][:16] for host in (1, 2, 3)]
    ids += [follow(web, theirs, host).headers["location"].partition("ac_id=")[2][:16] for host in (4, 5)]
    follow(web, theirs, 6, **ROBOT)
    for place, click_id in enumerate((ids[0], ids[3])):
        post(web, lead(click_id, key=f"k{place}", external_id=f"L-{place}"))
    found = report(linked.engine, CONFIG)
    assert (str(found.posts[0].visits), str(found.posts[0].brand_visits)) == ("3", "2")
    ours, brands = found.sides[Channel.EMPLOYEE], found.sides[Channel.BRAND]
    assert (str(ours.visits), ours.visits_per_outcome, str(brands.visits), brands.visits_per_outcome) == ("3", 3.0, "2", 2.0)
    assert ours.outcomes == brands.outcomes == {"lead": {Grade.A: 1, Grade.B: 0, Grade.C: 0}}
    one = rung(found, channel=Channel.BRAND)
    assert (one.intent_opened, str(one.preview_fetched), str(one.first_visit), str(one.visits)) == (None, "1", "1", "2")
    assert one.first_visit_at == linked.now
    assert one.outcomes == brands.outcomes


def test_the_brand_s_links_are_made_once_and_only_for_public_posts(linked: Linked) -> None:
    first = brand_links(linked.engine, CONFIG, None, now=linked.now, random=os.urandom)
    again = brand_links(linked.engine, CONFIG, None, now=linked.wait(days=1), random=os.urandom)
    assert first == again
    assert {one.post for one in first.links} == {"cold-room", "batteries", "spare"}
    assert len({one.link for one in first.links}) == len(first.links) == len(linked.short_links())
    assert {row["owner"] for row in linked.short_links()} == {"brand"}
    linked.change("post", {"id": "batteries"}, recalled="A number in it was wrong.")
    linked.change("post", {"id": "spare"}, visibility="internal")
    later = brand_links(linked.engine, CONFIG, None, now=linked.now, random=os.urandom)
    assert later.without == {"batteries": "its links are paused", "spare": "it is internal now"}
    assert {one.post for one in later.links} == {"cold-room"}


@pytest.mark.parametrize(
    ("tables", "link"),
    [
        (
            {"sharing": {"link": "canonical"}},
            "https://example.com/blog/batteries?utm_source=x&utm_medium=social&utm_campaign=2026-w48&utm_content=batteries",
        ),
        ({"tracking": {"mode": "off"}}, "https://example.com/blog/batteries"),
    ],
)
def test_without_short_links_the_brand_posts_the_article_s_address(linked: Linked, tables: dict[str, dict[str, str]], link: str) -> None:
    found = brand_links(linked.engine, Config.model_validate(tables), None, now=linked.now, random=os.urandom)
    assert [one.link for one in found.links if (one.post, one.network) == ("batteries", "x")] == [link]
    assert linked.short_links() == []


def test_a_lead_stands_beside_the_visit_that_led_to_it_and_names_nobody(linked: Linked, web: TestClient) -> None:
    click_id = follow(web, slug(linked, web), 1, referer="https://lnkd.in/x").headers["location"].partition("ac_id=")[2][:16]
    post(web, lead(click_id))
    found = report(linked.engine, CONFIG)
    data = json.loads(json.dumps(report_forms.as_data(found)))
    [one] = data["outcomes"]["each"]
    assert one["visit"] == {"at": "2026-11-24T10:00:00Z", "class": "human", "country": "", "referrer": "lnkd.in"}
    assert data["outcomes"]["by_event"]["lead"]["A"] == {"count": 1, "values": {"EUR": "1200.50"}}
    text = report_table(found)
    assert "human 2026-11-24 10:00" in text
    assert "1,200.50 EUR" in text
    for name in ("Intent opened", "Preview fetched", "First visit"):
        assert name in text
    assert "employee:" not in json.dumps(data) + text
    assert "@example.com" not in json.dumps(data) + text


def test_no_figure_adds_clicks_to_visits_and_no_money_is_made_of_them(linked: Linked, web: TestClient) -> None:
    follow(web, slug(linked, web), 1)
    found = report(linked.engine, CONFIG)
    said = (report_table(found) + json.dumps(report_forms.as_data(found))).lower()
    assert all(word not in said for word in ("emv", "media value", "eur", "usd", "$", "€"))
    assert (found.click_classes, found.visit_classes[VisitorClass.HUMAN]) == (None, 1)


def test_visits_are_told_by_country_and_by_the_hour_of_the_site(linked: Linked, web: TestClient) -> None:
    made = slug(linked, web)
    follow(web, made, 1)
    linked.change("visit", {}, country="PT")
    linked.wait(hours=9)
    follow(web, made, 2)
    found = report(linked.engine, CONFIG)
    assert {country: str(figure) for country, figure in found.countries.items()} == {"": "1", "PT": "1"}
    assert {hour: str(figure) for hour, figure in found.hours.items()} == {0: "1", 15: "1"}  # 19:00 and 10:00 UTC in Kolkata
    assert "Visits by hour (Asia/Kolkata): 00 1, 15 1." in report_table(found)


def test_visits_by_few_of_us_are_hidden(linked: Linked, web: TestClient) -> None:
    made = slug(linked, web)
    web.get(f"/l/{made}", headers={"x-forwarded-for": "203.0.113.1"})  # by the browser that has just made it
    found = report(linked.engine, CONFIG)
    assert str(found.posts[0].visits) == "0"
    assert "visits by the owners of the links themselves fewer than 5, by colleagues 0" in report_table(found)


def test_a_spreadsheet_is_given_no_formula_and_no_hidden_figure(linked: Linked, web: TestClient) -> None:
    click_id = follow(web, slug(linked, web), 1).headers["location"].partition("ac_id=")[2][:16]
    post(web, lead(click_id, external_id='=HYPERLINK("http://evil.test")'))
    found = report(linked.engine, CONFIG)
    for table in report_forms.TABLES:
        rows = list(csv.reader(io.StringIO(_csv(report_forms.rows(found, table)))))
        assert len({len(row) for row in rows}) == 1, table
        assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row), table
    [line] = report_forms.rows(found, "evidence")[1:]
    assert line == ["2026-W48", "cold-room", "linkedin", "employee", "", "", "0", "0", "", "", "1", "1"]
