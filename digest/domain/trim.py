"""What is left out of a letter that would be too long, in which order: extras first, a colleague's post never before a curated one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from digest.domain.edition import EditionContent, EditionPost
from digest.domain.post import Origin

_ANSWERS = 3  # that stay when room is short; the hard question is the first
_Post = Callable[[EditionPost], bool]


def steps(content: EditionContent) -> Iterator[EditionContent]:
    """`content` with ever less in it; each names in `trimmed` what is gone. The last holds one post, a colleague's if there was one."""
    for sentence, lighter in (
        ("the questions to start from", _without_questions),
        (f"answers beyond the first {_ANSWERS}", _few_answers),
        ("the sentences beside the figures", _bare_figures),
        ("the question of the lesson", _short_lesson),
        ("what curated posts say after their first paragraph", lambda c: _first_paragraphs(c, _curated)),
        ("what inside posts say after their first paragraph", lambda c: _first_paragraphs(c, lambda post: post.internal)),
    ):
        changed = lighter(content)
        if changed != content:
            content = replace(changed, trimmed=(*content.trimmed, f"Left out: {sentence}."))
            yield content
    while (last := _next_to_go(content)) is not None:
        content = _without(content, last)
        yield content
    changed = _first_paragraphs(content, lambda _post: True)
    if changed != content:
        yield replace(changed, trimmed=(*content.trimmed, "Left out: what the remaining posts say after their first paragraph."))


def _next_to_go(content: EditionContent) -> EditionPost | None:
    """The last curated post for outside, then inside, then a colleague's inside, then a colleague's; never the only one."""
    if len(content.posts) == 1:
        return None
    for group in (_curated, _curated_inside, _theirs_inside, lambda _post: True):
        found = [post for post in content.posts if group(post)]
        if found:
            return found[-1]
    return None


def _curated(post: EditionPost) -> bool:
    return post.origin is Origin.CURATED and not post.internal


def _curated_inside(post: EditionPost) -> bool:
    return post.origin is Origin.CURATED and post.internal


def _theirs_inside(post: EditionPost) -> bool:
    return post.origin is Origin.COLLEAGUE and post.internal


def _without(content: EditionContent, gone: EditionPost) -> EditionContent:
    """The edition without one post; the others move up, since a post's number is its place."""
    left = [post for post in content.posts if post.n != gone.n]
    posts = tuple(replace(post, n=n) for n, post in enumerate(left, start=1))
    return replace(content, posts=posts, trimmed=(*content.trimmed, f"Left out: the post “{gone.title}”."))


def _without_questions(content: EditionContent) -> EditionContent:
    posts = tuple(
        replace(post, questions=(), translations={tongue: replace(words, questions=()) for tongue, words in post.translations.items()})
        for post in content.posts
    )
    return replace(content, posts=posts)


def _few_answers(content: EditionContent) -> EditionContent:
    return replace(content, answers=content.answers[:_ANSWERS])


def _bare_figures(content: EditionContent) -> EditionContent:
    return replace(content, figures=tuple(replace(figure, meaning="", you_can="") for figure in content.figures))


def _short_lesson(content: EditionContent) -> EditionContent:
    return replace(content, lesson=replace(content.lesson, question="", choices=()) if content.lesson else None)


def _first_paragraphs(content: EditionContent, which: _Post) -> EditionContent:
    posts = tuple(
        replace(
            post,
            why=_first(post.why),
            translations={tongue: replace(words, why=_first(words.why)) for tongue, words in post.translations.items()},
        )
        if which(post)
        else post
        for post in content.posts
    )
    return replace(content, posts=posts)


def _first(text: str) -> str:
    return text.strip().split("\n\n", maxsplit=1)[0].rstrip()
