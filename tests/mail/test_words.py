"""The letter's words: all used, numbers and dates as readers write them, languages chosen, subjects cut."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

import digest.mail
from digest.domain.consent import Switch
from digest.domain.contribution import FACTS, WORDS, EditReason
from digest.domain.notice import Notice
from digest.domain.post import Kind, Visibility
from digest.domain.question import QuestionKind
from digest.domain.words import count_words, direction, initial, nearest, pace, reading_minutes, shorten
from digest.mail import catalogue, receipt
from digest.mail.environment import templates_folder

ROOT = Path(digest.mail.__file__).parent
ENGLISH = catalogue.english_phrases()


def test_every_phrase_is_used_and_every_used_phrase_exists() -> None:
    templates = "".join(
        path.read_text(encoding="utf-8") for folder in ("_base", "digest", "notice") for path in (templates_folder() / folder).iterdir()
    )
    python = "".join(
        path.read_text(encoding="utf-8") for path in [*ROOT.glob("*.py"), *ROOT.parent.glob("pipeline/*.py"), ROOT.parent / "domain" / "words.py"]
    )
    used = set(re.findall(r'words\("(\w+)"', templates)) | set(re.findall(r'"(\w+)"', templates + python))
    notices = {f"notice_{kind}_{part}" for kind in Notice for part in ("subject", "what", "do", "button")}
    made = (
        notices
        | {f"stored_{mode}" for mode in ("individual", "aggregate", "off")}
        | {f"because_{kind}" for kind in ("topic", "team", "country", "new")}
        | {f"field_{name}" for name in (*WORDS, *FACTS)}
        | {f"visibility_{side}" for side in Visibility}
        | {f"kind_{kind}" for kind in Kind}
        | {f"reason_{reason}" for reason in EditReason}
        | {f"notice_said_{kind}" for kind in QuestionKind}
        | {f"own_{what}" for what in (*Switch, "frequency", "pause", "hour", "language", "topics", "networks", "on", "off", "changed")}
        | {f"own_{slot}" for slot in receipt.SLOTS}
    )
    assert set(ENGLISH) - used - made == set()
    assert set(re.findall(r'words\("(\w+)"', templates)) - {"stored_", "notice_"} <= set(ENGLISH)


def test_numbers_take_their_form() -> None:
    english, german = catalogue.words("en"), catalogue.words("de")
    assert [english("minutes", n=n) for n in (1, 2)] == ["1 minute", "2 minutes"]
    assert [german("minutes", n=n) for n in (1, 2)] == ["1 Minute", "2 Minuten"]
    assert [catalogue.words("fr")("open_days", n=n)[-7:] for n in (0, 1, 2)] == [" 0 jour", " 1 jour", "2 jours"]
    assert [catalogue.words("ar")("minutes", n=n) for n in (0, 1, 2, 3, 11, 100, 103)] == [
        "أقل من دقيقة",
        "دقيقة واحدة",
        "دقيقتان",
        "3 دقائق",
        "11 دقيقة",
        "100 دقيقة",
        "103 دقائق",
    ]
    assert catalogue.words("ja")("minutes", n=2) == "2分"
    assert catalogue.words("de")("open_days", n=1234) == "Offen seit 1.234 Tagen"


def test_figures_are_written_as_readers_write_them() -> None:
    said = {"40000 h": "40.000 h", "12345.50%": "12.345,50%", "-1.5": "-1,5"}
    said |= {text: text for text in ("91%", "€500", "3,5", "2026-W48", "")}
    assert {text: catalogue.words("de").figure(text) for text in said} == said
    assert catalogue.words("en").figure("40000") == "40,000"
    assert catalogue.words("ar").figure("9 days") == "\u200e9 days\u200e"
    assert catalogue.words("ar").figure("9 أيام") == "9 أيام"
    assert catalogue.words("en").figure("9" * 40) == "9" * 40


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
    assert [catalogue.spoken(language) for language in ("de", "de-AT", "de_ch", "en-gb", "pl", "")] == ["de", "de", "de", "en", "en", "en"]
    assert {catalogue.spoken(language) for language in ("pt", "pt-PT", "pt_BR")} == {"pt-br"}
    assert [catalogue.spoken(language) for language in ("ar-eg", "ja-JP", "fr-CA")] == ["ar", "ja", "fr"]
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
    assert count_words("今日は天気がいい。OK 3つ") == 4 + 1 + 1 + 1
    assert [reading_minutes(n, pace("en")) for n in (0, 228, 229)] == [1, 1, 2]
    assert pace("pt-br") < pace("en")
    assert [initial(name) for name in ("tomasz", "", "  é", "👩🏽‍🔬")] == ["T", "", "É", "👩🏽‍🔬"]
