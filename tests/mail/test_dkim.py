"""Every signature is read by dkimpy, which shares no code with us."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import NaiveTimeError
from digest.mail.dkim import COVERED, Signer, SigningError, relaxed_body, relaxed_field
from digest.mail.mime import Letter, build, constant_head
from digest.pipeline.rendering import Renderer, compile_languages
from tests.factories_mail import ENVELOPE, KEYS, edition, message
from tests.signing import DOMAIN, pem, signer, verified

SIGNED_AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # dkimpy refuses signatures from the future
RSA, ED25519 = pem("RSA"), pem("ED25519")
BOTH = {"s2026": RSA, "e2026": ED25519}
HEAD = b"From: Mara <letter@osterglen.example>\r\nTo: ana@osterglen.example\r\nSubject: Hello\r\n"
LETTER = Letter(
    to_name="Ana",
    to_address="ana@example.org",
    subject="Forty thousand batteries",
    date=SIGNED_AT,
    reference="2026-W48.17.0123456789abcdef",
    unsubscribe="https://digest.example.com/u/0123",
)


@pytest.fixture(scope="module")
def both() -> Signer:
    return signer(BOTH)


@pytest.fixture(scope="module")
def letter() -> bytes:
    """A letter as it goes out: 46 KB of quoted-printable."""
    content = edition()
    return Renderer(content, ENVELOPE, compile_languages(content, ["en"]), KEYS).wire(message())


@pytest.mark.parametrize("keys", [{"s2026": RSA}, {"e2026": ED25519}, BOTH], ids=["rsa", "ed25519", "both"])
def test_a_letter_verifies_with_each_key(keys: dict[str, bytes], letter: bytes) -> None:
    ours = signer(keys)
    signed = ours.sign(letter, SIGNED_AT)
    assert signed.endswith(letter)
    assert verified(signed, ours.records) == [True] * len(keys)


def test_a_signature_covers_everything_a_provider_asks_for(both: Signer, letter: bytes) -> None:
    head = both.sign(letter, SIGNED_AT).partition(b"\r\nTo: ")[0].decode()
    names = re.sub(r"\s", "", re.findall(r"h=([^;]+);", head)[0]).split(":")
    assert set(names) == set(COVERED)
    asked = "From To Subject Date Message-ID Reply-To List-Id List-Unsubscribe List-Unsubscribe-Post Feedback-ID MIME-Version Content-Type"
    assert set(asked.split()) <= set(names)
    assert names.count("From") == 2


@pytest.mark.parametrize("name", ["From", "Subject", "Reply-To", "To", "Date"])
def test_a_second_field_slipped_in_breaks_every_signature(both: Signer, letter: bytes, name: str) -> None:
    signed = both.sign(letter, SIGNED_AT)
    assert verified(f"{name}: Somebody else <evil@example.net>\r\n".encode() + signed, both.records) == [False, False]


def test_its_lines_are_folded(both: Signer, letter: bytes) -> None:
    added = both.sign(letter, SIGNED_AT).removesuffix(letter)
    assert max(map(len, added.split(b"\r\n"))) <= 76
    assert added.endswith(b"\r\n")
    assert not re.search(rb"[ \t]\r\n", added)


def test_the_same_moment_gives_the_same_octets_and_another_one_does_not(both: Signer, letter: bytes) -> None:
    assert both.sign(letter, SIGNED_AT) == signer(BOTH).sign(letter, SIGNED_AT)
    assert both.sign(letter, SIGNED_AT) != both.sign(letter, SIGNED_AT.replace(hour=10))


def test_a_moment_without_zone_is_refused(both: Signer, letter: bytes) -> None:
    with pytest.raises(NaiveTimeError):
        both.sign(letter, SIGNED_AT.replace(tzinfo=None))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\r\n\r\n\r\n", id="only empty lines"),
        pytest.param(b"..\r\n...three\r\n..one\r\n", id="stuffed dots"),
        pytest.param(b"words \t \r\n  two   three\t\tfour\r\n \r\n\t\r\n", id="white space everywhere"),
        pytest.param("Übermorgen, čaj\r\n".encode(), id="eight bits"),
        pytest.param(b"no end", id="no last line break"),
    ],
)
def test_odd_bodies_verify(both: Signer, body: bytes) -> None:
    assert verified(both.sign(HEAD + b"\r\n" + body, SIGNED_AT), both.records) == [True, True]


def test_a_head_alone_verifies(both: Signer) -> None:
    assert verified(both.sign(HEAD, SIGNED_AT).replace(HEAD, HEAD + b"\r\n"), both.records) == [True, True]


@pytest.mark.parametrize("subject", ["Vierzigtausend Batterien für Köln", "四万个电池教会我们的事" * 4, "a" * 200, "two  spaces", "ends in a colon:"])
def test_odd_subjects_and_names_verify(both: Signer, subject: str) -> None:
    outside = replace(LETTER, subject=subject, to_name="Žofie Nováková-Dvořáková" * 3, to_address="žofie@exämple.org")
    wire = build(constant_head(ENVELOPE, "2026-W48", "en"), DOMAIN, outside, b"Hello\r\n")
    assert verified(both.sign(wire, SIGNED_AT), both.records) == [True, True]


def test_folded_and_repeated_fields_verify(both: Signer) -> None:
    wire = b"From:  Mara\r\n\t<letter@osterglen.example>  \r\nto: ana@x.example\r\nTO:\r\n ben@x.example\r\nSubject:\r\n\r\nHello\r\n"
    assert verified(both.sign(wire, SIGNED_AT), both.records) == [True, True]


def test_one_changed_octet_anywhere_fails(both: Signer, letter: bytes) -> None:
    signed = bytearray(both.sign(letter, SIGNED_AT))
    body = signed.index(b"\r\n\r\n") + 4
    places = [signed.index(b"\r\nSubject: ") + 12, signed.index(b"\r\nFeedback-ID: ") + 16, signed.index(b"\r\nList-Unsubscribe: ") + 30]
    for place in [*places, *range(body + 70, len(signed), 9001)]:
        was = signed[place]
        signed[place] = ord("x") if was != ord("x") else ord("y")
        assert verified(bytes(signed), both.records) == [False, False], place
        signed[place] = was
    assert verified(bytes(signed), both.records) == [True, True]


def test_a_key_that_the_dns_does_not_name_fails(both: Signer, letter: bytes) -> None:
    stranger = signer({"s2026": pem("RSA"), "e2026": pem("ED25519")})
    assert verified(both.sign(letter, SIGNED_AT), stranger.records) == [False, False]


LINES = st.lists(st.text("ab.= \t\r\n", max_size=12), max_size=12).map(lambda parts: "\r\n".join(parts).encode())
WHOLE_LINES = st.lists(st.text("ab.= \t", max_size=12), max_size=12).map(lambda lines: "".join(f"{line}\r\n" for line in lines).encode())


def slow_body(body: bytes) -> bytes:
    """RFC 6376, 3.4.4, word for word."""
    body = re.sub(rb"[ \t]+(?=\r\n|\Z)", b"", body)
    body = re.sub(rb"[ \t]+", b" ", body)
    body = re.sub(rb"(\r\n)*\Z", b"", body)
    return body + b"\r\n" if body else b""


@given(LINES)
def test_the_quick_way_to_hash_a_body_equals_the_slow_one(body: bytes) -> None:
    assert relaxed_body(body) == slow_body(body)


@given(st.text("ab: \t", max_size=20), st.text("ab: \t", max_size=20))
def test_a_field_is_hashed_as_the_rfc_says(first: str, second: str) -> None:
    field = f"Subject \t:{first}\r\n {second}\r\n".encode()
    value = re.sub(rb"[ \t]+", b" ", f"{first} {second}".encode()).strip(b" ")
    assert relaxed_field(field) == b"subject:" + value


@given(WHOLE_LINES)
def test_any_body_verifies(body: bytes) -> None:
    ours = signer({"e2026": ED25519})
    stuffed = re.sub(rb"\r\n\.", b"\r\n..", HEAD + b"\r\n" + body)
    assert verified(ours.sign(stuffed, SIGNED_AT), ours.records) == [True]


def test_the_examples_of_the_rfc_are_hashed_as_printed_there() -> None:
    """RFC 6376, 3.4.5."""
    assert relaxed_field(b"A: X\r\n") == b"a:X"
    assert relaxed_field(b"B : Y\t\r\n\tZ  \r\n") == b"b:Y Z"
    assert relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (lambda: pem("RSA", 1024), "found an RSA key of 1024 bits, allowed 2048 or more"),
        (lambda: pem("EC"), "found a key of another kind, allowed RSA or Ed25519"),
        (lambda: b"hello", "found no private key in PEM"),
        (lambda: b"", "found no private key in PEM"),
        (lambda: subprocess.run(["openssl", "pkey", "-pubout"], input=RSA, check=True, capture_output=True).stdout, "the private one is needed"),
        (
            lambda: subprocess.run(["openssl", "pkey", "-aes256", "-passout", "pass:x"], input=RSA, check=True, capture_output=True).stdout,
            "the key is protected by a password",
        ),
    ],
    ids=["short", "curve", "text", "empty", "public", "password"],
)
def test_a_key_that_cannot_sign_is_named_with_its_cure(key: object, says: str) -> None:
    assert callable(key)
    with pytest.raises(SigningError) as refused:
        signer({"s2026": key()})
    assert str(refused.value).startswith("dkim.selectors.s2026: cannot sign with it: ")
    assert says in str(refused.value)
    assert "openssl" in refused.value.hint


def test_a_message_without_sender_is_not_signed(both: Signer) -> None:
    with pytest.raises(SigningError, match="no From"):
        both.sign(b"To: ana@example.org\r\n\r\nHello\r\n", SIGNED_AT)


def test_without_the_library_it_says_what_to_install() -> None:
    program = """
import sys
sys.modules["cryptography"] = None
from digest.mail.dkim import Signer, SigningError
try:
    Signer("example.com", {"s": b""})
except SigningError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "needs the library cryptography" in done.stdout
    assert "pip install 'weekly-digest[dkim]'" in done.stdout
