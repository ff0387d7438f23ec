"""Words per language: English sentences by key in `en.toml`, every other language as a gettext catalogue beside it.

A message's context is its key, its id the English sentence, so that translators' tools show both. `scripts/words` brings
the catalogues up to date with the English; what is missing then is said in English and named by `gaps`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, read_po

from digest.domain.words import Phrase, Words, exact_forms, nearest, plural_forms
from digest.errors import TemplateError

FOLDER = Path(__file__).with_name("words")
FOLDERS = (FOLDER, FOLDER.parent.parent / "web" / "words")  # the letter's and the pages'


@cache
def languages(folder: Path = FOLDER) -> tuple[str, ...]:
    """The languages that a folder of words speaks, English first."""
    return ("en", *sorted(path.stem.lower().replace("_", "-") for path in folder.glob("*.po")))


def spoken(language: str, folder: Path = FOLDER) -> str:
    """The letter's language for a reader of `language`: theirs, theirs as spoken elsewhere, else English."""
    return nearest(language, languages(folder))


def words(language: str, folder: Path = FOLDER) -> Words:
    """The words for a reader of `language`."""
    return _words(spoken(language, folder), folder)


def forget() -> None:
    """Read every catalogue anew from now on: somebody is at work on them."""
    languages.cache_clear()
    _words.cache_clear()


@cache
def _words(found: str, folder: Path) -> Words:
    english = Words(language="en", phrases=english_phrases(folder))
    if found == "en":
        return english
    return Words(language=found, phrases=dict(_translated(found, catalogue_of(found, folder), english.phrases)), fallback=english)


def english_phrases(folder: Path = FOLDER) -> dict[str, Phrase]:
    """The English sentences by key: the source of every catalogue. Raises TemplateError."""
    path = folder / "en.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TemplateError(path, f"found something that is not TOML: {error}", hint="Mend the line; text stands in quotes.") from error


def path_of(language: str, folder: Path = FOLDER) -> Path:
    """Where a language's catalogue is: `pt_BR.po` for pt-br."""
    plain, _, region = language.partition("-")
    return folder / f"{plain}{'_' + region.upper() if region else ''}.po"


def catalogue_of(language: str, folder: Path = FOLDER) -> Catalog:
    """A language's gettext catalogue. Raises TemplateError naming file and line."""
    path = path_of(language, folder)
    try:
        with path.open("rb") as file:
            return read_po(file, locale=path.stem, abort_invalid=True)
    except PoFileError as error:
        raise TemplateError(f"{path}:{error.lineno + 1}", str(error).rpartition(" on ")[0], hint="Mend the line, or run scripts/words.") from error
    except UnicodeDecodeError as error:
        raise TemplateError(path, "found bytes that are not UTF-8, allowed UTF-8 text", hint="Save the file as UTF-8.") from error


def by_key(catalogue: Catalog) -> dict[str, Message]:
    """The messages of a catalogue by their context."""
    return {message.context: message for message in catalogue if message.id and message.context}


def source_of(phrase: Phrase) -> str | tuple[str, str]:
    """A phrase as a gettext message id."""
    return phrase if isinstance(phrase, str) else (phrase["one"], phrase["other"])


def _translated(language: str, catalogue: Catalog, english: Mapping[str, Phrase]) -> Iterator[tuple[str, Phrase]]:
    for key, message in by_key(catalogue).items():
        if key in english and not _gap(language, message, english[key]):
            yield key, _phrase(language, message)


def _phrase(language: str, message: Message) -> Phrase:
    if isinstance(message.string, str):
        return message.string
    return dict(zip(plural_forms(language), message.string or (), strict=True))


def gaps(language: str, folder: Path = FOLDER) -> list[str]:
    """What keeps a language from saying everything: one sentence per message, with its file."""
    path, english = path_of(language, folder), english_phrases(folder)
    found = by_key(catalogue_of(language, folder))
    missing = [f"{path.name}: {key}: found no such message, needed one for {_shown(english[key])}" for key in english if key not in found]
    extra = {key: "found a message that the English does not have" for key in found if key not in english}
    wrong = extra | {key: _gap(language, message, english[key]) for key, message in found.items() if key in english}
    return [*missing, *(f"{path.name}:{_line(found[key])}: {key}: {gap}" for key, gap in wrong.items() if gap)]


def _line(message: Message) -> int:
    return message.lineno or 0


def _shown(phrase: Phrase) -> str:
    return f"“{phrase if isinstance(phrase, str) else phrase['other']}”"


def _gap(language: str, message: Message, english: Phrase) -> str:
    """Why a message cannot be used, or ""."""
    if message.fuzzy:
        return "found it marked as fuzzy, allowed once somebody has read it and taken the mark away"
    forms = plural_forms(language)
    wanted = 1 if isinstance(english, str) else len(forms)
    texts = [message.string] if isinstance(message.string, str) else list(message.string or ())
    if isinstance(english, str) != isinstance(message.string, str) or len(texts) != wanted:
        return f"found {len(texts)} plural forms, allowed {wanted} ({', '.join(forms)})"
    if not all(text.strip() for text in texts):
        return "found no words"
    if (source := source_of(english)) != (message.id if isinstance(message.id, str) else tuple(message.id)):
        return f"found it for other English words, needed for {source!r}; run scripts/words"
    slots = slots_of(english)
    for form, text in zip(forms if wanted > 1 else ("",), texts, strict=True):
        allowed = [slots, slots - {"n"}] if form in exact_forms(language) else [slots]
        if slots_of(text) not in allowed:
            return f"found {{{'}, {'.join(sorted(slots_of(text)))}}} in “{text}”, allowed {{{'}, {'.join(sorted(slots))}}}"
    return ""


def slots_of(phrase: Phrase) -> set[str]:
    """The names in braces."""
    texts = [phrase] if isinstance(phrase, str) else phrase.values()
    try:
        return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:  # a brace without its partner
        return {"a brace without its partner"}
