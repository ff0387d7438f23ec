"""Whose words they are, which are not taken, and what the others become."""

# ruff: noqa: RUF001 - these very letters stand in what people write

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.reply import Becomes, Skip, Someone, Vouched, Written, becomes, plain_words, skipped, vouched, whose, without_name

ANA = Someone(id=1, address="ana@example.org", name="Ana Silva", language="en")
BEN = Someone(id=2, address="ben@example.org", name="Ben", language="de")
OURS = frozenset({"digest@example.com"})
WRITTEN = Written(
    sender="ana@example.org", identity="<1@x>", subject="Re: hello", to=("digest@example.com",), notices=(), automatic=False, bulk=False,
    digest=False, authentication=(), words="Why?", cut=False, attachments=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("answered", "sender", "says", "found"),
    [
        (ANA, ANA, Vouched.SILENT, (1, True)),  # she has the letter and the address
        (ANA, ANA, Vouched.NO, (1, False)),
        (None, ANA, Vouched.SILENT, (1, False)),  # anybody could write her name
        (None, ANA, Vouched.YES, (1, True)),
        (ANA, BEN, Vouched.SILENT, (2, False)),  # Ben answers a letter of hers that was passed on
        (ANA, BEN, Vouched.YES, (2, True)),
        (ANA, None, Vouched.YES, (1, False)),  # from her other address, or by who was sent her letter
        (None, None, Vouched.YES, None),
    ],
)
def test_a_from_line_alone_is_nobodys_word(answered: Someone | None, sender: Someone | None, says: Vouched, found: tuple[int, bool] | None) -> None:
    one = whose(answered, sender, says)
    assert found == (None if one is None else (one.person.id, one.sure))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"automatic": True}, Skip.AUTOMATIC),
        ({"bulk": True}, Skip.MAYBE_AUTOMATIC),
        ({"digest": True}, Skip.OWN),
        ({"sender": "digest@example.com"}, Skip.OWN),
        ({"to": ("info@example.com",)}, Skip.NOT_TO_US),
    ],
)
def test_what_is_not_taken_has_a_name(changes: dict[str, object], reason: Skip | None) -> None:
    assert skipped(replace(WRITTEN, **changes), answers=False, ours=OURS) is reason  # type: ignore[arg-type]  # one field each


def test_an_answer_to_a_letter_may_come_to_any_address_of_ours() -> None:
    assert skipped(replace(WRITTEN, to=("bounces@example.com",)), answers=True, ours=OURS) is None


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Three things",
        "Auto-Reply: x",
        "Out of office: back on Monday",
        "Automatische Antwort: x",
        "Abwesenheitsnotiz",
        "Abwesend bis 3.12.",
        "Réponse automatique : x",
        "Absence du bureau",
        "Respuesta automática: x",
        "Fuera de la oficina",
        "Resposta automática: x",
        "Ausência temporária",
        "自動応答: x",
        "不在のお知らせ",
        "رد تلقائي: x",
        "خارج المكتب",
    ],
)
def test_an_absence_is_known_by_its_subject_where_no_field_tells(subject: str) -> None:
    assert skipped(replace(WRITTEN, subject=subject), answers=True, ours=OURS) is Skip.MAYBE_AUTOMATIC


@pytest.mark.parametrize("subject", ["Re: Out of office", "Why is the office automatic?", "Autos in Lyon", "Ooops", "Holiday pictures"])
def test_no_other_subject_is_an_absence(subject: str) -> None:
    assert skipped(replace(WRITTEN, subject=subject), answers=True, ours=OURS) is None


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Why is Lyon closed", Becomes.QUESTION),
        ("Nice letter. Who wrote it?", Becomes.QUESTION),
        ("Warum nicht", Becomes.QUESTION),
        ("なぜですか？", Becomes.QUESTION),
        ("لماذا؟", Becomes.QUESTION),
        ("Pourquoi pas ?", Becomes.QUESTION),
        ("Is that so?\nHere is more: https://example.org/a", Becomes.QUESTION),
        ("See https://example.org/a?b=c?", Becomes.POST),
        ("Worth reading: https://example.org/a", Becomes.POST),
        ("post: a short one", Becomes.POST),
        ("Beitrag: kurz", Becomes.POST),
        ("投稿：短い", Becomes.POST),
        ("word " * 60, Becomes.POST),
        ("word " * 80 + "\nDo you agree?", Becomes.POST),
        ("長" * 200, Becomes.POST),
        ("I disagree with the second post.", Becomes.OBJECTION),
        ("Einspruch: nein", Becomes.OBJECTION),
        ("Idea: more pictures?", Becomes.SUGGESTION),
        ("Thank you, I liked the second one.", Becomes.SUGGESTION),
        ("Whyever", Becomes.SUGGESTION),
    ],
)
def test_words_become_what_they_look_like(words: str, kind: Becomes) -> None:
    assert becomes("Re: Three things", words) is kind


def test_the_subject_may_call_it_too_and_the_text_goes_first() -> None:
    assert becomes("Re: AW: Question: Lyon", "Lyon is closed") is Becomes.QUESTION
    assert becomes("Question: Lyon", "Objection: no") is Becomes.OBJECTION
    assert plain_words("Question: why?") == "why?"
    assert plain_words("why: this") == "why: this"


@given(st.text(max_size=2000), st.text(max_size=200))
def test_whatever_is_written_becomes_something_and_loses_nothing(words: str, subject: str) -> None:
    assert becomes(subject, words) in Becomes
    assert words.endswith(plain_words(words)) or words.strip().endswith(plain_words(words))
    assert words.startswith(without_name(words, "Ana Silva").split("\n")[0]) or not words.strip() or words[0].isspace()


def test_their_name_at_the_end_goes() -> None:
    assert without_name("Why?\n\nAna\n", "Ana Silva") == "Why?"
    assert without_name("Why?\n- Ana Silva", "Ana Silva") == "Why?"
    assert without_name("Ana", "Ana Silva") == "Ana"
    assert without_name("Why?\nAnastasia", "Ana Silva") == "Why?\nAnastasia"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (["mx.example.com; dmarc=pass header.from=example.org"], Vouched.YES),
        (["mx.example.com 1; spf=fail smtp.mailfrom=x; dmarc=pass (p=NONE sp=NONE) header.from=Example.org"], Vouched.YES),
        (["mx.example.com; dmarc=pass header.from=evil.example"], Vouched.NO),
        (["mx.example.com; dmarc=fail header.from=example.org"], Vouched.NO),
        (["mx.example.com; dmarc=none; spf=pass"], Vouched.SILENT),
        (["mx.example.com; xdmarc=pass header.from=example.org"], Vouched.SILENT),
        (["evil.example; dmarc=pass header.from=example.org"], Vouched.SILENT),
        (["mx.example.com; dmarc=fail", "mx.example.com; dmarc=pass header.from=example.org"], Vouched.NO),  # the newest stands first
        ([""], Vouched.SILENT),
        ([], Vouched.SILENT),
    ],
)
def test_only_the_newest_word_of_a_trusted_server_counts(values: list[str], says: Vouched) -> None:
    assert vouched(values, "ana@example.org", {"mx.example.com"}) is says
    assert vouched(values, "ana@example.org", set()) is Vouched.SILENT
