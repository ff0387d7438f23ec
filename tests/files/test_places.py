"""The index of a TOML document agrees with tomllib about every key and value there is."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.files.places import Path, Places

KEYS = ["a", "post", "x-1", "7", "dotted.key", "hash#", 'quo"te', "ü", "", "[[post]]", "new\nline"]
PIECES = ["word", " ", "#", '"', "'", '""', "''", "\\", "\n", "[[post]]", "= 1", "]", "}", ",", "ü", "🎉", "\t"]
SCALARS = ["1", "-0.5", "true", "inf", "0xFF", "1_000", "2026-11-24", "09:00:00", "2026-11-24 09:00:00", "2026-11-24T09:00:00.5+01:00", "1e6"]

strings = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
Draw = Callable[[st.SearchStrategy[Any]], Any]


def _key(draw: Draw, name: str) -> str:
    styles = [json.dumps(name, ensure_ascii=False)]
    if name and all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
        styles.append(name)
    if "'" not in name and "\n" not in name:
        styles.append(f"'{name}'")
    return str(draw(st.sampled_from(styles)))


def _string(draw: Draw, text: str) -> str:
    plain = text.replace("\\", "\\\\")
    styles = [json.dumps(text, ensure_ascii=False), '"""' + plain.replace('"', '\\"') + '"""', '"""\n' + plain.replace('"""', '""\\"') + ' """']
    if not text.endswith('"""') and '"""' not in text:
        styles.append('"""x' + plain + '"""')
    if "'" not in text and "\n" not in text:
        styles.append(f"'{text}'")
    if "'''" not in text:
        styles.append(f"'''x{text}'''")
    return str(draw(st.sampled_from(styles)))


def _value(draw: Draw, depth: int) -> str:
    kind = draw(st.sampled_from(["scalar", "string", "string", *(["array", "inline"] if depth else [])]))
    if kind == "scalar":
        return str(draw(st.sampled_from(SCALARS)))
    if kind == "string":
        return _string(draw, draw(strings))
    if kind == "array":
        gap = draw(st.sampled_from(["", " ", "\n  ", " # comment ] , \n"]))
        items = [_value(draw, depth - 1) for _ in range(draw(st.integers(0, 3)))]
        trailing = f",{gap}" if items and draw(st.booleans()) else ""
        return f"[{gap}" + f",{gap}".join(f"{item}{gap}" for item in items) + trailing + "]"
    names = draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=3))
    return "{ " + ", ".join(_pair(draw, name, depth - 1) for name in names) + " }"


def _pair(draw: Draw, name: str, depth: int) -> str:
    key = _key(draw, name)
    if draw(st.booleans()):  # a dotted key, with spaces around its dot
        key += draw(st.sampled_from([".", " . ", "\t."])) + _key(draw, draw(st.sampled_from(KEYS)))
    return f"{key}{draw(st.sampled_from([' = ', '=', chr(9) + '= ']))}{_value(draw, depth)}"


def _table(draw: Draw, header: list[str], depth: int) -> Iterator[str]:
    names = draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=4))
    split = draw(st.integers(0, len(names)))
    for name in names[:split]:
        yield _pair(draw, name, 2)
        if draw(st.booleans()):
            yield draw(st.sampled_from(["", "# key = 1", "  # [[post]]", "\t"]))
    if not depth:
        return
    for name in names[split:]:
        path = [*header, _key(draw, name)]
        if draw(st.booleans()):
            yield f"[ {' . '.join(path)} ] # here"
            yield from _table(draw, path, depth - 1)
        else:
            for _ in range(draw(st.integers(1, 3))):
                yield f"[[{'.'.join(path)}]]"
                yield from _table(draw, path, depth - 1)


@st.composite
def documents(draw: Draw) -> str:
    text = "\n".join(_table(draw, [], 2)) + draw(st.sampled_from(["", "\n", "\n\n# end"]))
    return str(text.replace("\n", "\r\n") if draw(st.booleans()) else text)


def _walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if path:
        yield path, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inside in pairs:
        yield from _walk(inside, (*path, key))


@given(documents())
def test_every_key_and_value_is_found_where_tomllib_read_it(text: str) -> None:
    data = tomllib.loads(text)
    places = Places(text)
    there = dict(_walk(data))
    assert places.keys.keys() | places.values.keys() == there.keys()
    for path, (start, end) in places.values.items():
        assert tomllib.loads(f"x = {places.text[start:end]}")["x"] == there[path] or there[path] != there[path]
    for path, (start, end) in places.keys.items():
        written = places.text[start:end]
        assert written.startswith("[[") if isinstance(path[-1], int) else list(tomllib.loads(f"{written} = 0")) == [path[-1]]
    leaves = {path for path, value in there.items() if not isinstance(value, dict | list)}
    assert leaves <= places.values.keys()


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("post", 0), (2, 1)),
        (("post", 1, "why"), (9, 7)),
        (("post", 1, "captions", "x", 1), (13, 13)),
        (("post", 1, "only", "teams"), (10, 38)),
        (("post", 1, "only", "gone"), (10, 8)),
        (("post", 1, "nothing", "at", "all"), (8, 1)),
        (("nowhere",), (1, 1)),
    ],
)
def test_a_place_is_a_line_and_a_column_from_one_or_the_nearest_around_it(path: Path, place: tuple[int, int]) -> None:
    text = '''# first
[[post]]
title = "one"
why = """
[[post]]
not a header"""

[[post]]
why = 'x'
only = { countries = ["DE"], teams = ["A"] }

[post.captions]
x = ["one", "two"]
'''
    assert Places(text).of_value(path) == place


def test_a_key_has_its_own_place_beside_its_value() -> None:
    places = Places("a.b  = 1\n")
    assert (places.of_key(("a", "b")), places.of_value(("a", "b"))) == ((1, 3), (1, 8))


def test_indexing_takes_one_walk_however_many_posts_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    skip = Places._skip

    def counted(self: Places, pattern: Any, at: int) -> int:
        nonlocal steps
        steps += 1
        return skip(self, pattern, at)

    monkeypatch.setattr(Places, "_skip", counted)
    post = '[[post]]\ntitle = "t"\nwhy = "w"\ntopics = ["a", "b"]\nonly = { teams = ["x"] }\n'
    counts = []
    for many in (100, 200, 400):
        steps = 0
        Places(post * many)
        counts.append(steps)
    assert counts[2] - counts[1] == 2 * (counts[1] - counts[0])
