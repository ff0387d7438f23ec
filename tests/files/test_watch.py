"""Files that came, went or changed are noticed by time and size."""

from __future__ import annotations

import os
from pathlib import Path

from digest.files.watch import changed, signature


def test_every_kind_of_change_is_seen_and_nothing_else(tmp_path: Path) -> None:
    folder, alone = tmp_path / "site", tmp_path / "queue.toml"
    (folder / "deep").mkdir(parents=True)
    for path in (alone, folder / "a.html", folder / "deep" / "b.html"):
        path.write_text("x", encoding="utf-8")
    paths = [alone, folder, tmp_path / "never-there"]
    before = signature(paths)
    assert set(before) == {str(alone), str(folder / "a.html"), str(folder / "deep" / "b.html")}
    assert changed(before, signature(paths)) == set()
    alone.write_text("yy", encoding="utf-8")
    os.utime(folder / "a.html", ns=(1, 1))
    (folder / "deep" / "b.html").unlink()
    (folder / "c.html").write_text("", encoding="utf-8")
    assert changed(before, signature(paths)) == {str(alone), *(str(folder / name) for name in ("a.html", "deep/b.html", "c.html"))}


def test_a_link_that_leads_nowhere_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    assert signature([tmp_path]) == {}
