"""The letter is HTML as the standard has it, but for what Outlook for Windows needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.mail import catalogue
from tests.by_the_book import complaints
from tests.looking import letter


@pytest.mark.parametrize("kind", ["usual", "pictures", "html", "attribute", "jinja"])
def test_no_letter_breaks_a_rule(kind: str, tmp_path: Path) -> None:
    languages = catalogue.languages() if kind in {"usual", "pictures"} else ["en", "ar"]
    assert complaints({language: letter(language, kind) for language in languages}, "letter", tmp_path) == []


def test_the_rules_themselves_find_what_is_wrong(tmp_path: Path) -> None:
    wrong = letter("en").replace("</h1>", "</h2>", 1).replace("<body", '<body id="a b" onclick', 1)
    assert len(complaints({"wrong": wrong}, "letter", tmp_path)) > 1
