"""The leak check: a number, a name or five words of an internal item stop the build, each at its place; chance does not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.domain.leak import Leak, leaks
from digest.domain.post import Allowed, EditionWords, Figure, Post, PostId, Queue, Translation, Visibility
from digest.domain.telling import numbers, telling, words_of

DAY = date(2026, 11, 24)
SECRET = "The margin fell to 11.4 % when Project Bluebird slipped, and everybody in the lab already knows the reason."


def post(name: str, **more: Any) -> Post:
    return Post(**{"id": PostId(name), "title": name.title(), "why": "Because.", "url": "https://example.com/", **more})


def inside(why: str = SECRET, **more: Any) -> Post:
    return post("hidden", title="What went wrong", why=why, visibility=Visibility.INTERNAL, **more)


def found(*posts: Post, day: date = DAY, people: tuple[str, ...] = (), **more: Any) -> list[tuple[Any, ...]]:
    return [
        (leak.where, leak.what, leak.found)
        for leak in leaks(Queue(posts=posts, **more), day, people=people, ours=("Fernwood Instruments", "LinkedIn"))
    ]


def test_one_of_each_is_three_problems_each_at_its_place() -> None:
    public = post(
        "public",
        why="Sales fell by 11.4 percent.",
        captions={"linkedin": ("Nice.", "We call it project bluebird. Project Bluebird!")},
        translations={"de": Translation(title="Neu", why="Heute: everybody in the LAB, already KNOWS it.")},
    )
    assert found(inside(), public) == [
        (("post", 1, "why"), "number", "11.4"),
        (("post", 1, "captions", "linkedin", 1), "name", "Project Bluebird"),
        (("post", 1, "translations", "de", "why"), "words", "everybody in the lab already"),
    ]


def test_a_four_word_run_passes() -> None:
    assert found(inside(), post("public", why="Ask everybody in the lab about it.")) == []


@pytest.mark.parametrize("field", ["title", "why", "place", "image_alt"])
def test_every_part_that_is_seen_outside_is_looked_at(field: str) -> None:
    assert [where for where, _, _ in found(inside(), post("public", **{field: "About Project Bluebird."}))] == [("post", 1, field)]


def test_subject_note_and_question_of_the_week_are_outside_too() -> None:
    said = EditionWords(subject="Bluebird", note="Down to 11.4%.", ask="What of Project Bluebird?")
    assert [where for where, _, _ in found(inside("We stop Bluebird at 11.4 %, and so does Project Bluebird."), editions=(said,))] == [
        ("edition", 0, "subject"),
        ("edition", 0, "note"),
        ("edition", 0, "ask"),
    ]
    assert found(inside(), editions=(EditionWords(week="2026-W40", note="Down to 11.4%."),)) == [], "that week is over"


def test_what_has_a_reason_is_allowed() -> None:
    public = post("public", why="Project Bluebird saved 11.4 %. Everybody in the lab already knows.")
    assert len(found(inside(), public)) == 3
    allowed = (
        Allowed(words="Project Bluebird", reason="The press release names it."),
        Allowed(words="11.4 %", reason="So does this."),
        Allowed(words="everybody in the lab already knows", reason="Chance."),
    )
    assert found(inside(), public, allowed=allowed) == []
    assert len(found(inside(), public, allowed=allowed[:1])) == 2


def test_everybody_may_say_the_company_days_places_years_and_small_numbers() -> None:
    words = "On Monday in Germany Fernwood Instruments posted 3 of 12 plans for 2026 on LinkedIn, in French."
    public = post("public", why="12 people in Germany spoke French on Monday. Fernwood Instruments was on LinkedIn 3 times in 2026.")
    assert found(inside(words), public) == []


def test_a_figure_is_inside_always() -> None:
    figure = Figure(name="Returns", value="3.4", before="4.1", unit="%", meaning="Fewer boxes come back to the Porto lab.", you_can="Ask.")
    assert [what for _, what, _ in found(post("public", why="3.4% come back."), figures=(figure,))] == ["number"]
    assert [what for _, what, _ in found(post("public", why="They were 4.1 percent."), figures=(figure,))] == ["number"]
    assert [what for _, what, _ in found(post("public", why="Boxes from Porto."), figures=(figure,))] == ["name"]


def test_people_of_the_roster_who_stand_inside_are_names_in_any_writing() -> None:
    hidden = inside("yamada taro geht, und 田中 花子 kommt.", language="de")
    people = ("Yamada Taro", "田中 花子", "Ana")
    assert found(hidden, post("public", why="Danke, Yamada Taro!"), people=people)[0][1:] == ("name", "yamada taro")
    assert found(hidden, post("public", why="Danke, Yamada!"), people=people) == []


def test_an_embargo_ends_on_its_day() -> None:
    hidden = post("soon", why="Project Bluebird starts.", public_from=DAY)
    public = post("public", why="About Project Bluebird.")
    assert len(found(hidden, public, day=DAY - timedelta(days=1))) == 1
    assert found(hidden, public, day=DAY) == []
    later = post("public", why="About Project Bluebird.", starts=DAY)
    assert found(hidden, later, day=DAY - timedelta(days=1)) == [], "it goes out when the embargo is over"
    over = post("public", why="About Project Bluebird.", ends=DAY - timedelta(days=2))
    assert found(hidden, over, day=DAY - timedelta(days=1)) == []


def test_one_second_before_and_after_its_moment_a_post_is_inside_and_outside() -> None:
    moment = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    for opens in (moment, date(2026, 11, 24)):
        one = post("soon", public_from=opens)
        at = moment if opens is moment else datetime(2026, 11, 24, tzinfo=UTC)
        second = timedelta(seconds=1)
        assert [one.internal_at(at + step * second, UTC) for step in (-1, 0, 1)] == [True, False, False]
    assert post("for good", visibility=Visibility.INTERNAL).internal_at(moment, UTC)
    assert [post("soon", public_from=moment).internal_on(DAY + timedelta(days=more)) for more in (0, 1)] == [True, False]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("40,000 boxes", ["40000"]),
        ("40.000 Kisten, 1 234 567 Stück", ["40000", "1234567"]),
        ("3,5 and 3.5", ["3.5", "3.5"]),
        ("12 of 40", []),
        ("12% of € 40", ["12", "40"]),
        ("in 2026, on the 24th", []),
        ("2026 €", ["2026"]),
        ("١٢٬٥٠٠ و ٪", ["12500"]),  # noqa: RUF001 - Arabic digits
        ("ISO9001 and B2B", []),
    ],
)
def test_which_numbers_tell_something(text: str, told: list[str]) -> None:
    assert [value for value, _ in numbers(text)] == told


def test_in_writing_without_spaces_twelve_characters_in_a_row_are_no_accident() -> None:
    secret = "来月から東京の研究所を閉鎖することになりました。"
    assert found(inside(secret, language="ja"), post("public", language="ja", why="東京の研究所を閉鎖することに驚きました。"))[0][1] == "words"
    assert found(inside(secret, language="ja"), post("public", language="ja", why="来月から新しい研究所で働きます。")) == []


WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]), max_size=30).map(" ".join)


@settings(deadline=None)
@given(WORDS, WORDS)
def test_five_words_in_a_row_are_found_exactly_when_they_are_there(secret: str, public: str) -> None:
    mine, theirs = words_of(secret), words_of(public)
    shared = {mine[i : i + 5] for i in range(len(mine) - 4)} & {theirs[i : i + 5] for i in range(len(theirs) - 4)}
    queue = Queue(posts=(inside(f"x. {secret}"), post("public", why=public or "nothing")))
    assert bool(leaks(queue, DAY)) == bool(shared)


@settings(deadline=None)
@given(st.text(max_size=80), st.sampled_from(["en", "de", "ja", "ar", "xx", ""]))
def test_any_text_can_be_looked_at(text: str, language: str) -> None:
    told = telling(text, language)
    assert all(len(name) >= 1 for name in told.names)
    assert str(Leak(where=("post", 0, "why"), what="name", found="A", source="the post"))
