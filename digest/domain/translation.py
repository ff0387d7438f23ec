"""Which words a reader of one language gets: the post's own, a translation of it, or its own marked as foreign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from digest.domain.edition import EditionContent, EditionPost
from digest.domain.words import candidates, same_language

_T = TypeVar("_T")


def in_language(content: EditionContent, language: str) -> EditionContent:
    """The edition for readers of `language`: translated where somebody translated it, everything else as it was written."""
    posts = tuple(post_in(post, language) for post in content.posts)
    tongue = _chosen(content.language, content.translations, language)
    if tongue is None:
        return replace(content, posts=posts)
    said = content.translations[tongue]
    return replace(
        content,
        posts=posts,
        subject=said.subject or content.subject,
        note=said.note or content.note,
        note_language=tongue if said.note else "",
        ask=said.ask or content.ask,
        ask_language=tongue if said.ask else "",
    )


def post_in(post: EditionPost, language: str) -> EditionPost:
    """The post for readers of `language`."""
    tongue = _chosen(post.language, post.translations, language)
    if tongue is None:
        return post
    words = post.translations[tongue]
    return replace(
        post,
        language=tongue,
        title=words.title,
        why=words.why,
        questions=words.questions,
        captions=words.captions or post.captions,
        place=words.place or post.place,
        image_alt=words.image_alt or post.image_alt,
    )


def explained(content: EditionContent, language: str) -> dict[str, int]:
    """How many of the posts readers of `language` get as written in it, translated into it, and in another language."""
    counts = {"own": 0, "translated": 0, "foreign": 0}
    for post in content.posts:
        if same_language(post.language, language):
            counts["own"] += 1
        else:
            counts["translated" if _chosen(post.language, post.translations, language) else "foreign"] += 1
    return counts


def _chosen(own: str, translations: Mapping[str, _T], language: str) -> str | None:
    """The translation for readers of `language`; None when the original suits them as well or there is none."""
    exact = candidates(language)[:-1] if language.split("-", maxsplit=1)[0] != "en" else candidates(language)
    if own in exact[:1]:
        return None
    found = _first(exact, translations)
    if found is None and same_language(own, language):
        return None
    return found or next((tongue for tongue in sorted(translations) if same_language(tongue, language)), None)


def _first(wanted: Iterable[str], known: Mapping[str, _T]) -> str | None:
    return next((tongue for tongue in wanted if tongue in known), None)
