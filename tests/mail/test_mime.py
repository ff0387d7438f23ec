"""The head of a message: what is in it, and that nothing can add to it."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.mime import HeadError, Letter, build, constant_head, feedback_sender, mailbox, needs_smtputf8, scrub, unstructured, wire_address
from tests.conftest import NOW
from tests.factories_mail import ENVELOPE

NAMES = [
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "X-Digest-ID",
    "From",
    "Reply-To",
    "List-Unsubscribe-Post",
    "List-Id",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "Precedence",
    "Feedback-ID",
    "MIME-Version",
    "Content-Type",
]
LETTER = Letter(
    to_name="Ana Sousa",
    to_address="ana@osterglen.example",
    subject="The bakery that returned our ovens",
    date=NOW,
    reference="2026-W48.17.0123456789abcdef",
    unsubscribe="https://letter.osterglen.example/u/" + "0" * 36,
)
_BREAKS = ["\r\n", "\n", "\r", "\r\n\r\n", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x00", "%0d%0a", "\t", " "]
_HEADERS = ["Bcc: x@y.example", "=?UTF-8?Q?=0ABcc:_x@y?=", "=?", "?=", "="]
_ODD = ['"', "\\", "<", ">", ",", ";", "é", "🥐", "\u202e", "אבג", "a" * 90, "\ud800", "Ana"]
EVIL = st.lists(st.sampled_from([*_BREAKS, *_HEADERS, *_ODD]), max_size=12).map("".join)


def wire(letter: Letter) -> bytes:
    return build(constant_head(ENVELOPE, "2026-W48", "en"), ENVELOPE.message_id_domain, letter, b"--=_digest\r\n\r\nHello\r\n--=_digest--\r\n")


def head_of(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[0]


@given(name=st.one_of(EVIL, st.text(max_size=120)), subject=st.one_of(EVIL, st.text(max_size=300)))
def test_no_name_and_no_subject_can_add_a_header(name: str, subject: str) -> None:
    message = wire(replace(LETTER, to_name=name, subject=subject))
    for rules in (policy.default, policy.compat32, policy.SMTP):
        assert message_from_bytes(message, policy=rules).keys() == NAMES
    parsed = message_from_bytes(message, policy=policy.default)
    assert not parsed.defects
    assert not parsed["To"].defects
    assert not parsed["Subject"].defects
    assert [address.addr_spec for address in parsed["To"].addresses] == ["ana@osterglen.example"]
    again = message_from_bytes(parsed.as_bytes(policy=policy.compat32), policy=policy.default)
    assert again.keys() == NAMES


@given(name=st.one_of(EVIL, st.text(max_size=120)), subject=st.one_of(EVIL, st.text(max_size=300)))
def test_the_head_is_ascii_folded_and_says_what_was_meant(name: str, subject: str) -> None:
    message = wire(replace(LETTER, to_name=name, subject=subject))
    head = head_of(message)
    assert head.isascii()
    assert max(map(len, head.split(b"\r\n"))) <= 100
    assert b"\r" not in head.replace(b"\r\n", b"")
    assert b"\n" not in head.replace(b"\r\n", b"")
    plain = message_from_bytes(message, policy=policy.compat32)
    assert str(make_header(decode_header(plain["Subject"].replace("\r\n", "")))) == scrub(subject)


@given(st.text(max_size=200))
def test_a_subject_is_read_back_by_the_modern_parser_too(subject: str) -> None:
    parsed = message_from_bytes(wire(replace(LETTER, subject=subject)), policy=policy.default)
    assert " ".join(str(parsed["Subject"]).split()) == " ".join(scrub(subject).split())


@pytest.mark.parametrize("name", ["Ana Sousa", "Sousa, Ana", 'Ana "Nan" Sousa', "Анна Соуза", "Ana (sales)", "N. O'Neil-Ruiz", "日本 太郎"])
def test_a_name_is_read_back_as_it_was(name: str) -> None:
    parsed = message_from_bytes(wire(replace(LETTER, to_name=name)), policy=policy.default)
    assert parsed["To"].addresses[0].display_name == name


@pytest.mark.parametrize("name", ["a" * 200, "日" * 60, "Zoë " * 30 + "Z"])
def test_a_very_long_name_is_read_back_by_the_classic_parser(name: str) -> None:
    """The modern one puts spaces between encoded words (RFC 2047, 6.2 says to drop them)."""
    plain = message_from_bytes(wire(replace(LETTER, to_name=name)), policy=policy.compat32)
    encoded, _, address = plain["To"].replace("\r\n", "").rpartition(" ")
    assert str(make_header(decode_header(encoded))) == name
    assert address == "<ana@osterglen.example>"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "@x.example",
        "ana@",
        "a b@x.example",
        "ana@x.example\r\nBcc: b@x.example",
        "a@b@c.example",
        "<a@x.example>",
        "a@x.example,b@x.example",
        "a@x_.example",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(HeadError):
        wire(replace(LETTER, to_address=address))


@given(EVIL)
def test_an_address_with_anything_odd_in_it_is_refused_or_is_one_address(evil: str) -> None:
    try:
        message = wire(replace(LETTER, to_address=f"ana{evil}@osterglen.example"))
    except HeadError:
        return
    assert message_from_bytes(message, policy=policy.SMTPUTF8).keys() == NAMES


def test_a_domain_goes_in_ascii_and_a_local_part_outside_ascii_is_flagged() -> None:
    assert wire_address("ana@bäckerei.example") == "ana@xn--bckerei-5wa.example"
    assert not needs_smtputf8("ana@bäckerei.example")
    assert needs_smtputf8("anä@osterglen.example")
    head = head_of(wire(replace(LETTER, to_address="anä@osterglen.example")))
    assert "anä@osterglen.example" in head.decode()


def test_every_header_says_what_the_rules_ask() -> None:
    parsed = message_from_bytes(wire(LETTER), policy=policy.default)
    assert parsed["List-Unsubscribe"] == f"<{LETTER.unsubscribe}>"
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert parsed["List-Id"] == "The Osterglen Letter <digest.osterglen.example>"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["X-Auto-Response-Suppress"] == "DR, RN, NRN, OOF, AutoReply"
    assert parsed["Precedence"] == "bulk"
    assert parsed["Message-ID"] == "<2026-W48.17.0123456789abcdef@osterglen.example>"
    assert parsed["X-Digest-ID"] == LETTER.reference
    assert parsed["Date"].datetime == NOW
    assert str(parsed["Date"]).endswith("+0000")
    assert parsed["Feedback-ID"].count(":") == 3
    assert 5 <= len(parsed["Feedback-ID"].rpartition(":")[2]) <= 15


def test_a_short_domain_still_makes_a_sender_for_feedback() -> None:
    assert feedback_sender("x.y") == "digestxy"
    assert feedback_sender("letters.a-very-long-name.example") == "lettersaverylon"


@pytest.mark.parametrize("name", ["Mara, from Osterglen", "Mära", "Mara <x@y.example>", "Mara\r\nBcc: x@y.example", ""])
def test_the_sender_is_read_back_as_one_address(name: str) -> None:
    head = constant_head(replace(ENVELOPE, from_name=name, list_name=name), "2026-W48", "de")
    parsed = message_from_bytes(head + b"\r\n", policy=policy.default)
    assert [address.addr_spec for address in parsed["From"].addresses] == ["letter@osterglen.example"]
    assert parsed["From"].addresses[0].display_name == scrub(name)


def test_a_list_id_that_is_no_domain_is_refused() -> None:
    with pytest.raises(HeadError):
        constant_head(replace(ENVELOPE, list_id="a>\r\nBcc: x"), "2026-W48", "en")


def test_a_link_to_leave_that_would_break_the_line_is_refused() -> None:
    with pytest.raises(HeadError):
        wire(replace(LETTER, unsubscribe="https://x.example/\r\nBcc: y@z.example"))
    with pytest.raises(HeadError):
        wire(replace(LETTER, unsubscribe="https://x.example/" + "a" * 1000))


def test_a_long_name_before_a_long_address_is_folded() -> None:
    value = mailbox("Ana Maria " * 6, "a" * 60 + "@osterglen.example", 4)
    assert all(len(line) <= 90 for line in value.split(b"\r\n"))


def test_an_equals_and_question_mark_cannot_begin_an_encoded_word() -> None:
    assert scrub("2+2=?") == "2+2= ?"
    assert b"=?" not in unstructured("what is 2+2=? and ==??", 9)
