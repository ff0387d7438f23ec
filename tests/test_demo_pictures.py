"""The demo's pictures: drawn once, small, named in its queue, and good enough for a letter."""

from __future__ import annotations

import shutil
from pathlib import Path

from digest.demo.company import SAMPLE
from digest.demo.pictures import FACES, illustrate
from digest.files.pictures import make
from digest.pipeline import queue
from digest.pipeline.pictures import look


def test_they_are_drawn_once_and_named_in_the_queue(tmp_path: Path) -> None:
    shutil.copyfile(SAMPLE / "queue.toml", tmp_path / "queue.toml")
    illustrate(tmp_path)
    posts = queue.load(tmp_path / "queue.toml", people=None).posts
    shown = {post.image: post.image_alt for post in posts if post.image}
    assert len(shown) == 2
    assert all(shown.values())
    assert look(tmp_path / "queue.toml", posts) == ([], 0)
    faces = list((tmp_path / FACES).iterdir())
    authors = {post.by for post in posts if post.by}
    assert {face.stem for face in faces} <= authors
    assert all(len(make(face.read_bytes(), face=True).data) < 4_000 for face in faces)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    illustrate(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
