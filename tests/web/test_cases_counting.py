"""Scanners, looks ahead and people: what a click counts as, once all that was pressed is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import pytest
from sqlalchemy import Engine

from digest.db import figures
from digest.db.session import read
from digest.domain.visitor import RULES_VERSION, Thresholds
from tests.conftest import NOW
from tests.counting import MAC, SCANNER, classes, judge, running, widen
from tests.linked import ANA, BEN, PERSON, PHONE, Linked, read_link, share_link
from tests.traces.browsers import IN_APP, desktop
from tests.traces.company import Week
from tests.traces.mails import READ, Link, Mail, press
from tests.traces.people import Habit
from tests.traces.replay import Stage, settings_of

ARTICLE = "https://example.com/blog/cold-room?a=1&a=2#door"


@pytest.fixture
def linked(engine: Engine) -> Linked:
    return Linked(engine)


@pytest.mark.parametrize("path", [share_link(ANA, 1), share_link(ANA, 1, "2"), share_link(ANA, 1, "3"), "short link"])
def test_asking_for_the_head_alone_says_the_same_and_counts_for_nothing(linked: Linked, path: str) -> None:
    """C1: HEAD on a share link and on a short link: status and headers of GET, no click and no visit."""
    with running(linked) as web:
        path = web.slug() if path == "short link" else path
        before = len(linked.clicks()), len(linked.visits())
        head = web.get(path, method="HEAD")
        assert (len(linked.clicks()), len(linked.visits())) == before
        got = web.get(path)
    assert (head.status_code, dict(head.headers), head.content) == (got.status_code, dict(got.headers), b"")


def test_a_scan_of_every_link_within_seconds_leaves_no_human_click_though_it_began_like_a_person(linked: Linked) -> None:
    """C3: all 70 links in 8 s with a current browser's name; the first ones looked human on arrival."""
    links = widen(linked)
    with running(linked) as web:
        for path in links:
            assert web.get(path, PERSON, address="203.0.113.9").status_code in {200, 302}
            linked.wait(seconds=8 / 70)
    assert len(links) == len(linked.clicks()) == 70
    assert {row["class"] for row in linked.clicks()[:3]} == {"human"}
    assert set(classes(linked)) == {"machine"}


def test_a_slow_scan_from_several_addresses_is_known_by_its_share_of_the_links(linked: Linked) -> None:
    """C4: 70 links over 40 minutes, three addresses, two browser names."""
    links = widen(linked)
    with running(linked) as web:
        for turn, path in enumerate(links):
            web.get(path, (SCANNER, {**SCANNER, "user-agent": MAC["user-agent"]})[turn % 2], address=f"203.0.113.{turn % 3}")
            linked.wait(minutes=40 / 70)
    assert set(classes(linked)) == {"machine"}
    assert {"share_of_links"} <= {reason for row in linked.clicks() for reason in row["reasons"]}


@pytest.mark.parametrize("paths", [[read_link(ANA, n) for n in (1, 2, 3)], [read_link(ANA, 1), share_link(ANA, 1), share_link(ANA, 1, "2")]])
@pytest.mark.parametrize("headers", [PERSON, SCANNER])
def test_a_person_who_opens_three_links_at_once_counts_three_times(linked: Linked, paths: list[str], headers: dict[str, str]) -> None:
    """C5: three posts in 5 s, in a message of four links too, and in a browser that does not say that it navigates."""
    linked.change("message", {"employee_id": linked.people["ana"]}, picks=[[1, ""]] if "/s/" in paths[1] else [[1, ""], [2, ""], [3, ""]])
    with running(linked) as web:
        for path in paths:
            web.get(path, headers)
            linked.wait(seconds=2)
    assert classes(linked) == ["human"] * 3


@pytest.mark.parametrize("address", ["40.107.218.12", "20.50.60.70"])
def test_whoever_tries_a_damaged_link_and_then_the_exact_one_is_a_machine_and_is_not_shut_out(linked: Linked, address: str) -> None:
    """C6: from a filter's known network, and from a cloud that nobody lists; both requests get the article."""
    with running(linked) as web:
        answers = []
        for junk in ("%27/", "", ""):
            answers.append(web.get(read_link(ANA, 1) + junk, SCANNER, address=address))
            linked.wait(seconds=2)
    assert [(answer.status_code, answer.headers["location"]) for answer in answers] == [(302, ARTICLE)] * 3
    assert classes(linked) == ["machine"] * 3


