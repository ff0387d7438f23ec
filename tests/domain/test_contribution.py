"""Contributions as rules: what may follow what, whose word is last, and what is promised."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.contribution import (
    NEXT,
    TRUSTED,
    WORDS,
    Contribution,
    ContributionState,
    Edit,
    EditReason,
    KeptOut,
    Source,
    Words,
    after_no,
    agreed,
    decision_day,
    decision_days,
    end_of,
    is_thanked_for,
    kept_out,
    links_in,
    may_follow,
    read_reason,
    since_yes,
    without_links,
)
from digest.domain.difference import difference
from tests.conftest import NOW

_S = ContributionState


def an_edit(version: int, **before: object) -> Edit:
    return Edit(version=version, at=NOW, who="mara", reason=EditReason.FACTS, note="", before=before, after=dict.fromkeys(before, "new"))


def one(agreed_version: int | None, **facts: object) -> Contribution:
    return Contribution(
        id=1,
        key="k",
        employee=1,
        source=Source.FORM,
        state=_S.ACCEPTED,
        words=Words(title="T", why="W", facts=facts),
        body="",
        language="en",
        networks=(),
        edition=None,
        n=None,
        post_id="t-c1",
        version=9,
        made_at=NOW,
        decided_at=NOW,
        agreed_version=agreed_version,
    )


def test_nothing_is_printed_that_its_author_did_not_stand_by() -> None:
    for state in (_S.DRAFT, _S.UNCONFIRMED, _S.PROPOSED, _S.EDITED, _S.DECLINED, _S.WITHDRAWN):
        assert not may_follow(state, _S.PUBLISHED)
    assert not may_follow(_S.DRAFT, _S.EDITED)
    assert NEXT[_S.WITHDRAWN] == NEXT[_S.PUBLISHED] == frozenset()
    assert set(NEXT) == set(ContributionState)


def test_an_edit_after_agreement_drops_the_post_out_with_a_reason() -> None:
    day = NOW.date()
    assert kept_out(one(2), [], here=True, day=day) is None
    assert kept_out(one(2), [an_edit(3)], here=True, day=day) is KeptOut.NOT_AGREED
    assert kept_out(one(4), [an_edit(3)], here=True, day=day) is None
    assert kept_out(one(4), [an_edit(3), an_edit(5)], here=True, day=day) is KeptOut.NOT_AGREED
    assert kept_out(one(None), [], here=True, day=day) is KeptOut.NOT_AGREED
    assert kept_out(one(4), [an_edit(3)], here=False, day=day) is KeptOut.AUTHOR_GONE
    assert kept_out(one(2), [], here=True, day=day + timedelta(days=29)) is KeptOut.OVER
    assert kept_out(one(2, ends="2026-11-25"), [], here=True, day=date(2026, 11, 26)) is KeptOut.OVER
    assert kept_out(one(2, ends="2027-11-25"), [], here=True, day=date(2027, 11, 25)) is None


@given(st.lists(st.integers(1, 50), unique=True, max_size=8), st.integers(0, 50) | st.none())
def test_agreed_means_younger_than_every_edit(versions: list[int], yes: int | None) -> None:
    edits = [an_edit(version) for version in versions]
    assert agreed(edits, yes) == (yes is not None and yes >= max(versions, default=0))
    assert agreed(edits, yes) <= (not since_yes(edits, yes))


@pytest.mark.parametrize("reason", ["tone", "style", "Facts", "", "facts "])
def test_tone_is_no_reason(reason: str) -> None:
    assert read_reason(reason) is None


def test_facts_timing_and_legal_are_reasons() -> None:
    assert [read_reason(reason) for reason in ("facts", "timing", "legal")] == list(EditReason)


def test_a_no_brings_back_the_words_of_the_last_yes() -> None:
    edits = [an_edit(2, title="first"), an_edit(5, title="agreed", why="kept"), an_edit(6, title="later", ends=None)]
    assert after_no(edits, 3) == {"title": "agreed", "why": "kept", "ends": None}
    assert after_no(edits, None) == {"title": "first", "why": "kept", "ends": None}
    assert after_no(edits, 6) == {}


changes = st.dictionaries(st.sampled_from([*WORDS, "ends", "place"]), st.text(max_size=9), max_size=4)


@given(st.lists(changes, max_size=6), st.integers(0, 6))
def test_whatever_was_changed_a_no_restores_exactly_what_was_agreed(steps: list[dict[str, str]], yes: int) -> None:
    words = Words(title="T", why="W", facts={"place": "Porto"})
    edits, history = [], [words]
    for version, step in enumerate(steps, start=1):
        was, now = words.changed(step)
        words = words.with_changes(now)
        edits.append(Edit(version=version, at=NOW, who="m", reason=EditReason.LEGAL, note="", before=was, after=now))
        history.append(words)
    yes = min(yes, len(steps))
    assert words.with_changes(after_no(edits, yes)) == history[yes]


def test_the_promise_counts_working_days() -> None:
    tuesday = date(2026, 11, 24)
    assert decision_day(tuesday, 3, set()) == date(2026, 11, 27)
    assert decision_day(tuesday, 4, set()) == date(2026, 11, 30)
    assert decision_day(tuesday, 3, {date(2026, 11, 26)}) == date(2026, 11, 30)
    assert decision_day(date(2026, 11, 28), 1, set()) == date(2026, 11, 30)
    assert end_of(date(2026, 11, 27), ZoneInfo("Asia/Kolkata")) == datetime(2026, 11, 27, 18, 29, tzinfo=UTC)


@given(st.dates(date(2026, 1, 1), date(2028, 1, 1)), st.integers(1, 30), st.sets(st.dates(date(2026, 1, 1), date(2028, 6, 1)), max_size=9))
def test_a_promise_never_falls_on_a_day_off(start: date, days: int, off: set[date]) -> None:
    found = decision_day(start, days, off)
    assert found.weekday() < 5
    assert found not in off
    between = [start + timedelta(days=n) for n in range(1, (found - start).days + 1)]
    assert sum(day.weekday() < 5 and day not in off for day in between) == days


def test_the_median_is_over_decided_posts_only() -> None:
    def after(**span: float) -> datetime:
        return NOW + timedelta(**span)

    assert decision_days([]) is None
    assert decision_days([(NOW, after(hours=1), "mara")]) == 1
    assert decision_days([(NOW, after(days=1), "m"), (NOW, after(days=3), "m"), (NOW, after(days=40), "m")]) == 3
    assert decision_days([(NOW, after(days=2), "m"), (NOW, after(days=3), "m")]) == 3
    assert decision_days([(NOW, NOW, TRUSTED)]) is None
    assert decision_days([(NOW, NOW, TRUSTED)] * 9 + [(NOW, after(days=5), "m")]) == 5


def test_thanks_come_two_weeks_later() -> None:
    assert not is_thanked_for(None, NOW)
    assert not is_thanked_for(NOW, NOW + timedelta(days=13, hours=23))
    assert is_thanked_for(NOW, NOW + timedelta(days=14))


def test_addresses_are_found_as_people_write_them() -> None:
    text = "Look: https://example.com/a_(b), then http://example.org/x. Done (https://example.net)"
    assert links_in(text)[1:] == ["http://example.org/x", "https://example.net"]
    assert without_links("See https://example.com\nnow") == "See\nnow"
    assert links_in("HTTPS://EXAMPLE.COM”") == ["HTTPS://EXAMPLE.COM"]


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_difference_holds_both_texts(before: str, after: str) -> None:
    parts = difference(before, after)
    assert "".join(text for kind, text in parts if kind != "new") == before
    assert "".join(text for kind, text in parts if kind != "gone") == after


def test_a_difference_reads_as_people_would_mark_it() -> None:
    assert difference("I measured for a month.", "I measured for five weeks.") == [
        ("same", "I measured for "),
        ("gone", "a month"),
        ("new", "five weeks"),
        ("same", "."),
    ]
    assert difference("", "new") == [("new", "new")]
    assert difference("same", "same") == [("same", "same")]
