"""What an edition carries: exactly three complete figures or none, and nothing that is still inside."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from digest.domain.planning import Words, figures_withheld, freeze_edition
from digest.domain.post import Figure, Post, PostId, Queue, Visibility

DAY = date(2026, 11, 24)
FIGURES = tuple(Figure(name=f"Figure {n}", value=str(90 + n), before="80", unit="%", meaning="It rose.", you_can="Help.") for n in range(3))
WORDS = Words(
    site_name="The Letter",
    site_url="https://letter.example.com",
    company="Example",
    address="",
    policy_url="",
    reply_to="",
    disclosure="",
    keep_days=90,
    tracking="individual",
    networks=(),
)


def frozen(queue: Queue, words: Words = WORDS, day: date = DAY) -> list[object]:
    content = freeze_edition(queue, {}, words, period="2026-W48", day=day, seen=frozenset(), browser_token="")
    return [*(figure.value for figure in content.figures), *(post.internal for post in content.posts)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_there_are_exactly_three_figures_or_none(count: int) -> None:
    figures = (*FIGURES, replace(FIGURES[0], name="Fourth"))[:count]
    assert len(frozen(Queue(figures=figures))) == (3 if count >= 3 else 0)
    assert bool(figures_withheld(figures, DAY)) == (count in {1, 2})


@pytest.mark.parametrize("missing", ["value", "before", "meaning", "you_can"])
def test_a_figure_that_is_not_complete_silences_the_block_and_the_plan_says_so(missing: str) -> None:
    figures = (*FIGURES[:2], replace(FIGURES[2], **{missing: ""}))  # type: ignore[arg-type]  # any text of a figure
    assert frozen(Queue(figures=figures)) == []
    assert figures_withheld(figures, DAY) == "2 of its figures have a value, a comparison and both sentences, and it needs 3"


def test_a_quiet_period_begins_and_ends_on_its_days() -> None:
    quiet = (*FIGURES[:2], replace(FIGURES[2], quiet_from=DAY, quiet_until=DAY + timedelta(days=14)))
    shown = [bool(frozen(Queue(figures=quiet), day=DAY + timedelta(days=more))) for more in (-1, 0, 13, 14)]
    assert shown == [True, False, False, True]
    assert figures_withheld(quiet, DAY) == "it is a quiet period until 2026-12-08"


def test_what_is_public_a_second_after_the_first_letter_stays_inside_in_all_of_them() -> None:
    first = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    for seconds, inside in ((-1, False), (0, False), (1, True)):
        post = Post(id=PostId("soon"), title="Soon", why="Why.", url="https://example.com/", public_from=first + timedelta(seconds=seconds))
        assert frozen(Queue(posts=(post,)), replace(WORDS, first=first)) == [inside]


def test_a_day_begins_where_the_organisation_is() -> None:
    post = Post(id=PostId("soon"), title="Soon", why="Why.", url="https://example.com/", public_from=DAY)
    words = replace(WORDS, zone=ZoneInfo("Europe/Berlin"))
    midnight = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    assert frozen(Queue(posts=(post,)), replace(words, first=midnight)) == [False]
    assert frozen(Queue(posts=(post,)), replace(words, first=midnight - timedelta(seconds=1))) == [True]
    content = freeze_edition(Queue(posts=(post,)), {}, words, period="2026-W48", day=DAY, seen=frozenset(), browser_token="")
    assert content.posts[0].opens == midnight.isoformat()
    hidden = replace(post, public_from=None, visibility=Visibility.INTERNAL)
    assert frozen(Queue(posts=(hidden,)), replace(words, first=midnight)) == [True]
