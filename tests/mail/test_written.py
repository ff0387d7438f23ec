"""What people wrote themselves, out of what their programs make of it: quoted letters, signatures, HTML, charsets, attachments."""

# ruff: noqa: RUF001 - these very letters stand in what people write

from __future__ import annotations

import time
from email.message import EmailMessage

import pytest

from digest.mail.quoted import own_words
from digest.mail.unmarked import unmarked
from digest.mail.written import read_written

LETTER = "> Hello Ana,\n>\n> three things this week.\n> Why Lyon? Because.\n>> deeper"
OWN = "Why is Lyon closed?\n\nI liked it there."

# How programs introduce what they quote, in the languages of the letter.
INTRODUCED = {
    "gmail_en": "On Tue, Nov 24, 2026 at 9:00 AM Mara at Example <digest@example.com> wrote:",
    "gmail_en_folded": "On Tue, Nov 24, 2026 at 9:00 AM Mara at Example <\ndigest@example.com> wrote:",
    "apple_en": "On 24. Nov 2026, at 09:00, Mara <digest@example.com> wrote:",
    "gmail_de": "Am Di., 24. Nov. 2026 um 09:00 Uhr schrieb Mara <digest@example.com>:",
    "thunderbird_de": "Am 24.11.26 um 09:00 schrieb Mara:",
    "gmail_fr": "Le mar. 24 nov. 2026 à 09:00, Mara <digest@example.com> a écrit :",
    "gmail_es": "El mar, 24 nov 2026 a las 9:00, Mara (<digest@example.com>) escribió:",
    "gmail_pt": "Em ter., 24 de nov. de 2026 às 09:00, Mara <digest@example.com> escreveu:",
    "gmail_ja": "2026年11月24日(火) 9:00 Mara <digest@example.com>:",
    "gmail_ar": "في الثلاثاء، 24 نوفمبر 2026 في 9:00 ص تمت كتابة ما يلي بواسطة Mara <digest@example.com>:",
    "gmail_tr": "Mara <digest@example.com>, 24 Kas 2026 Sal, 09:00 tarihinde şunu yazdı:",
}
COPIED = {
    "outlook_en": "From: Mara <digest@example.com>\nSent: Tuesday, November 24, 2026 9:00 AM\nTo: Ana\nSubject: Three things",
    "outlook_en_ruled": "________________________________\nFrom: Mara <digest@example.com>\nSent: Tuesday\nTo: Ana\nSubject: Three things",
    "outlook_de": "Von: Mara <digest@example.com>\nGesendet: Dienstag, 24. November 2026 09:00\nAn: Ana\nBetreff: Drei Dinge",
    "outlook_fr": "De : Mara <digest@example.com>\nEnvoyé : mardi 24 novembre 2026 09:00\nÀ : Ana\nObjet : Trois choses",
    "outlook_es": "De: Mara <digest@example.com>\nEnviado el: martes, 24 de noviembre de 2026 9:00\nPara: Ana\nAsunto: Tres cosas",
    "outlook_pt": "De: Mara <digest@example.com>\nEnviado: terça-feira, 24 de novembro de 2026 09:00\nPara: Ana\nAssunto: Três coisas",
    "outlook_ja": "差出人: Mara <digest@example.com>\n送信日時: 2026年11月24日 9:00\n宛先: Ana\n件名: 三つ",
    "outlook_ar": "من: Mara <digest@example.com>\nتم الإرسال: 24 نوفمبر 2026\nإلى: Ana\nالموضوع: ثلاثة",
    "old_outlook": "-----Original Message-----\nFrom: Mara\nTo: Ana",
    "old_outlook_de": "-----Ursprüngliche Nachricht-----\nVon: Mara\nAn: Ana",
}


@pytest.mark.parametrize("which", INTRODUCED)
def test_what_a_reply_quotes_is_not_theirs(which: str) -> None:
    assert own_words(f"{OWN}\n\n{INTRODUCED[which]}\n\n{LETTER}\n") == OWN