@pytest.mark.parametrize("first", ["person", "filter"])
def test_a_filter_that_looks_while_a_person_clicks_leaves_exactly_one_human_click(linked: Linked, first: str) -> None:
    """C7: 12 s apart, another address, Windows instead of a Mac."""
    who = {"person": (MAC, "198.51.100.1"), "filter": (SCANNER, "20.50.60.70")}
    with running(linked) as web:
        for name in sorted(who, key=lambda name: name != first):
            headers, address = who[name]
            web.get(read_link(ANA, 1), headers, address=address)
            linked.wait(seconds=12)
    found = dict(zip(sorted(who, key=lambda name: name != first), classes(linked), strict=True))
    assert found == {"person": "human", "filter": "probable"}
    with read(linked.engine) as connection:
        assert figures.clicks(connection, linked.edition)["cold-room", "read", ""] == (1, 1)


def test_whoever_presses_what_no_person_sees_takes_the_presses_around_it_along(linked: Linked) -> None:
    """C8: the hit and its window are the scanner's; a person meanwhile and the scanner's answer are not touched."""
    with running(linked, honeypot=True) as web:
        web.get(read_link(ANA, 1), SCANNER, address="203.0.113.9")
        linked.wait(seconds=60)
        trap = web.get(f"/r/{ANA}/zz", SCANNER, address="203.0.113.9")
        linked.wait(seconds=60)
        web.get(read_link(ANA, 2), PERSON)
    assert (trap.status_code, trap.headers["location"]) == (302, "https://letter.example.com/robots.txt")
    assert classes(linked) == ["machine", "machine", "human"]
    assert [row["reasons"] for row in linked.clicks()] == [["honeypot"], ["honeypot"], []]


def test_without_the_setting_there_is_no_such_link(linked: Linked) -> None:
    """C8: and it never works with a token that is none."""
    with running(linked) as web:
        assert web.get(f"/r/{ANA}/zz").status_code == 404
    with running(linked, honeypot=True) as web:
        assert web.get(f"/s/{ANA}/zz0").status_code == 404
        assert web.get(f"/r/{ANA[:-1]}{'0' if ANA[-1] != '0' else '1'}/zz").status_code == 404
    assert linked.clicks() == []


