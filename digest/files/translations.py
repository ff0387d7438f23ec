"""`[post.translations.de]` and `[edition.translations.de]`: the same words for readers of one more language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from digest.files.addresses import RefusedError, language
from digest.files.places import Path
from digest.files.problems import found
from digest.files.tables import BAD, Notes, Reader, Spec, good_values


def translations(spec: Spec, required: tuple[str, ...], make: Callable[..., Any]) -> Reader:
    """`[post.translations.de]`: language -> the words in it; `required` must be there, or the others are of no use."""

    def read(notes: Notes, path: Path, value: Any) -> Any:  # noqa: ANN401 - any TOML value
        if not isinstance(value, dict):
            notes.refuse(path, value, "tables: [post.translations.de] with its words")
            return BAD
        made = {}
        for name, words in value.items():
            try:
                tongue = language(name)
            except RefusedError as error:
                notes.at_key((*path, name), f"found {found(name)}, allowed {error}")
                continue
            if not isinstance(words, dict):
                notes.refuse((*path, name), words, f"a table with {', '.join(spec)}")
                continue
            good = good_values(notes, (*path, name), words, spec)
            for key in required:
                if key not in words:
                    notes.at_key((*path, name), f"found no {key}, needed {key} = ...")
            if all(key in good for key in required):
                made[tongue] = make(**good)
        return made

    return read
