"""Translations in the queue: read, and every problem at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.domain.post import Said, Translation
from digest.files.content_queue import read_queue

POST = '[[post]]\ntitle = "A title"\nwhy = "Because."\nurl = "https://example.com/a"\n'


def read(path: Path, text: str) -> tuple[object, list[str]]:
    path.write_text(text, encoding="utf-8")
    queue, problems = read_queue(path, people=None, caption_problem=lambda _network, _caption: None, networks=frozenset({"x"}))
    return queue, [str(problem).removeprefix(f"{path}:") for problem in problems]


def test_translations_are_read(tmp_path: Path) -> None:
    text = (
        POST + '[post.translations.de]\ntitle = "Ein Titel"\nwhy = "Darum."\nquestions = ["Was?"]\n[post.translations.de.captions]\nx = ["Hallo"]\n'
    )
    text += '[edition]\nnote = "Hi"\n[edition.translations.PT_BR]\nnote = "Oi"\n'
    queue, problems = read(tmp_path / "queue.toml", text)
    assert problems == []
    assert queue.posts[0].translations == {"de": Translation(title="Ein Titel", why="Darum.", questions=("Was?",), captions={"x": ("Hallo",)})}  # type: ignore[attr-defined]  # a Queue
    assert queue.editions[0].translations == {"pt-br": Said(note="Oi")}  # type: ignore[attr-defined]  # a Queue


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[post.translations.de]\ntitle = "T"\n', "5:20: found no why, needed why = ..."),
        ('[post.translations.de]\ntitle = 7\nwhy = "W"\n', "6:9: found 7, allowed text in quotes"),
        (
            '[post.translations.german-language]\ntitle = "T"\nwhy = "W"\n',
            '5:20: found "german-language", allowed a language tag such as en, de or pt-br',
        ),
        ('[post.translations.de]\ntitle = "T"\nwhy = "W"\nurl = "https://x.example"\n', "8:1: found url, no such key"),
        ('[post.translations]\nde = "T"\n', '6:6: found "T", allowed a table with title, why'),
        ("translations = 3\n", "5:16: found 3, allowed tables: [post.translations.de] with its words"),
        ('language = "de"\n[post.translations.de]\ntitle = "T"\nwhy = "W"\n', 'found a translation into "de", allowed other languages'),
        (
            'visibility = "internal"\n[post.translations.de]\ntitle = "T"\nwhy = "W"\n[post.translations.de.captions]\nx = ["c"]\n',
            "found captions of an internal post, allowed none",
        ),
    ],
)
def test_each_problem_stands_at_its_place(more: str, said: str, tmp_path: Path) -> None:
    _, problems = read(tmp_path / "queue.toml", POST + more)
    assert len(problems) == 1
    assert said in problems[0]
