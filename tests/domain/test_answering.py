"""Whom an answer to a notice is for, what gives its writer away, and what says "no more letters"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.answering import Way, gives_away, number_of, way_of
from digest.domain.notice import Notice
from digest.domain.reply import Becomes, becomes

POST = {Notice.PROMISED, Notice.TO_DECIDE, Notice.CHANGED, Notice.TAKEN, Notice.NOT_TAKEN, Notice.AFTERLIFE}
ENTRY = {Notice.ENTERED, Notice.WAS_YOU, Notice.OWNED, Notice.ANSWERED, Notice.ANSWERED_YOU}


def test_no_answer_about_a_letter_a_post_or_an_entry_is_mail_to_the_digest() -> None:
    assert way_of(Notice.LETTER, "letter:4") is Way.COLLEAGUE
    assert {way_of(kind, "contribution:12:3") for kind in POST} == {Way.MODERATORS}
    assert {way_of(kind, "question:7:1") for kind in ENTRY} == {Way.ENTRY}
    assert {way_of(kind, about) for kind in Notice for about in ("letter:4", "contribution:1:2", "question:7:1", "pass:1.2")} == set(Way) - {
        Way.DIGEST
    }
    assert way_of(Notice.CHOSE, "measure:off") is Way.DIGEST


@given(st.sampled_from(list(Notice)), st.text(max_size=30))
def test_every_notice_has_one_way_whatever_it_is_about(kind: Notice, about: str) -> None:
    assert way_of(kind, about) in Way
    assert number_of(about) is None or number_of(about) >= 0  # type: ignore[operator] # None was said


@pytest.mark.parametrize(
    ("words", "name", "told"),
    [
        ("Yes.\n\nAna Berg | Sales", "Ana Berg", True),
        ("Yes. Berg", "Ana Berg", True),
        ("mailto:ANA@Example.org", "", True),
        ("はい。山田太郎", "山田太郎", True),
        ("A banana in the bergs.", "Ana Berg", False),
        ("Yes, warm.", "", False),
        ("\uff21\uff4e\uff41", "Ana", True),  # in wide letters
    ],
)
def test_a_name_or_an_address_gives_its_writer_away(words: str, name: str, told: bool) -> None:
    assert gives_away(words, name, "ana@example.org") is told


@pytest.mark.parametrize(
    "words",
    [
        "Unsubscribe me please",
        "unsubscribe",
        "STOP!",
        "Please unsubscribe, thanks.",
        "How do I unsubscribe?",
        "Don\u2019t send me these any more.",
        "Take me off your list",
        "Bitte abmelden",
        "Ich will mich abmelden.",
        "Nehmt mich bitte aus dem Verteiler!",
        "Keine Mails mehr bitte",
        "Désabonnez-moi, s'il vous plaît",
        "Je souhaite me désabonner",
        "Je ne veux plus recevoir cette lettre",
        "Quiero darme de baja",
        "No quiero recibir más correos",
        "Quero me descadastrar",
        "Não quero mais receber",
        "配信停止をお願いします",
        "إلغاء الاشتراك من فضلكم",
        "لا أريد المزيد من الرسائل",
    ],
)
def test_a_wish_for_no_more_letters_is_understood(words: str) -> None:
    assert becomes("Re: The Weekly Letter", words) is Becomes.STOP


@pytest.mark.parametrize(
    "words",
    [
        "Stop the printing of flyers.",
        "Idea: unsubscribe me from the printer's mails.",
        "Why do so many people unsubscribe?",
        "Der Newsletter der Kantine ist besser.",
        "Pourquoi tant de gens se désabonnent-ils ?",
        "We could stop sending paper.",
        "La bajada de precios ayuda.",
        "Unsubscribe me from this idea that a letter has to be short. " * 5,
    ],
)
def test_what_only_speaks_of_it_is_not(words: str) -> None:
    assert becomes("Re: The Weekly Letter", words) is not Becomes.STOP
