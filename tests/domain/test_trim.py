"""What a letter that is too long loses, in which order."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from digest.domain.edition import EditionContent
from digest.domain.post import Origin, Translation
from digest.domain.trim import steps
from tests.factories_mail import colleague, curated, edition, inside

LONG = "First paragraph.\n\nSecond paragraph."


def _full() -> EditionContent:
    posts = (colleague(1, why=LONG), colleague(2), curated(3, why=LONG), curated(4), inside(5, why=LONG), colleague(6, internal=True))
    content = edition(posts=posts)
    return replace(content, answers=content.answers * 3)


def test_extras_go_before_posts_and_colleagues_last() -> None:
    found = list(steps(_full()))
    assert [step.trimmed[-1] for step in found] == [
        "Left out: the questions to start from.",
        "Left out: answers beyond the first 3.",
        "Left out: the sentences beside the figures.",
        "Left out: the question of the lesson.",
        "Left out: what curated posts say after their first paragraph.",
        "Left out: what inside posts say after their first paragraph.",
        "Left out: the post “What a kilowatt hour of bread costs”.",
        "Left out: the post “What a kilowatt hour of bread costs”.",
        "Left out: the post “One decision, explained: no showroom in Lyon”.",
        "Left out: the post “The bakery that returned our ovens”.",
        "Left out: the post “The bakery that returned our ovens”.",
        "Left out: what the remaining posts say after their first paragraph.",
    ]
    assert [post.why for post in found[-1].posts] == ["First paragraph."]
    assert found[-1].posts[0].origin is Origin.COLLEAGUE


def test_translations_lose_what_the_post_loses() -> None:
    post = curated(1, questions=("q",), translations={"de": Translation(title="T", why=LONG, questions=("f",))})
    *_, last = steps(edition(posts=(post,)))
    assert last.posts[0].translations["de"] == Translation(title="T", why="First paragraph.")


def test_a_step_that_changes_nothing_is_not_told() -> None:
    plain = edition(posts=(colleague(1),), answers=(), figures=(), lesson=None)
    assert list(steps(plain)) == []


@given(st.lists(st.sampled_from([colleague, curated, inside]), min_size=1, max_size=9))
def test_no_colleagues_post_goes_while_a_curated_one_is_there(kinds: list) -> None:  # type: ignore[type-arg]  # makers of posts
    content = edition(posts=tuple(make(n) for n, make in enumerate(kinds, start=1)))
    before = content
    for step in steps(content):
        assert [post.n for post in step.posts] == list(range(1, len(step.posts) + 1))
        assert step.posts
        lost = sum(p.origin is Origin.COLLEAGUE for p in before.posts) - sum(p.origin is Origin.COLLEAGUE for p in step.posts)
        assert not lost or not [post for post in step.posts if post.origin is Origin.CURATED]
        before = step
