"""The letter's words: both catalogues say the same things, in plain sentences."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

import digest.mail
from digest.domain.words import count_words, direction, initial, nearest, reading_minutes, shorten
from digest.mail import catalogue
from digest.mail.environment import templates_folder

ROOT = Path(digest.mail.__file__).parent / "words"
ENGLISH = tomllib.loads((ROOT / "en.toml").read_text(encoding="utf-8"))


def _slots(phrase: object) -> set[str]:
    texts = phrase.values() if isinstance(phrase, dict) else [phrase]
    return {slot for text in texts for slot in re.findall(r"\{(\w+)\}", str(text))}


@pytest.mark.parametrize("language", catalogue.languages())
def test_every_language_says_everything_with_the_same_slots(language: str) -> None:
    phrases = catalogue.words(language).phrases
    assert {name: _slots(phrase) for name, phrase in phrases.items()} == {name: _slots(phrase) for name, phrase in ENGLISH.items()}


@pytest.mark.parametrize("language", catalogue.languages())
def test_nothing_shouts(language: str) -> None:
    texts = [text for phrase in catalogue.words(language).phrases.values() for text in (phrase.values() if isinstance(phrase, dict) else [phrase])]
    assert [text for text in texts if "!" in text or "—" in text] == []


def test_every_phrase_is_used_and_every_used_phrase_exists() -> None:
    templates = "".join(path.read_text(encoding="utf-8") for folder in ("_base", "digest") for path in (templates_folder() / folder).iterdir())
    python = "".join(path.read_text(encoding="utf-8") for path in [*ROOT.parent.glob("*.py"), ROOT.parent.parent / "domain" / "words.py"])
    used = set(re.findall(r'words\("(\w+)"', templates)) | set(re.findall(r'"(\w+)"', templates + python))
    made = {f"stored_{mode}" for mode in ("individual", "aggregate", "off")} | {f"because_{kind}" for kind in ("topic", "team", "country", "new")}
    assert set(ENGLISH) - used - made == set()
    assert set(re.findall(r'words\("(\w+)"', templates)) - {"stored_"} <= set(ENGLISH)


def test_numbers_take_their_form() -> None:
    english, german = catalogue.words("en"), catalogue.words("de")
    assert [english("minutes", n=n) for n in (1, 2)] == ["1 minute", "2 minutes"]
    assert [german("minutes", n=n) for n in (1, 2)] == ["1 Minute", "2 Minuten"]


def test_dates_are_written_as_readers_write_them() -> None:
    day = date(2026, 11, 24)
    assert catalogue.words("en").day(day, "date_long") == "Tuesday 24 November 2026"
    assert catalogue.words("de").day(day, "date_long") == "Dienstag, 24. November 2026"
    assert catalogue.words("en").moment("2026-12-03T18:30:00+01:00") == "Thursday 3 December, 18:30"
    assert catalogue.words("en").moment("2026-12-03") == "Thursday 3 December 2026"
    assert catalogue.words("en").moment("some day") == "some day"
    assert catalogue.words("de").territory("PL") == "Polen"
    assert catalogue.words("en").territory("Porto") == "Porto"


def test_a_reader_gets_their_language_or_english() -> None:
    assert [catalogue.spoken(language) for language in ("de", "de-AT", "de_ch", "en-gb", "fr", "")] == ["de", "de", "de", "en", "en", "en"]
    assert nearest("fr", ["de"]) == "de"
    assert (direction("he-IL"), direction("de")) == ("rtl", "ltr")


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("Short", "Short"),
        ("x" * 42, "x" * 42),
        ("x" * 43, "x" * 41 + "…"),
        ("What 40,000 returned batteries taught us this year", "What 40,000 returned batteries taught us…"),
        ("two\nlines", "two lines"),
        ("👩🏽‍🔬" * 50, "👩🏽‍🔬" * 41 + "…"),
        ("Wait, what, really, no, but yes, maybe, so what", "Wait, what, really, no, but yes, maybe…"),
    ],
)
def test_a_long_title_is_cut_between_words(title: str, subject: str) -> None:
    assert shorten(title) == subject


def test_counting_and_initials() -> None:
    assert count_words("Ein Geselle, zwei Löffel: 3!") == 5
    assert [reading_minutes(n) for n in (0, 220, 221)] == [1, 1, 2]
    assert [initial(name) for name in ("tomasz", "", "  é", "👩🏽‍🔬")] == ["T", "", "É", "👩🏽‍🔬"]
