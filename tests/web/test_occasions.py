"""Events for the reader's own calendar, and jobs: a referral is counted without anybody's name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import available_timezones

import pytest
from icalendar import Calendar
from sqlalchemy import select
from starlette.testclient import TestClient

from digest.db.schema import outcome
from digest.db.session import read
from digest.domain.frozen import freeze
from digest.domain.occasion import at_offset, elsewhere, offsets
from digest.domain.post import Kind
from tests.controlled import controls, forms, path, press
from tests.linked import BROWSER_TOKEN, CONTENT, OURS, POSTS, Linked

EVENT = {"kind": Kind.EVENT, "starts_at": "2026-12-03T17:00:00+01:00", "ends_at": "2026-12-03T18:30:00+01:00", "place": "Hall 2; north, left"}
JOB = {"kind": Kind.JOB, "closes": date(2026, 12, 31), "refer": "jobs@example.com"}


def carries(linked: Linked, **changes: Any) -> str:
    """Ana's control token, once the second post of her letter is changed so."""
    mine = controls(linked)["ana"]
    posts = tuple(replace(post, **changes) if post.n == 2 else post for post in POSTS)
    linked.change("edition", {"id": linked.edition}, content=freeze(replace(CONTENT, posts=posts)))
    return mine


def entry(text: str) -> dict[str, object]:
    [found] = Calendar.from_ical(text).events
    return {name.lower(): getattr(found[name], "dt", str(found[name])) for name in found}


def referrals(linked: Linked) -> list[tuple[str, str, str]]:
    with read(linked.engine) as connection:
        return [tuple(row) for row in connection.execute(select(outcome.c.event, outcome.c.grade, outcome.c.owner))]


def test_an_event_comes_as_a_file_with_its_hours_in_utc_and_its_place(linked: Linked, web: TestClient) -> None:
    found = web.get(f"{path('c', carries(linked, **EVENT), 2)}.ics")
    assert found.status_code == 200
    assert found.headers["content-type"] == "text/calendar; charset=utf-8"
    said = entry(found.text)
    assert said["dtstart"] == datetime(2026, 12, 3, 16, 0, tzinfo=UTC)
    assert said["dtend"] == datetime(2026, 12, 3, 17, 30, tzinfo=UTC)
    assert said["location"] == "Hall 2; north, left"
    assert said["uid"] == "batteries@letter.example.com"
    assert all(len(line.encode()) <= 75 for line in found.text.split("\r\n"))


def test_an_event_without_an_end_takes_an_hour_and_one_without_an_hour_the_whole_day(linked: Linked, web: TestClient) -> None:
    said = entry(web.get(path("c", carries(linked, **{**EVENT, "ends_at": ""}), 2)).text)
    assert said["dtend"] == datetime(2026, 12, 3, 17, 0, tzinfo=UTC)
    said = entry(web.get(path("c", carries(linked, **{**EVENT, "starts_at": "2026-12-03", "ends_at": ""}), 2)).text)
    assert said["dtstart"] == date(2026, 12, 3)


def test_a_post_that_is_no_event_has_no_file_and_one_that_is_no_job_no_page(linked: Linked, web: TestClient) -> None:
    mine = controls(linked)["ana"]
    assert web.get(path("c", mine, 2)).status_code == 404
    assert web.get(path("refer", mine, 2)).status_code == 404
    assert web.get(path("c", "nobody", 2)).content == web.get(path("refer", mine, 9)).content


def test_a_referral_is_one_outcome_however_often_it_is_told_and_holds_no_name(linked: Linked, web: TestClient) -> None:
    where = path("refer", carries(linked, **JOB), 2)
    page = web.get(where)
    assert 'href="mailto:jobs@example.com"' in page.text
    assert "Ana" not in page.text
    assert referrals(linked) == []
    for _ in range(3):
        done = press(linked, web, where, "referred")
        assert "One referral is counted" in done.text
    assert referrals(linked) == [("referral", "C", "")]
    assert "undo" not in forms(web.get(where).text), "whoever was forwarded the letter learns nothing"
    assert "not counted any more" in web.post(where, data=forms(done.text)["undo"], headers=OURS).text
    assert referrals(linked) == []


def test_what_presses_quicker_than_anybody_reads_counts_nothing(linked: Linked, web: TestClient) -> None:
    where = path("refer", carries(linked, **JOB), 2)
    assert "press once more" in press(linked, web, where, "referred", slowly=False).text
    assert referrals(linked) == []


def test_a_job_that_has_closed_counts_nothing_and_says_so(linked: Linked, web: TestClient) -> None:
    where = path("refer", carries(linked, **JOB), 2)
    left_open = forms(web.get(where).text)["referred"]
    linked.now = datetime(2027, 1, 1, 0, 1, tzinfo=UTC)
    late = web.post(where, data=left_open, headers=OURS)
    for page in (web.get(where), late):
        assert "not open any more" in page.text
        assert "<form" not in page.text
        assert 'role="status"' not in page.text
    assert referrals(linked) == []


def test_a_day_of_another_year_says_which_on_the_pages_too(linked: Linked, web: TestClient) -> None:
    mine = carries(linked, **{**JOB, "closes": date(2031, 6, 30)})
    assert "30 June 2031" in web.get(path("refer", mine, 2)).text
    carries(linked, **{**EVENT, "starts_at": "2031-05-15T18:00:00+02:00"})
    assert "Thursday 15 May 2031, 18:00" in web.get(f"/w/{BROWSER_TOKEN}").text
    for language in ("de", "fr", "es", "pt-BR", "ja", "ar"):
        assert "2031" in web.get(f"/w/{BROWSER_TOKEN}", headers={"accept-language": language}).text


@pytest.mark.parametrize(
    ("zone", "offset"),
    [("Europe/Berlin", ""), ("Africa/Algiers", ""), ("Asia/Kolkata", "+05:30"), ("America/New_York", "-05:00"), ("No/Where", ""), ("UTC", "+00:00")],
)
def test_readers_whose_clock_shows_another_hour_are_told_theirs(zone: str, offset: str) -> None:
    assert elsewhere("2026-12-03T17:00:00+01:00", zone) == offset


def test_every_zone_s_clock_is_known_summer_and_winter() -> None:
    zones = sorted(available_timezones() - {"localtime"})
    for iso in ("2026-12-03T17:00:00+23:59", "2027-06-03T17:00:00+23:59"):
        assert {elsewhere(iso, zone) for zone in zones} <= set(offsets(iso))
        assert all(datetime.fromisoformat(at_offset(iso, offset)) == datetime.fromisoformat(iso) for offset in offsets(iso))


def test_a_day_without_an_hour_is_the_same_day_everywhere() -> None:
    assert elsewhere("2026-12-03", "Asia/Tokyo") == ""
