"""Every catalogue says everything, with the same slots and CLDR's plural forms; what it lacks is named, and said in English."""

from __future__ import annotations

import gettext
import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from digest.domain.words import Words, plural_forms
from digest.mail import catalogue
from tests.catalogues import PLURALS, updated

SPOKEN = ("ar", "de", "es", "fr", "ja", "pt-br")
EVERY = [(folder, language) for folder in catalogue.FOLDERS for language in SPOKEN]
IDS = [f"{folder.parent.name}-{language}" for folder, language in EVERY]


def _texts(phrases: Words) -> list[str]:
    return [text for phrase in phrases.phrases.values() for text in ([phrase] if isinstance(phrase, str) else phrase.values())]


@pytest.mark.parametrize("folder", catalogue.FOLDERS, ids=lambda folder: folder.parent.name)
def test_seven_languages_are_spoken(folder: Path) -> None:
    assert catalogue.languages(folder) == ("en", *SPOKEN)
    assert [path.name for path in folder.iterdir() if path.suffix != ".po"] == ["en.toml"]


@pytest.mark.parametrize(("folder", "language"), EVERY, ids=IDS)
def test_every_message_is_there_with_its_slots_and_forms(folder: Path, language: str) -> None:
    assert catalogue.gaps(language, folder) == []
    assert set(catalogue.words(language, folder).phrases) == set(catalogue.english_phrases(folder))


@pytest.mark.parametrize(("folder", "language"), EVERY, ids=IDS)
def test_a_catalogue_is_what_the_script_would_write(folder: Path, language: str) -> None:
    known = catalogue.by_key(catalogue.catalogue_of(language, folder))
    written = updated(language, catalogue.english_phrases(folder), known)
    assert catalogue.path_of(language, folder).read_bytes() == written, "run scripts/words"


@pytest.mark.parametrize("language", SPOKEN)
def test_plural_forms_are_those_of_cldr(language: str) -> None:
    count, formula = re.fullmatch(r"nplurals=(\d); plural=(.*)", PLURALS[language]).groups()  # type: ignore[union-attr]
    forms, choose = plural_forms(language), gettext.c2py(formula)
    assert int(count) == len(forms)
    said = Words(language=language, phrases={"x": {form: form for form in forms}})
    for n in [*range(1300), 10**6, 10**6 + 1, 2 * 10**6]:
        assert forms[choose(n)] == said("x", n=n), n


@pytest.mark.parametrize(("folder", "language"), EVERY, ids=IDS)
def test_nothing_shouts_and_nothing_is_left_in_english(folder: Path, language: str) -> None:
    spoken, english = catalogue.words(language, folder), catalogue.english_phrases(folder)
    assert [text for text in _texts(spoken) if "!" in text or "\uff01" in text or "—" in text] == []
    assert [text for text in _texts(spoken) if text != text.strip() and text.strip() not in {",", "،", "、"} and text[0] != " "] == []
    same = [key for key, phrase in english.items() if spoken.phrases[key] == phrase and re.search(r"[a-z]{3}", re.sub(r"\{\w+\}", "", str(phrase)))]
    assert [key for key in same if not key.startswith(("date_", "moment"))] == []


@pytest.mark.parametrize("language", SPOKEN)
def test_dates_are_dates_in_every_language(language: str) -> None:
    said = catalogue.words(language)
    long, short, moment = said.day(date(2026, 11, 24), "date_long"), said.day(date(2026, 11, 24)), said.moment("2026-12-03T18:30:00+01:00")
    assert "2026" in long
    assert "24" in long
    assert "24" in short
    assert "18:30" in moment


@pytest.mark.parametrize("language", SPOKEN)
def test_a_date_of_another_year_than_the_readers_says_which(language: str) -> None:
    said = catalogue.words(language)
    for shown in (date(2026, 11, 24), date(2027, 1, 5)):
        assert ("2027" in said.day(date(2027, 1, 3), seen=shown)) is (shown.year != 2027)
        assert ("2027" in said.moment("2027-01-03T18:30:00+01:00", seen=shown)) is (shown.year != 2027)
        assert "18:30" in said.moment("2027-01-03T18:30:00+01:00", seen=shown)
    assert said.day(date(2027, 1, 3), "date_long", seen=date(2026, 1, 1)).count("2027") == 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the letter's words that may be spoilt."""
    return Path(shutil.copytree(catalogue.FOLDER, tmp_path / "words"))


SPOILT = {
    "gone": ('msgctxt "hello_all"\nmsgid "Hello,"\nmsgstr "Hallo,"\n', "", "hello_all: found no such message"),
    "empty": ('msgstr "Hallo,"', 'msgstr ""', "hello_all: found no words"),
    "fuzzy": ('msgctxt "hello_all"', '#, fuzzy\nmsgctxt "hello_all"', "hello_all: found it marked as fuzzy"),
    "slot": ('msgstr "Hallo {name},"', 'msgstr "Hallo {nam},"', "hello: found {nam} in “Hallo {nam},”, allowed {name}"),
    "brace": ('msgstr "Hallo {name},"', 'msgstr "Hallo {name,"', "hello: found {a brace without its partner}"),
    "form": ('msgstr[1] "{n} Minuten"\n', "", "minutes: found no words"),
    "old": ('msgid "Hello,"', 'msgid "Hi,"', "hello_all: found it for other English words"),
    "unknown": ('msgctxt "hello_all"', 'msgctxt "goodbye"\nmsgid "Bye"\nmsgstr "Ade"\n\nmsgctxt "hello_all"', "goodbye: found a message that"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_gap_is_named_and_said_in_english(kind: str, folder: Path) -> None:
    old, new, said = SPOILT[kind]
    path = catalogue.path_of("de", folder)
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    (gap,) = catalogue.gaps("de", folder)
    assert gap.startswith("de.po")
    assert said in gap
    german = catalogue.words("de", folder)
    assert german("hello_all") in {"Hallo,", "Hello,"}
    assert german("hello", name="Ana") in {"Hallo Ana,", "Hello Ana,"}
    assert german("minutes", n=2) in {"2 Minuten", "2 minutes"}
    assert (german("hello_all"), german("hello", name="Ana"), german("minutes", n=2)) != ("Hallo,", "Hallo Ana,", "2 Minuten") or kind == "unknown"


def test_changed_english_keeps_the_old_words_for_the_translator_to_read(folder: Path) -> None:
    known = catalogue.by_key(catalogue.catalogue_of("de", folder))
    english = {**catalogue.english_phrases(folder), "hello_all": "Good morning,", "new": "A new sentence"}
    catalogue.path_of("de", folder).write_bytes(updated("de", english, known))
    source = (folder / "en.toml").read_text(encoding="utf-8").replace('"Hello,"', '"Good morning,"')
    (folder / "en.toml").write_text(f'{source}new = "A new sentence"\n', encoding="utf-8")
    assert [gap.split(": ")[1:3] for gap in catalogue.gaps("de", folder)] == [
        ["hello_all", "found it marked as fuzzy, allowed once somebody has read it and taken the mark away"],
        ["new", "found no words"],
    ]
    assert catalogue.words("de", folder)("new") == "A new sentence"
