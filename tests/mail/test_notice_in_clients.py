"""A notice is a letter too: nothing in it breaks in any mail program, and it is HTML by the book."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

import pytest

from digest.mail import catalogue
from digest.mail.clients import faults
from digest.mail.notice import Content, Outside, wire
from tests.by_the_book import complaints
from tests.conftest import NOW
from tests.factories_mail import ENVELOPE
from tests.looking import LONGEST


def page(language: str, said: str = "Two lines\nof it <b>&") -> str:
    content = Content(
        kind="left",
        language=language,
        site_name="The Osterglen Letter",
        address="4 Kiln Row",
        link="https://letter.osterglen.example/u/0123",
        day=NOW,
        quotes=[("", said), ("notice_why", LONGEST)],
    )
    head = Outside(to_name="Ana", to_address="ana@osterglen.example", dated_at=NOW, reference="left.1")
    body = message_from_bytes(wire(ENVELOPE, content, head), policy=policy.default).get_body(("html",))
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize("language", catalogue.languages())
def test_nothing_in_a_notice_breaks_in_any_mail_program(language: str) -> None:
    assert [fault.said for fault in faults(page(language))] == []


def test_a_notice_breaks_no_rule_of_html(tmp_path: Path) -> None:
    assert complaints({language: page(language) for language in catalogue.languages()}, "letter", tmp_path) == []
