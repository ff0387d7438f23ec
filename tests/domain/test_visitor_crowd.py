"""Who is a person, seen among all that was pressed: scanners of every pace, and the people who click meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.hits import Hit
from digest.domain.verdicts import classify_all
from digest.domain.visitor import Thresholds
from tests.conftest import NOW

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/155.0.0.0 Safari/537.36"
SCANNER = {"method": "GET", "ua": CHROME}
PERSON = {**SCANNER, "mode": "navigate", "dest": "document", "user": "?1"}


def hit(number: int, seconds: float, n: int, **changes: Any) -> Hit:
    base: dict[str, Any] = {"actor": "ana", "link": "read/", "source": "s1", "signals": {"method": "GET", "ua": CHROME}}
    return Hit(**{**base, "id": number, "at": NOW + timedelta(seconds=seconds), "n": n, **changes})


def classes(hits: list[Hit]) -> list[str]:
    verdicts = classify_all(hits)
    return [str(verdicts[one.id].visitor) for one in hits]


def test_a_scanner_that_follows_everything_leaves_no_human_click() -> None:
    assert set(classes([hit(i, i / 10, i % 10 + 1, link=f"share/{i // 10}") for i in range(70)])) == {"machine"}


def test_a_slow_scanner_with_several_browsers_is_caught_by_its_share_of_the_links() -> None:
    hits = [hit(i, i * 34, i % 10 + 1, link=f"share/{i // 10}", source=f"s{i % 3}", links=70) for i in range(70)]
    assert set(classes(hits)) == {"machine"}


def test_a_person_who_opens_three_posts_in_five_seconds_stays_a_person() -> None:
    assert classes([hit(i, i * 2, i + 1, signals=PERSON, links=4) for i in range(3)]) == ["human"] * 3


def test_a_person_amid_a_burst_stays_a_person_when_alone_and_probable_when_not() -> None:
    scan = [hit(i, i, i + 1) for i in range(6)]
    person = hit(99, 3, 1, source="home", signals=PERSON)
    assert classes([*scan, person])[-1] == "human"
    assert classes([*scan, person, hit(100, 4, 2, source="home", signals=PERSON)])[-2:] == ["probable", "probable"]


def test_a_time_of_click_scan_beside_a_person_leaves_one_human_click_per_post() -> None:
    person = hit(1, 0, 1, source="home", signals=PERSON)
    scan = hit(2, 12, 1, source="gateway")
    assert classes([person, scan]) == ["human", "probable"]


def test_a_whole_company_behind_one_address_is_five_hundred_people() -> None:
    hits = [hit(i, i * 0.6, i % 5 + 1, actor=f"person{i}", signals=PERSON) for i in range(500)]
    assert set(classes(hits)) == {"human"}


def test_other_people_s_links_followed_by_a_scanner_in_the_same_minute_are_only_probable() -> None:
    scan = [hit(i, i, i + 1) for i in range(6)]
    near, far = hit(50, 40, 1, actor="ben"), hit(51, 500, 1, actor="ben")
    assert classes([*scan, near, far])[-2:] == ["probable", "human"]


def test_a_preview_inside_a_burst_stays_a_preview() -> None:
    scan = [hit(i, i, i + 1) for i in range(6)]
    assert classes([*scan, hit(9, 2, 1, signals={"method": "GET", "ua": "LinkedInBot/1.0"})])[-1] == "preview"


@given(st.lists(st.tuples(st.floats(0, 2000), st.integers(1, 9), st.sampled_from("ab"), st.sampled_from("xyz")), max_size=40), st.randoms())
def test_the_order_in_which_events_are_read_changes_no_verdict(rows: list[tuple[float, int, str, str]], dice: Any) -> None:
    hits = [hit(i, seconds, n, actor=actor, source=source) for i, (seconds, n, actor, source) in enumerate(rows)]
    shuffled = list(hits)
    dice.shuffle(shuffled)
    assert classify_all(hits) == classify_all(shuffled)


def reasons(hits: list[Hit], rules: Thresholds | None = None) -> list[tuple[str, ...]]:
    verdicts = classify_all(hits, rules or Thresholds())
    return [verdicts[one.id].reasons for one in hits]


def test_a_scanner_that_is_a_browser_of_today_is_caught_by_its_pace() -> None:
    few_posts = [hit(i, i * 10, i % 2 + 1, link=f"share/{i // 2}", signals=PERSON, links=8) for i in range(6)]
    assert set(reasons(few_posts)) == {("many_links",)}
    at_once = [hit(i, i * 2, 1, link=f"share/{i}", signals=PERSON, links=40) for i in range(4)]
    assert set(reasons(at_once)) == {("many_links",)}


def test_scanners_that_share_the_work_among_many_addresses_are_not_taken_for_people() -> None:
    rotating = [hit(i, i * 20, i % 5 + 1, link=f"share/{i // 5}", source=f"s{i}", signals=PERSON, links=20) for i in range(16)]
    assert set(classes(rotating)) == {"machine"}
    pool = [hit(i, i * 120, i % 5 + 1, link=f"share/{i // 5}", source=f"s{i % 3}", signals=PERSON, links=20) for i in range(18)]
    assert set(classes(pool)) == {"machine"}


def test_whoever_clicks_hours_after_a_scan_is_not_blamed_for_it() -> None:
    scan = [hit(i, i / 2, i % 5 + 1, link=f"share/{i // 5}", links=20) for i in range(20)]
    later = [hit(100 + i, 7200 + i * 70, i + 1, source="home", signals=PERSON, links=20) for i in range(3)]
    phone = [hit(200 + i, 20000 + i * 70, i + 3, source="phone", signals=SCANNER, links=20) for i in range(2)]
    assert set(classes([*scan, *later, *phone])[20:]) == {"human"}


def test_a_reader_who_shares_much_of_a_small_message_is_spared_after_a_scan() -> None:
    scan = [hit(i, i / 2, i % 2 + 1, link=f"share/{i // 2}", links=8) for i in range(8)]
    keen = [hit(100 + i, 7200 + i * 60, i % 2 + 1, link=f"share/{i // 2}", source="home", signals=PERSON, links=8) for i in range(5)]
    assert set(classes([*scan, *keen])[8:]) == {"human"}


@pytest.mark.parametrize(("bait", "name"), [("honeypot", "honeypot"), ("junk", "mutated")])
def test_what_goes_for_the_bait_takes_its_window_along(bait: str, name: str) -> None:
    baited = hit(1, 0, 1, signals={**SCANNER, bait: True})
    near, far = hit(2, 30, 2), hit(3, 5000, 3, source="s2")
    assert reasons([baited, near, far]) == [(name,), (name,), ()]
    assert classes([baited, hit(4, 20, 5, source="home", signals=PERSON)])[1] == "human"


def test_the_browser_of_a_scanner_stays_one_for_the_day() -> None:
    scan = [hit(i, i, i + 1) for i in range(6)]
    assert reasons([*scan, hit(50, 9000, 1)])[-1] == ("same_browser",)


def test_of_two_browsers_on_one_link_the_one_that_navigates_is_the_person_whoever_came_first() -> None:
    scan, person = hit(1, 0, 1, source="gateway"), hit(2, 1, 1, source="home", signals=PERSON)
    assert classes([scan, person]) == ["probable", "human"]
    assert classes([scan, hit(3, 61, 1, source="home", signals=PERSON)]) == ["human", "human"]
    known = hit(4, -500, 2, source="home", signals=PERSON)
    headless = hit(5, 0, 1, source="gateway", signals=PERSON)
    assert classes([known, headless, person]) == ["human", "probable", "human"]


def test_previews_and_looks_ahead_say_nothing_about_the_message() -> None:
    ahead = [hit(i, i, i + 1, source="home", signals={**PERSON, "purpose": "prefetch"}) for i in range(8)]
    person = hit(50, 9, 1, source="home", signals=PERSON)
    assert classes([*ahead, person])[-1] == "human"


def test_thresholds_are_settings() -> None:
    tabs = [hit(i, i * 2, i + 1, signals=PERSON, links=40) for i in range(4)]
    assert set(classes(tabs)) == {"machine"}
    assert set(reasons(tabs, Thresholds(burst=5))) == {()}


@given(st.lists(st.tuples(st.floats(0, 90000), st.integers(1, 9), st.sampled_from("ab"), st.booleans()), max_size=40))
def test_old_verdicts_can_be_had_again_with_the_old_thresholds(rows: list[tuple[float, int, str, bool]]) -> None:
    hits = [hit(i, at, n, source=source, signals=PERSON if navigates else SCANNER, links=9) for i, (at, n, source, navigates) in enumerate(rows)]
    before = classify_all(hits)
    classify_all(hits, Thresholds(burst=2, share_hours=1, calm_links=0))
    assert classify_all(hits) == before