@pytest.mark.parametrize("header", [{"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}, {"x-moz": "prefetch"}])
def test_a_browser_looking_ahead_is_no_click_and_the_person_s_click_after_it_is(linked: Linked, header: dict[str, str]) -> None:
    """C9: five links looked at ahead are no burst either."""
    linked.change("token", {"token": ANA}, numbers=[1, 2, 3, 5])
    with running(linked) as web:
        for n in (1, 2, 3, 5):
            web.get(read_link(ANA, n), {**PERSON, **header})
        linked.wait(seconds=3)
        web.get(read_link(ANA, 1))
    assert classes(linked) == ["machine"] * 4 + ["human"]


@pytest.mark.parametrize("agent", [pattern.replace("{v}", "155") for pattern in IN_APP])
def test_people_in_the_browsers_of_apps_are_people(linked: Linked, agent: str) -> None:
    """C11: as clicks and as visits."""
    headers = {**PERSON, "user-agent": agent}
    with running(linked) as web:
        web.get(read_link(ANA, 1), headers)
        web.get(web.slug(), headers, address="203.0.113.5")
    assert classes(linked)[0] == "human"
    assert [row["class"] for row in linked.visits()] == ["human"]


def test_the_same_click_again_from_anywhere_is_one_click_and_every_event_is_kept(linked: Linked) -> None:
    """C16: a double click, the back button, a retry by a proxy, a second device."""
    with running(linked) as web:
        for wait, headers, address in (
            (0.3, PERSON, "a"),
            (40, PERSON, "a"),
            (400, PERSON, "a"),
            (900, {**PERSON, "user-agent": PHONE}, "b"),
            (0, PERSON, "a"),
        ):
            web.get(read_link(ANA, 1), headers, address={"a": "198.51.100.1", "b": "203.0.113.8"}[address])
            linked.wait(seconds=wait)
    assert classes(linked) == ["human"] * 5
    with read(linked.engine) as connection:
        assert figures.clicks(connection, linked.edition) == {("cold-room", "read", ""): (1, 1)}


@pytest.mark.parametrize(("minutes", "verdict"), [(2, ("probable", ["network_probable"])), (180, ("human", []))])
def test_a_click_through_browser_isolation_is_a_person_s_once_the_filter_has_had_its_minutes(
    linked: Linked, minutes: int, verdict: tuple[str, list[str]]
) -> None:
    """C18: from the filter vendor's own network, where isolated browsers run too."""
    linked.now = NOW + timedelta(minutes=minutes)
    with running(linked) as web:
        web.get(read_link(ANA, 1), PERSON, address="207.211.31.7")
    judge(linked)
    assert [(row["class"], row["reasons"]) for row in linked.clicks()] == [verdict]


def test_a_whole_company_behind_one_address_is_many_people(engine: Engine) -> None:
    """C19: 500 people click within 5 minutes, from one address with the one browser that IT installs."""
    dice = Random(19)
    browser = desktop(dice, "203.0.113.1")
    mails = [Mail(number=n, at=0, posts=(1, 2, 3), inside=(), trap=False) for n in range(500)]
    events = [press(mail, 3600 + dice.uniform(0, 300), Link(post=1 + mail.number % 3, what=READ), browser, "office", human=True) for mail in mails]
    week = Week(mails=tuple(mails), events=tuple(sorted(events, key=lambda event: event.at)), habit=Habit())
    stage = Stage(engine, week, settings_of())
    stage.play(week.events)
    stage.judge()
    assert [row.verdict for row in stage.rows()] == ["human"] * 500


def test_new_rules_over_stored_events_are_certain_repeatable_and_can_be_taken_back(linked: Linked) -> None:
    """C20: the same events and thresholds give the same numbers; a second run changes nothing; raw signals stay."""
    with running(linked) as web:
        for n in (1, 2, 3):
            web.get(read_link(ANA, n))
            linked.wait(seconds=1)
        web.get(read_link(BEN, 1), SCANNER)
    first = judge(linked)
    stored = linked.clicks()
    again = judge(linked)
    assert (again.changed, again.clicks, linked.clicks()) == (0, first.clicks, stored)
    assert {row["rules_version"] for row in stored} == {RULES_VERSION}
    assert judge(linked, thresholds=Thresholds(burst=3)).clicks["machine"] == 3
    assert [row["signals"] for row in linked.clicks()] == [row["signals"] for row in stored]
    assert judge(linked).changed == 3
    assert linked.clicks() == stored


@pytest.mark.parametrize("early", [0.2, 30, 4000])
def test_a_click_before_its_message_was_sent_is_judged_by_no_clock(linked: Linked, early: float) -> None:
    """C21: clocks of two machines differ; negative ages are nobody's."""
    linked.now = NOW - timedelta(seconds=early)
    with running(linked) as web:
        web.get(read_link(ANA, 1), SCANNER)
    assert linked.clicks()[0]["signals"]["age"] == pytest.approx(-early)
    assert classes(linked) == ["human"]


def test_a_change_to_winter_time_and_a_slow_mail_server_move_no_click_to_another_edition(linked: Linked) -> None:
    """C21: ages are counted in real seconds, and a click belongs to its letter's week whenever it comes."""
    sent = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, half an hour before the clocks go back
    linked.change("message", {"employee_id": linked.people["ana"]}, sent_at=sent)
    linked.now = sent + timedelta(hours=1)  # 02:30 in Berlin, once more
    with running(linked) as web:
        web.get(read_link(ANA, 1), SCANNER)
        linked.wait(hours=5)
        web.get(read_link(ANA, 2), SCANNER)
        linked.wait(days=8)
        web.get(read_link(ANA, 3), PERSON)
    assert [row["signals"]["age"] for row in linked.clicks()] == [3600, 6 * 3600, 6 * 3600 + 8 * 86400]
    assert classes(linked) == ["human"] * 3
    assert {row["edition_id"] for row in linked.clicks()} == {linked.edition}


def test_waves_of_scans_hours_after_the_send_are_known_by_their_share_not_by_their_age(linked: Linked) -> None:
    """C22: at the top of four hours, each time other links, slowly and from other addresses."""
    links = iter(widen(linked))
    with running(linked) as web:
        for wave in range(4):
            linked.now = NOW + timedelta(hours=3 + wave)
            for path in islice(links, 18):
                web.get(path, SCANNER, address=f"203.0.113.{wave}")
                linked.wait(seconds=100)
    assert set(classes(linked)) == {"machine"}
    assert {tuple(row["reasons"]) for row in linked.clicks()} == {("share_of_links",)}
