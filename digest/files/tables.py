"""Reads tables of a TOML document by a spec: every unknown key, refused value and missing key, each at its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any

from digest.files.addresses import RefusedError, nearest
from digest.files.checks import Check
from digest.files.places import Path, Places
from digest.files.problems import Problem, found

BAD = object()  # what a reader gives for a value that it has complained about


class Notes:
    """The problems of one file, noted by path; the index turns paths into lines and columns."""

    def __init__(self, file: str, text: str) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._text = text

    @cached_property
    def _places(self) -> Places:
        """Made for the first problem; a file without one needs no places."""
        return Places(self._text)

    def at_value(self, path: Path, text: str, *, stops: bool = True) -> None:
        """Note a problem where a value stands."""
        self.problems.append(Problem(self._file, *self._places.of_value(path), text, stops))

    def at_key(self, path: Path, text: str) -> None:
        """Note a problem where a key or a `[[header]]` stands."""
        self.problems.append(Problem(self._file, *self._places.of_key(path), text))

    def refuse(self, path: Path, value: object, allowed: str) -> None:
        """Note a value that is not allowed."""
        self.at_value(path, f"found {found(value)}, allowed {allowed}")

    def place(self, path: Path) -> str:
        """A place as messages name it."""
        line, col = self._places.of_value(path)
        return f"{self._file}:{line}:{col}"


Reader = Callable[[Notes, Path, Any], Any]
Spec = Mapping[str, Reader]


def leaf(check: Check) -> Reader:
    """A single value."""

    def read(notes: Notes, path: Path, value: Any) -> Any:  # noqa: ANN401 - any TOML value
        try:
            return check(value)
        except RefusedError as error:
            notes.refuse(path, value, str(error))
            return BAD

    return read


def each(check: Check) -> Reader:
    """A list of values, each without its namesakes."""
    one = leaf(check)

    def read(notes: Notes, path: Path, value: Any) -> Any:  # noqa: ANN401 - any TOML value
        if not isinstance(value, list):
            notes.refuse(path, value, f"a list, such as [{found(value) if isinstance(value, str) else ''}]")
            return BAD
        checked = [one(notes, (*path, i), item) for i, item in enumerate(value)]
        return tuple(dict.fromkeys(item for item in checked if item is not BAD))

    return read


def table(spec: Spec, make: Callable[..., Any]) -> Reader:
    """A table in a table; `make` builds the noun from its good values."""

    def read(notes: Notes, path: Path, value: Any) -> Any:  # noqa: ANN401 - any TOML value
        if not isinstance(value, dict):
            notes.refuse(path, value, f"a table with {', '.join(spec)}")
            return BAD
        return make(**good_values(notes, path, value, spec))

    return read


def good_values(notes: Notes, path: Path, data: Mapping[str, Any], spec: Spec) -> dict[str, Any]:
    """The values of `data` that `spec` allows; everything else is noted."""
    good = {}
    for key, value in data.items():
        reader = spec.get(key)
        if reader is None:
            notes.at_key((*path, key), unknown(key, spec))
            continue
        read = reader(notes, (*path, key), value)
        if read is not BAD:
            good[key] = read
    return good


def unknown(key: str, known: Mapping[str, object]) -> str:
    """What to say of a key that nobody knows."""
    return f"found {key if key.isprintable() else found(key)}, no such key{_hint(key, tuple(known))}"


@lru_cache
def _hint(key: str, known: tuple[str, ...]) -> str:
    """The same slip of the pen tends to come in every table."""
    return nearest(key, known) or f"; allowed {', '.join(known)}"