@pytest.mark.parametrize("which", COPIED)
def test_nor_is_a_letter_copied_below_with_its_head(which: str) -> None:
    assert own_words(f"{OWN}\n\n{COPIED[which]}\n\nHello Ana,\nthree things this week.\n") == OWN


def test_words_between_and_below_quoted_lines_are_theirs() -> None:
    text = f"Hi!\n\n{INTRODUCED['gmail_de']}\n> three things\n\nThree is plenty.\n\n> Why Lyon?\nGood question.\n"
    assert own_words(text) == "Hi!\n\nThree is plenty.\n\nGood question."
    assert own_words(f"{LETTER}\n\n{OWN}") == OWN


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAna Silva\nHead of Lab",
        "--\nAna",
        "Best regards,\nAna Silva\nHead of Lab\n+49 30 1234",
        "Viele Grüße\nAna",
        "Mit freundlichen Grüßen\n\nAna Silva",
        "LG\nAna",
        "Cordialement,\nAna",
        "Un saludo,\nAna",
        "Atenciosamente,\nAna",
        "よろしくお願いいたします。\n山田",
        "مع التحية\nآنا",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Enviado do meu iPhone",
        "iPhoneから送信",
        "أرسلت من الـ iPhone",
        "Thanks!\nAna\n\nGet Outlook for iOS<https://aka.ms/o0ukef>",
    ],
)
def test_signatures_are_left_out(signature: str) -> None:
    assert own_words(f"{OWN}\n\n{signature}\n") == OWN
    assert own_words(f"{OWN}\n\n{signature}\n\n{INTRODUCED['gmail_en']}\n{LETTER}") == OWN


@pytest.mark.parametrize(
    "text",
    [
        "Thank you, but I disagree: the cold room was fine.",
        "Take a look at the cold room.\n- one\n- two\nThanks to Jonas it works.",
        "Date: tomorrow\nPlace: Lyon\nIs that right?",
        "On Monday I wrote:\nthe flow meter is broken.",
        "From what I hear: nothing.\nTo whom it may concern: nothing.",
        "Best idea this year: close the old lab.\nDanke an alle, die geholfen haben.",
        "1 > 2 is false, and a -> b",
        "Am Montag schrieb mir ein Kunde, dass die Halle kalt ist.",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert own_words(text) == text


def test_when_all_of_it_seems_quoted_nothing_is_lost() -> None:
    assert own_words("From: the lab\nTo: everybody\nSubject: kettles\nPlease wash them.").endswith("Please wash them.")


def test_html_alone_becomes_text_with_its_quotation_marked() -> None:
    html = (
        "<html><head><title>No</title><style>p{color:red}</style></head><body><p>Hi Mara,</p><div>why is <b>Lyon</b> closed?<br>"
        '<a href="https://example.org/x">this</a> <a href="javascript:alert(1)">that</a> &amp; &lt;b&gt;</div><script>alert(1)</script>'
        "<div>On Tue, Nov 24, 2026 at 9:00 AM Mara &lt;digest@example.com&gt; wrote:<br></div>"
        "<blockquote><p>three things</p><blockquote>deeper</blockquote></blockquote></body></html>"
    )
    raw = f"From: ana@example.org\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}".encode()
    assert read_written(raw).words == "Hi Mara,\n\nwhy is Lyon closed?\nthis https://example.org/x that & <b>"


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-8859-1", "Grüße: schön?"),
        ("windows-1252", "„Schön“ – oder?"),
        ("iso-2022-jp", "なぜですか？"),
        ("shift_jis", "なぜですか？"),
        ("euc-jp", "なぜですか？"),
        ("gb18030", "为什么？"),
        ("windows-1256", "لماذا؟"),
        ("koi8-r", "Почему?"),
        ("utf-16", "Grüße"),
        ("utf-8", "ä 山 👩‍🔬"),
    ],
)
def test_every_charset_is_read(charset: str, text: str) -> None:
    raw = f"From: ana@example.org\r\nContent-Type: text/plain; charset={charset}\r\n\r\n".encode() + text.encode(charset)
    assert read_written(raw).words == text


