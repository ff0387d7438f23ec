"""The gallery takes its pictures, and its page says what each shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests import gallery

pytestmark = pytest.mark.browser

PAGE = (Path(__file__).parents[2] / "docs" / "gallery.md").read_text(encoding="utf-8")


def test_every_look_has_its_row() -> None:
    assert [look.name for look in gallery.LETTERS if f"`{look.name}`" not in PAGE] == []
    assert len({look.name for look in gallery.LETTERS}) == len(gallery.LETTERS)


def test_a_picture_of_a_letter_is_as_wide_as_its_window_and_not_blank(browser: Browser, tmp_path: Path) -> None:
    taken = next(gallery.letters(browser, tmp_path)).read_bytes()
    assert taken.startswith(b"\x89PNG")
    assert int.from_bytes(taken[16:20], "big") == gallery.SMALL
    assert len(taken) > 60_000
