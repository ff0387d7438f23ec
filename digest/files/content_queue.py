"""queue.toml, or a folder of such files: posts, figures, answers, lessons and the week's words, or every problem."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from digest.domain.leak import Leak
from digest.domain.post import Queue
from digest.errors import UnreadableFileError
from digest.files.problems import Problem, decode
from digest.files.queue_tables import ALLOW, ANSWER, EDITION, FIGURE, LESSON, Authors, Table, captions, post_table
from digest.files.slugs import Slugs
from digest.files.tables import Notes, good_values, unknown

_AT = re.compile(r"^(?P<what>.*?) \(at (?:line (?P<line>\d+), column (?P<col>\d+)|end of document)\)$", re.DOTALL)
_PLAINER = {  # tomllib's words -> ours, for what happens most
    "Cannot overwrite a value": "a key that stands twice in its table",
    "Invalid value": "something that is no value; text stands in quotes",
    "Expected newline or end of document after a statement": "something behind the end of a value",
    "Expected '=' after a key in a key/value pair": "a line that is neither key = value nor [header]",
}
_FORGOTTEN = "its author asked to be forgotten, so this post is left out; take it out of the file, with their address"
_NUMBERED = {"post": "posts", "figure": "figures", "answer": "answers", "lesson": "lessons", "edition": "editions", "allow": "allowed"}


def read_queue(
    path: Path,
    *,
    people: frozenset[str] | None,
    erased: frozenset[str] = frozenset(),
    caption_problem: Callable[[str, str], str | None],
    networks: frozenset[str],
    site_url: str = "",
    wall: Callable[[Queue], Iterable[Leak]] | None = None,
) -> tuple[Queue, list[Problem]]:
    """The queue in `path`, a file or a folder of `*.toml`, and every problem, sorted by place.

    `people`: addresses in lower case; None: `by` may be anybody. `erased`: hashes of the addresses of people who were forgotten, whose posts
    are left out with a problem that stops nothing. `caption_problem(network, caption)` gives a sentence
    or None. `site_url`: base of our own links, which no post may lead to. `wall` finds what is internal in public words.
    What has a problem is left out of the Queue. Raises UnreadableFileError when there is nothing to read.
    """
    authors = Authors(people, erased)
    tables = {
        "edition": EDITION,
        "post": post_table(authors, captions(caption_problem, networks), site_url),
        "figure": FIGURE,
        "answer": ANSWER,
        "lesson": LESSON,
        "allow": ALLOW,
    }
    gathered = _Gathered(tables, authors.gone)
    for file in _files(path):
        gathered.add(str(file), _bytes(file))
    queue = gathered.queue()
    for leak in wall(queue) if wall else ():
        gathered.at(leak.where, str(leak))
    return queue, sorted(gathered.problems)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.glob("*.toml") if not file.name.startswith("."))


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise UnreadableFileError(file, "there is no such file", hint="Name the queue's file or folder, or run `digest init`.") from None
    except OSError as error:
        raise UnreadableFileError(file, error.strerror or str(error), hint="Check the file's permissions.") from error


@dataclass
class _Gathered:
    """What the files said so far, and who already has which id."""

    tables: Mapping[str, Table]
    gone: Callable[[str], bool]  # whether an address was of somebody who is forgotten
    problems: list[Problem] = field(default_factory=list)
    nouns: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in _NUMBERED})
    origins: dict[str, list[tuple[Notes, tuple[str | int, ...]]]] = field(default_factory=dict)  # of each noun: its file, and where in it
    drafts: list[dict[str, Any]] = field(default_factory=list)
    ids: dict[str, dict[str, Callable[[], str]]] = field(default_factory=lambda: {name: {} for name in _NUMBERED})  # id -> its place, if asked

    def add(self, file: str, raw: bytes) -> None:
        """Read one file."""
        parsed = _parse(file, raw)
        if isinstance(parsed, Problem):
            self.problems.append(parsed)
            return
        data, text = parsed
        notes = Notes(file, text)
        try:
            for name, value in data.items():
                self._several(notes, name, value)
        except RecursionError:  # the index is one step deeper in the stack than tomllib was
            self.problems.append(_too_deep(file))
        else:
            self.problems += notes.problems

    def _several(self, notes: Notes, name: str, value: Any) -> None:  # noqa: ANN401 - any TOML value
        kind = self.tables.get(name)
        if kind is None:
            notes.at_key((name,), _stray(name, value, self.tables))
        elif name == "edition" and isinstance(value, dict):
            self._one(notes, name, (name,), value, kind)
        elif isinstance(value, list) and all(isinstance(item, dict) for item in value):
            for i, item in enumerate(value):
                self._one(notes, name, (name, i), item, kind)
        else:
            notes.at_key((name,), f"found {'[' + name + ']' if isinstance(value, dict) else name + ' = ...'}, allowed [[{name}]]")

    def _one(self, notes: Notes, name: str, path: tuple[str | int, ...], data: Mapping[str, Any], kind: Table) -> None:
        before = len(notes.problems)
        good = good_values(notes, path, data, kind.spec)
        draft = name == "post" and good.get("draft") is True
        for key in ("title",) if draft else kind.required:
            if key not in data:
                notes.at_key(path, f"found no {key}, needed {key} = ...")
        for key, sentence in () if draft else kind.rules(data, good):
            if key:
                notes.at_value((*path, key), sentence)
            else:
                notes.at_key(path, sentence)
        self._claim(notes, name, path, good)
        if name == "post" and "by" in good and self.gone(good["by"]):
            notes.at_value((*path, "by"), _FORGOTTEN, stops=False)
        elif len(notes.problems) == before:
            (self.drafts if draft else self.nouns[name]).append(good)
            if not draft:
                self.origins.setdefault(name, []).append((notes, path))

    def _claim(self, notes: Notes, name: str, path: tuple[str | int, ...], good: Mapping[str, Any]) -> None:
        """See that an id, or the week of an `[edition]`, is there once in all files."""
        key = "week" if name == "edition" else "id"
        if name in {"figure", "answer"} or (key not in good and name != "edition"):
            return
        taken, value = self.ids[name], good.get(key, "")
        if value in taken:
            what = f'{key} "{value}"' if value else "a second [edition] without a week"
            notes.at_value((*path, key) if value else path, f"found {what}, allowed once; it stands at {taken[value]()} too")
        else:
            taken[value] = partial(notes.place, (*path, key) if value else path)

    def at(self, where: tuple[str | int, ...], text: str) -> None:
        """Note a problem at ("post", 2, "why"): a noun of the queue, its number, and the way to the value."""
        noun, number, *rest = where
        notes, path = self.origins[str(noun)][int(number)]
        notes.at_value((*path, *rest), text)
        self.problems.append(notes.problems[-1])

    def queue(self) -> Queue:
        """Everything without a problem."""
        slugs = Slugs(self.ids["post"])
        for good in [*self.nouns["post"], *self.drafts]:
            if "id" not in good:
                good["id"] = slugs.give(good["title"])
        drafts = tuple(self.tables["post"].make(**{"why": "", **good}) for good in self.drafts)
        return Queue(
            drafts=drafts, **{_NUMBERED[name]: tuple(self.tables[name].make(**good) for good in found) for name, found in self.nouns.items()}
        )


def _stray(name: str, value: object, tables: Mapping[str, Table]) -> str:
    if not isinstance(value, dict | list) and name in tables["post"].spec:
        return f"found {name} above the first header, allowed under [[post]]"
    return unknown(name, tables).replace("no such key", "no such table" if isinstance(value, dict | list) else "no such key")


def _parse(file: str, raw: bytes) -> tuple[dict[str, Any], str] | Problem:
    text, problem = decode(file, raw)
    if problem:
        return problem
    try:
        return tomllib.loads(text), text
    except RecursionError:
        return _too_deep(file)
    except ValueError as error:  # TOMLDecodeError, or a number too long for Python
        return _syntax(file, text, str(error))


def _too_deep(file: str) -> Problem:
    return Problem(file, 1, 1, "found lists inside lists without end, allowed a few")


def _syntax(file: str, text: str, message: str) -> Problem:
    match = _AT.match(message)
    if match is None:
        return Problem(file, 1, 1, f"found something that is not TOML: {message}")
    said = match["what"]
    twice = "a table that stands twice; tables of which there are several are written [[...]]"
    plain = f"something that is not TOML: {said[:1].lower()}{said[1:]}"
    what = twice if said.startswith("Cannot declare") else _PLAINER.get(said, plain)
    if match["line"]:
        return Problem(file, int(match["line"]), int(match["col"]), f"found {what}")
    lines = text.split("\n")
    return Problem(file, len(lines), len(lines[-1]) + 1, f"found {what}, at the end of the file")
