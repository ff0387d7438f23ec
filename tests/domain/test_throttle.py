"""Limits as token buckets: what they promise in every span of time."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.throttle import SPANS, Bucket, Limit, Per, full, room, spend, wait
from tests.conftest import NOW

LIMITS = st.builds(Limit, per=st.sampled_from(list(Per)), most=st.one_of(st.integers(1, 40), st.integers(1, 20_000)))


def sent_moments(limit: Limit, gaps: list[float], wanted: int) -> list[float]:
    """Seconds at which messages go out when somebody asks for `wanted` after each of `gaps`."""
    bucket, clock, moments = full(limit, NOW), 0.0, []
    for gap in gaps:
        clock += gap
        bucket = bucket.at(NOW + timedelta(seconds=clock))
        count = room([bucket], wanted)
        bucket = spend(bucket, count)
        moments += [clock] * count
    return moments


@given(LIMITS, st.lists(st.floats(0, 2), min_size=1, max_size=120), st.integers(1, 64))
def test_no_span_ever_holds_more_than_the_limit(limit: Limit, gaps: list[float], wanted: int) -> None:
    span = SPANS[limit.per].total_seconds()
    moments = sent_moments(limit, [gap * span / 20 for gap in gaps], wanted)
    for first in moments:
        assert sum(first <= moment < first + span for moment in moments) <= limit.most


@given(st.sampled_from(list(Per)), st.integers(1, 40), st.integers(1, 3))
def test_a_small_limit_holds_for_somebody_who_asks_exactly_when_it_allows(per: Per, most: int, wanted: int) -> None:
    limit, clock, moments = Limit(per=per, most=most), NOW, []
    bucket = full(limit, NOW)
    for _ in range(3 * most):
        count = room([bucket.at(clock)], wanted)
        bucket = spend(bucket.at(clock), count)
        moments += [clock] * count
        clock += timedelta(microseconds=math.ceil(wait([bucket]) * 1e6))
    assert len(moments) >= 3 * most
    assert all(later - first >= SPANS[per] for first, later in zip(moments, moments[most:], strict=False))


@pytest.mark.parametrize("most", [1, 2, 5, 19])
@pytest.mark.parametrize("per", list(Per))
def test_a_small_limit_can_be_used_up_to_a_hundredth(per: Per, most: int) -> None:
    limit = Limit(per=per, most=most)
    assert 0.98 * most <= limit.rate * SPANS[per].total_seconds() < most
    assert limit.burst == 1


def test_thirty_a_minute_are_very_nearly_used_up() -> None:
    moments = sent_moments(Limit(per=Per.MINUTE, most=30), [0.1] * 6000, 4)
    assert 285 <= len(moments) <= 300  # in ten minutes
    assert moments[1] - moments[0] >= 2


def test_the_narrowest_of_several_limits_counts() -> None:
    buckets = [full(Limit(per=Per.SECOND, most=200), NOW), full(Limit(per=Per.DAY, most=60), NOW)]
    assert room(buckets, 50) == 3
    assert room(buckets, 2) == 2
    assert room([], 50) == 50


def test_an_empty_bucket_says_how_long_to_wait() -> None:
    limit = Limit(per=Per.MINUTE, most=31)
    empty = spend(full(limit, NOW), 1)
    assert wait([empty]) == pytest.approx(2.0)
    assert room([empty.at(NOW + timedelta(seconds=2))], 5) == 1
    assert wait([]) == 0


def test_two_clocks_that_differ_a_little_fill_a_bucket_only_once() -> None:
    limit = Limit(per=Per.MINUTE, most=600)
    ahead = spend(full(limit, NOW + timedelta(seconds=5)), 30)
    behind = ahead.at(NOW)
    assert behind == ahead
    assert behind.at(NOW + timedelta(seconds=5)) == ahead
    assert room([behind.at(NOW + timedelta(seconds=6))], 60) == 9


def test_a_clock_that_goes_back_gives_no_token_and_does_not_stop_the_bucket() -> None:
    limit = Limit(per=Per.MINUTE, most=31)
    yesterday = NOW - timedelta(days=1)
    back = spend(full(limit, NOW), 1).at(yesterday)
    assert room([back], 5) == 0
    assert room([back.at(yesterday + timedelta(seconds=2))], 5) == 1


def test_a_clock_that_leaps_forward_fills_no_more_than_the_bucket() -> None:
    limit = Limit(per=Per.MINUTE, most=400)
    assert Bucket(limit=limit, tokens=0, filled_at=NOW).at(NOW + timedelta(days=400)).tokens == limit.burst == 20
