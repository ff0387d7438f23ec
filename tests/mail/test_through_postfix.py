"""A letter through a real Postfix: what arrives is, link by link and line by line, what was handed over."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from functools import cache
from pathlib import Path

import html5lib
import pytest

from digest.demo.mailbox import Letter, Mailbox
from digest.mail import catalogue
from digest.pipeline.rendering import Renderer, compile_languages
from digest.smtp.connection import Connection
from digest.smtp.relay import Relay, Timeouts
from tests.factories_mail import ENVELOPE, KEYS, colleague, curated, edition, inside, message
from tests.postfix import Postfix
from tests.signing import pem, signer, verified

SIGNED_AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SIGNER = signer({"s2026": pem("RSA"), "e2026": pem("ED25519")})
LONG = "https://osterglen.example/r?" + "&".join(f"utm_{n}={'x' * 40}%20%C3%A9{n}" for n in range(12)) + "&end=.#part"


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    found = Mailbox(tmp_path_factory.mktemp("mailbox"))
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def postfix(mailbox: Mailbox) -> Iterator[Postfix]:
    found = Postfix(mailbox.port)
    yield found
    found.stop()


@cache
def signed(language: str, tracking: str = "individual") -> bytes:
    """A letter as it goes out. With tracking off its links are the articles' own, odd and long ones among them."""
    posts = (colleague(1, url=LONG), curated(4, url="https://osterglen.example/=3D=20?q==&a=.&b=From"), inside(7))
    content = edition() if tracking == "individual" else edition(tracking="off", posts=posts, note=f"See {LONG}&note=1 today.\n\n.\n\n..\n\nFrom us")
    wire = Renderer(content, ENVELOPE, compile_languages(content, [language]), KEYS).wire(message(language=language))
    return SIGNER.sign(wire, SIGNED_AT)


def passed_on(wire: bytes, postfix: Postfix, mailbox: Mailbox) -> Letter:
    before = len(mailbox.letters())
    connection = Connection(Relay(host="127.0.0.1", port=postfix.port, timeouts=Timeouts(mail=20, rcpt=20, data=20, dot=20)))
    assert connection.open().accepted, postfix.log()
    outcome = connection.send("bounces@osterglen.example", "ana@example.org", wire)
    connection.close()
    assert outcome.accepted, f"{outcome}\n{postfix.log()}"
    deadline = time.monotonic() + 30
    while len(mailbox.letters()) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(mailbox.letters()) == before + 1, postfix.log()
    return mailbox.letters()[-1]


def parts(raw: bytes) -> tuple[str, str]:
    parsed = message_from_bytes(raw, policy=policy.default)
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert text is not None
    assert html is not None
    return str(text.get_content()).replace("\r\n", "\n"), str(html.get_content()).replace("\r\n", "\n")


def unstuffed(wire: bytes) -> bytes:
    """As it is after the dots that SMTP adds are gone."""
    return re.sub(rb"(?m)^\.", b"", wire)


def hrefs(html: str) -> list[str]:
    return [str(anchor.get("href")) for anchor in html5lib.parse(html, namespaceHTMLElements=False).iter("a")]


@pytest.mark.parametrize("tracking", ["individual", "off"])
@pytest.mark.parametrize("language", catalogue.languages())
def test_every_link_and_line_arrives_as_it_was_handed_over(language: str, tracking: str, postfix: Postfix, mailbox: Mailbox) -> None:
    wire = signed(language, tracking)
    arrived = passed_on(wire, postfix, mailbox).raw
    assert arrived.startswith(b"Received: from ")
    assert b"by relay.osterglen.example (Postfix)" in arrived
    text, html = parts(arrived)
    sent_text, sent_html = parts(unstuffed(wire))
    assert hrefs(html) == hrefs(sent_html) != []
    assert text.split("\n") == sent_text.split("\n")
    assert html == sent_html
    links = [link for link in hrefs(html) if not link.startswith("mailto:")]
    assert [link for link in links if link not in [line.strip() for line in text.split("\n")]] == []
    assert arrived.partition(b"\r\n\r\n")[2].rstrip(b"\r\n") == unstuffed(wire).partition(b"\r\n\r\n")[2].rstrip(b"\r\n")


def test_both_signatures_still_verify_after_the_relay(postfix: Postfix, mailbox: Mailbox) -> None:
    arrived = passed_on(signed("ar"), postfix, mailbox).raw
    assert verified(arrived, SIGNER.records) == [True, True]
    assert verified(arrived.replace(b"Osterglen", b"Elsewhere", 1), SIGNER.records) != [True, True]


def test_postfix_is_ours_alone(postfix: Postfix) -> None:
    made = {path.relative_to(postfix.folder).parts[0] for path in Path(postfix.folder).rglob("*")}
    assert {"etc", "queue", "data"} <= made
    assert f"queue_directory = {postfix.folder}/queue" in (postfix.folder / "etc" / "main.cf").read_text(encoding="utf-8")
