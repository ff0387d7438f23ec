"""An edition's frozen words as plain data and back: what the `content` column holds.

Deterministic: equal content gives equal data, whatever order its mappings were filled in.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date
from enum import Enum
from typing import Any

from digest.domain.brand import Brand, Logo
from digest.domain.edition import EditionContent, EditionPost, FrozenAnswer, FrozenFigure, FrozenLesson
from digest.domain.picture import Picture
from digest.domain.post import Audience, Kind, Origin, Said, Translation

NO_TITLE = "…"  # of a post whose words are gone


def freeze(value: Any) -> Any:  # noqa: ANN401 - any noun in, JSON's own types out
    """`value` in the types that JSON has."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: freeze(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: freeze(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [freeze(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return value


def thaw(data: Mapping[str, Any]) -> EditionContent:
    """The content that `freeze` made `data` of. Raises KeyError, TypeError or ValueError for anything else."""
    lesson = data["lesson"]
    return EditionContent(
        **{
            **data,
            "day": date.fromisoformat(data["day"]),
            "networks": tuple(tuple(network) for network in data["networks"]),
            "posts": tuple(_post(post) for post in data["posts"]),
            "figures": tuple(FrozenFigure(**figure) for figure in data["figures"]),
            "answers": tuple(FrozenAnswer(**answer) for answer in data["answers"]),
            "lesson": None if lesson is None else FrozenLesson(**{**lesson, "choices": tuple(lesson["choices"])}),
            "translations": {language: Said(**said) for language, said in data.get("translations", {}).items()},
            "trimmed": tuple(data.get("trimmed", ())),
            "brand": _brand(data.get("brand", {})),
            "places": data.get("places", {}),
            "heard": tuple(data.get("heard", ())),
        },
    )


def fingerprint(content: EditionContent) -> str:
    """SHA-256 of the frozen words: what a compiled letter was compiled from."""
    return hashlib.sha256(json.dumps(freeze(content), sort_keys=True).encode()).hexdigest()


def without_author(content: EditionContent, employee: int) -> EditionContent:
    """The same words, without the name and number of somebody who asked to be forgotten, and without the words they gave."""
    return replace(content, posts=tuple(_without(post) if post.author_id == employee else post for post in content.posts))


def is_given(post: EditionPost) -> bool:
    """Whether its words came from its author by the page, a reply or a mail, and not from the queue: its id says so."""
    return re.search(r"-c\d+$", post.id) is not None


def _without(post: EditionPost) -> EditionPost:
    nobodys = replace(post, author="", author_place="", author_id=None, face=None)
    if not is_given(post):
        return nobodys
    wordless = replace(nobodys, title=NO_TITLE, why="", author_team="", topics=(), questions=(), captions={}, translations={}, gone=True)
    return replace(wordless, place="", refer="", image="", image_alt="", picture=None)


def unnamed(content: EditionContent, employee: int) -> EditionContent:
    """The same words, without the name and face of somebody who withdrew them; their team may still be said."""
    posts = [replace(post, author="", author_place="", face=None) if post.author_id == employee else post for post in content.posts]
    return replace(content, posts=tuple(posts))


def _brand(data: Mapping[str, Any]) -> Brand:
    """An edition from before there were brands has the one that was the only one."""
    return Brand(**{**data, "logo": Logo(**data["logo"]) if data.get("logo") else None})


def _post(data: Mapping[str, Any]) -> EditionPost:
    return EditionPost(
        **{
            **data,
            "origin": Origin(data["origin"]),
            "kind": Kind(data["kind"]),
            "topics": tuple(data["topics"]),
            "questions": tuple(data["questions"]),
            "captions": _captions(data["captions"]),
            "ends": _day(data["ends"]),
            "closes": _day(data["closes"]),
            "only": Audience(**{name: tuple(values) for name, values in data["only"].items()}),
            "translations": {language: _translation(words) for language, words in data.get("translations", {}).items()},
            **{name: Picture(**data[name]) if data.get(name) else None for name in ("picture", "face")},
        },
    )


def _translation(data: Mapping[str, Any]) -> Translation:
    return Translation(**{**data, "questions": tuple(data["questions"]), "captions": _captions(data["captions"])})


def _captions(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {network: tuple(texts) for network, texts in data.items()}


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
