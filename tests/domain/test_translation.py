"""Which words a reader gets of a post and of the edition."""

from __future__ import annotations

import pytest

from digest.domain.frozen import freeze, thaw
from digest.domain.post import Said, Translation
from digest.domain.translation import explained, in_language, post_in
from tests.factories_mail import colleague, edition

DE, PT = Translation(title="Der Ofen", why="Warum", captions={"x": ("Hallo",)}), Translation(title="O forno", why="Porque", questions=("Qual?",))


@pytest.mark.parametrize(
    ("own", "there", "reader", "chosen"),
    [
        ("en", ("de", "pt"), "de", "de"),
        ("en", ("de", "pt"), "pt-br", "pt"),
        ("en", ("de", "pt"), "de-at", "de"),
        ("en", ("de", "pt"), "fr", "en"),
        ("en", ("de", "pt"), "en", "en"),
        ("de", ("en", "pt"), "fr", "de"),
        ("de", ("en", "pt"), "en", "en"),
        ("pt", ("pt-br",), "pt-br", "pt-br"),
        ("pt-br", ("pt",), "pt-br", "pt-br"),
        ("en", ("pt-pt",), "pt-br", "pt-pt"),
    ],
)
def test_a_reader_gets_the_nearest_words(own: str, there: tuple[str, ...], reader: str, chosen: str) -> None:
    post = colleague(1, language=own, translations=dict.fromkeys(there, DE))
    assert post_in(post, reader).language == chosen
    assert post_in(post, reader).title == (DE.title if chosen != own else post.title)


def test_what_a_translation_does_not_say_is_left_out_or_kept() -> None:
    post = colleague(1, questions=("Which?",), captions={"x": ("Hello",)}, place="Porto", translations={"de": DE, "pt": PT})
    german, portuguese = post_in(post, "de"), post_in(post, "pt-br")
    assert (german.questions, dict(german.captions), german.place) == ((), {"x": ("Hallo",)}, "Porto")
    assert (portuguese.questions, dict(portuguese.captions)) == (("Qual?",), {"x": ("Hello",)})


def test_the_editions_own_words_are_translated_one_by_one() -> None:
    content = edition(translations={"de": Said(subject="Drei Öfen", note="Zwei Geschichten.")})
    german = in_language(content, "de")
    assert (german.subject, german.note, german.note_language, german.ask, german.ask_language) == (
        "Drei Öfen",
        "Zwei Geschichten.",
        "de",
        content.ask,
        "",
    )
    assert in_language(content, "fr") == content


def test_the_choice_is_counted() -> None:
    posts = (colleague(1), colleague(2, language="de"), colleague(3, translations={"de": DE}))
    assert explained(edition(posts=posts), "de") == {"own": 1, "translated": 1, "foreign": 1}


def test_translations_are_frozen_and_thawed() -> None:
    content = edition(posts=(colleague(1, translations={"de": DE, "pt": PT}),), translations={"de": Said(note="x")}, trimmed=("Left out: x.",))
    assert thaw(freeze(content)) == content
    old = {key: value for key, value in freeze(content).items() if key not in {"translations", "trimmed", "language"}}
    assert thaw(old).language == "en"