@pytest.mark.parametrize("charset", ["", "x-unknown", "us-ascii", "rot13", "hex", "idna", "punycode", "zlib", "utf-8\x00", "unicode_escape"])
def test_a_wrong_charset_loses_nothing(charset: str) -> None:
    raw = f"From: ana@example.org\r\nContent-Type: text/plain; charset={charset}\r\n\r\n".encode() + "schön \\x41".encode()
    assert read_written(raw).words == "schön \\x41"
    assert read_written(raw.replace("ö".encode(), b"\xf6")).words == "schön \\x41"


def test_flowed_text_is_whole_paragraphs_again() -> None:
    raw = b"From: a@b.c\r\nContent-Type: text/plain; format=flowed\r\n\r\nWhy is \r\nLyon closed?\r\n \r\n> quoted \r\n-- \r\nAna\r\n"
    assert read_written(raw).words == "Why is Lyon closed?"


def test_files_that_came_along_are_named_and_pictures_of_a_signature_are_not() -> None:
    message = EmailMessage()
    message["From"] = "Ana <Ana@Example.org>"
    message.set_content("See the file.")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Übersicht\r\n2026.pdf".replace("\r\n", " "))
    message.add_attachment(b"x", maintype="image", subtype="png", filename="logo.png", cid="<1@x>", disposition="inline")
    message.add_attachment("a note", filename="note.txt")
    found = read_written(message.as_bytes())
    assert (found.sender, found.words, found.attachments) == ("ana@example.org", "See the file.", ("Übersicht 2026.pdf", "note.txt"))


@pytest.mark.parametrize(
    ("line", "sender"),
    [
        ("Ana <ana@example.org>", "ana@example.org"),
        ('"bo@example.org" <ana@example.org>', "ana@example.org"),
        ("bo@example.org <ana@example.org>", "ana@example.org"),
        ("ana@example.org, bo@example.org", ""),
        ("<ana@example.org>, <bo@example.org>", ""),
        ("undisclosed", ""),
        ("ana@example.org\r\nFrom: bo@example.org", ""),
    ],
)
def test_one_sender_or_none(line: str, sender: str) -> None:
    assert read_written(f"From: {line}\r\n\r\nHi".encode()).sender == sender


def test_a_letter_without_a_message_id_is_the_same_letter_by_its_words() -> None:
    raw = b"From: ana@example.org\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\n\r\nWhy?"
    copies = {read_written(head + raw).identity for head in (b"", b"Received: by a\r\n", b"Return-Path: <ana@example.org>\r\n")}
    assert len(copies) == 1
    assert read_written(raw.replace(b"Why", b"How")).identity not in copies


def test_what_is_hostile_is_read_in_bounded_time() -> None:
    hard = [
        "<div>" * 60_000,
        "<blockquote>" * 20_000,
        "<" * 200_000,
        "On " + "a " * 100_000,
        "> " * 100_000,
        "x: y\n" * 50_000,
        "?\n" * 100_000,
        "From: a\n" * 50_000,
        "--\n" * 50_000,
        "\n" * 200_000,
        "Le " * 60_000,
        "2026年11月24日" * 10_000,
        "(" * 100_000,
        "best " * 50_000,
    ]
    for text in hard:
        for kind in ("plain", "html"):
            begun = time.process_time()
            read_written(f"From: a@b.c\r\nContent-Type: text/{kind}\r\n\r\n{text}".encode())
            assert time.process_time() - begun < 3, (kind, text[:20])


def test_too_much_is_cut_and_said_to_be() -> None:
    found = read_written(b"From: a@b.c\r\n\r\n" + b"A long story. " * 10_000)
    assert found.cut
    assert len(found.words) <= 20_000
    assert not read_written(b"From: a@b.c\r\n\r\nshort").cut


def test_html_keeps_addresses_it_shows_and_adds_those_it_hides() -> None:
    html = '<p><a href="https://example.org/a">https://example.org/a</a> <a href="https://example.org/b/">example.org/b</a> <a href="https://c.example">c</a></p>'
    assert unmarked(html) == "https://example.org/a example.org/b (https://example.org/b/) c https://c.example"
