"""Bring the gettext catalogues up to date with the English words. Run by `scripts/words`; prints what is left to translate."""

from __future__ import annotations

import io
import sys

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import write_po

from digest.domain.words import Phrase, plural_forms
from digest.mail import catalogue

# What gettext's own tools read; ours takes the forms from CLDR, and a test proves that both agree.
PLURALS = {
    "ar": "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5",
    "de": "nplurals=2; plural=n != 1",
    "es": "nplurals=3; plural=n == 1 ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2",
    "fr": "nplurals=3; plural=n == 0 || n == 1 ? 0 : n % 1000000 == 0 ? 1 : 2",
    "ja": "nplurals=1; plural=0",
    "pt-br": "nplurals=3; plural=n == 0 || n == 1 ? 0 : n % 1000000 == 0 ? 1 : 2",
}


def updated(language: str, english: dict[str, Phrase], known: dict[str, Message]) -> bytes:
    """The catalogue with exactly the English messages, in their order; a changed sentence keeps its old words, marked fuzzy."""
    made = Catalog(locale=Locale.parse(language, sep="-"), fuzzy=False)
    made.mime_headers = [("Plural-Forms", PLURALS[language])]  # Babel's own list has fewer forms than CLDR for some
    for key, phrase in english.items():
        source, old = catalogue.source_of(phrase), known.get(key)
        empty = "" if isinstance(phrase, str) else ("",) * len(plural_forms(language))
        fits = old is not None and isinstance(old.string, str) == isinstance(phrase, str)
        same = old is not None and (old.id if isinstance(old.id, str) else tuple(old.id)) == source
        flags = [] if same or not fits else ["fuzzy"]
        made.add(source, string=old.string if fits and old is not None else empty, context=key, flags=flags)
    return written(made, language)


def written(made: Catalog, language: str) -> bytes:
    """A catalogue's octets, the same for the same words: no dates and no tool's name in its head."""
    out = io.BytesIO()
    write_po(out, made, width=0, omit_header=True)
    head = [f"Language: {catalogue.path_of(language).stem}", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8"]
    head += ["Content-Transfer-Encoding: 8bit", f"Plural-Forms: {PLURALS[language]};"]
    first = "".join(f'"{line}\\n"\n' for line in head)
    name = Locale.parse(language, sep="-").english_name
    return f'# {name}. The context is the key in en.toml, the id what it says.\nmsgid ""\nmsgstr ""\n{first}\n'.encode() + out.getvalue()


def main() -> int:
    """Rewrite every catalogue; 1 when something is left to translate."""
    left: list[str] = []
    for folder in catalogue.FOLDERS:
        english = catalogue.english_phrases(folder)
        for language in catalogue.languages(folder)[1:]:
            known = catalogue.by_key(catalogue.catalogue_of(language, folder))
            catalogue.path_of(language, folder).write_bytes(updated(language, english, known))
            left += [f"{folder.parent.name}/words/{gap}" for gap in catalogue.gaps(language, folder)]
    sys.stdout.write("".join(f"{line}\n" for line in left) or "Every catalogue says everything.\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
