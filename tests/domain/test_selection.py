"""Selection's promises: colleagues first, capped company posts, no repeats past three, a reason for everything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from digest.domain.edition import EditionPost
from digest.domain.employee import Cohort
from digest.domain.message import Pick, SkipReason
from digest.domain.post import Audience, Kind, Origin
from digest.domain.selection import History, Mix, Passed, Selection, Skip, choose, passed, passes, rank

ANA = Cohort(language="en", country="PT", team="Quality", topics=("recycling",))


def post(n: int, *, colleague: bool = False, internal: bool = False, **more: object) -> EditionPost:
    base = EditionPost(
        n=n,
        id=f"post-{n}",
        origin=Origin.COLLEAGUE if colleague else Origin.CURATED,
        kind=Kind.ARTICLE,
        internal=internal,
        title=f"Post {n}",
        why="because",
        url="https://example.com/",
    )
    from dataclasses import replace

    return replace(base, **more)  # type: ignore[arg-type]  # any field of a post, by name


def pick(posts: list[EditionPost], *, history: History | None = None, mix: Mix | None = None, cohort: Cohort = ANA) -> Selection | Skip:
    write = any(p.origin is Origin.COLLEAGUE and not p.internal for p in posts)
    return choose(rank(posts, cohort), history or History(), mix or Mix(), colleagues_write=write)


def numbers(selection: Selection | Skip) -> list[int]:
    assert isinstance(selection, Selection)
    return [p.n for p in selection.picks]


def test_five_company_posts_and_one_colleague_become_one_and_one() -> None:
    assert numbers(pick([post(1, colleague=True), *[post(n) for n in range(2, 7)]])) == [1, 2]


def test_colleagues_stand_above_company_posts_whatever_the_score() -> None:
    posts = [post(1, topics=("recycling",)), post(2, colleague=True)]
    assert numbers(pick(posts)) == [2, 1]


def test_without_any_colleague_two_company_posts_stand_alone() -> None:
    assert numbers(pick([post(n) for n in range(1, 6)])) == [1, 2]


def test_one_company_post_keeps_its_place_beside_many_colleagues() -> None:
    posts = [*[post(n, colleague=True) for n in range(1, 8)], post(8), post(9)]
    assert numbers(pick(posts)) == [1, 2, 3, 4, 8]


def test_a_post_shown_three_times_is_not_shown_again() -> None:
    posts = [post(1, colleague=True), post(2, colleague=True)]
    assert numbers(pick(posts, history=History(shown={"post-1": 3}))) == [2]
    assert numbers(pick(posts, history=History(shown={"post-1": 2}))) == [2, 1]


def test_a_post_already_shared_is_not_shown_again() -> None:
    assert numbers(pick([post(1, colleague=True), post(2, colleague=True)], history=History(shared=frozenset({"post-1"})))) == [2]


def test_who_has_seen_everything_is_skipped_with_that_reason() -> None:
    assert pick([post(1, colleague=True)], history=History(shown={"post-1": 3})) == Skip(reason=SkipReason.SEEN_ENOUGH)


def test_whom_nothing_is_for_is_skipped_with_that_reason() -> None:
    assert pick([post(1, only=Audience(countries=("DE",)))]) == Skip(reason=SkipReason.NOTHING_FOR_YOU)


def test_a_pick_says_why_the_reader_gets_it() -> None:
    posts = [
        post(1, colleague=True, topics=("recycling",)),
        post(2, colleague=True, author_team="Quality"),
        post(3, colleague=True, only=Audience(countries=("PT",))),
        post(4, colleague=True),
    ]
    found = pick(posts)
    assert isinstance(found, Selection)
    assert found.picks == (Pick(n=1, because="topic:recycling"), Pick(n=2, because="team"), Pick(n=3, because="country"), Pick(n=4))


def test_inside_posts_come_last_and_count_in_no_mix() -> None:
    posts = [post(1, colleague=True), post(2), post(3, internal=True), post(4, internal=True)]
    assert numbers(pick(posts)) == [1, 2, 3]


def test_what_did_not_fit_stands_by_as_a_spare() -> None:
    found = pick([post(n, colleague=True) for n in range(1, 9)])
    assert isinstance(found, Selection)
    assert [p.n for p in found.spares] == [6, 7, 8]


def test_a_refused_post_never_comes_again() -> None:
    posts = [post(1, colleague=True), post(2, colleague=True)]
    assert numbers(pick(posts, history=History(refused=frozenset({"post-1"})))) == [2]
    assert pick(posts, history=History(refused=frozenset({"post-1", "post-2"}))) == Skip(reason=SkipReason.SEEN_ENOUGH)


def test_what_is_not_my_field_comes_last_and_is_no_reason_any_more() -> None:
    posts = [post(1, colleague=True, topics=("recycling",)), post(2, colleague=True), post(3, colleague=True)]
    found = pick(posts, history=History(away=frozenset({"recycling"})))
    assert isinstance(found, Selection)
    assert found.picks == (Pick(n=2), Pick(n=3), Pick(n=1))


def test_who_shared_twice_this_week_is_asked_nothing() -> None:
    posts = [post(1, colleague=True), post(2)]
    asked = [pick(posts, history=History(shares=shares)) for shares in (0, 1, 2, 3)]
    assert [one.asks for one in asked if isinstance(one, Selection)] == [True, True, False, False]
    uneasy = pick(posts, history=History(uneasy=2))
    assert isinstance(uneasy, Selection)
    assert not uneasy.asks


def test_a_source_with_one_place_has_one_post_in_a_letter() -> None:
    posts = [
        *[post(n, colleague=True) for n in (1, 2)],
        *[post(n, url="https://www.example.com/a") for n in (3, 4)],
        post(5, url="https://other.example/"),
    ]
    every = rank(posts, ANA)
    assert numbers(choose(every, History(), Mix(), colleagues_write=True)) == [1, 2, 3, 4]
    assert numbers(choose(every, History(), Mix(), colleagues_write=True, places={"example.com": 1})) == [1, 2, 3, 5]
    assert numbers(choose(every, History(), Mix(), colleagues_write=True, places={"example.com": 0})) == [1, 2, 5]


def test_every_post_that_is_not_in_a_letter_has_its_reason() -> None:
    posts = [
        post(1, colleague=True),
        post(2),
        post(3, only=Audience(countries=("DE",))),
        post(4, colleague=True),
        post(5, url="https://slow.example/"),
        post(6, colleague=True),
    ]
    history = History(shown={"post-4": 3})
    found = passed(posts, ANA, history, Mix(), had=frozenset({1}), places={"slow.example": 1})
    assert found == {2: Passed.MIX, 3: Passed.NOT_MEANT, 4: Passed.RESTS, 5: Passed.SOURCE, 6: Passed.ROOM}


def test_two_posts_make_no_edition_and_three_do() -> None:
    assert not passes([post(1), post(2)], 3)
    assert passes([post(1), post(2), post(3)], 3)


POSTS = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 4)), max_size=14)


@given(POSTS, st.builds(Mix, posts=st.integers(1, 8), curated=st.integers(0, 4), colleague_share=st.sampled_from([0.0, 0.5, 0.75, 1.0])))
def test_no_selection_ever_breaks_the_mix(drawn: list[tuple[bool, bool, int]], mix: Mix) -> None:
    posts = [post(n, colleague=colleague, internal=internal) for n, (colleague, internal, _) in enumerate(drawn, 1)]
    history = History(shown={f"post-{n}": times for n, (_, _, times) in enumerate(drawn, 1)})
    found = pick(posts, history=history, mix=mix)
    if isinstance(found, Skip):
        return
    chosen = [posts[p.n - 1] for p in found.picks]
    outward = [p for p in chosen if not p.internal]
    colleagues = [p for p in outward if p.origin is Origin.COLLEAGUE]
    assert len(outward) <= mix.posts
    assert len(outward) - len(colleagues) <= mix.curated
    assert len(chosen) - len(outward) <= mix.inside
    if any(p.origin is Origin.COLLEAGUE and not p.internal for p in posts):
        assert len(colleagues) >= mix.colleague_share * len(outward)
    assert outward == [*colleagues, *[p for p in outward if p.origin is Origin.CURATED]]
    assert all(history.shown[p.id] < mix.repeats for p in chosen)
    assert not {p.n for p in found.picks} & {p.n for p in found.spares}
    assert found == pick(posts, history=history, mix=mix)
