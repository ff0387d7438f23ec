"""What is sent about a letter of somebody's answers that letter, so that mail programs show both together."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.demo.mailbox import Mailbox
from digest.domain.envelope import envelope
from digest.mail.notice import Content, Outside, wire
from digest.pipeline import notices
from tests.answers import Answers, written
from tests.conftest import NOW
from tests.factories import company, person

ODD = ["", "no brackets@x", "<a b@x>", "<a@x>\r\nBcc: eve@example.org", "<a@x> <b@x>", f"<{'a' * 400}@x>", "<\u00fc@x>"]


def test_what_acknowledges_a_letter_answers_it(engine: Engine, tmp_path: Path) -> None:
    desk = Answers(engine=engine, kept=tmp_path / "inbound").open()
    for number, words in enumerate(["Why is Lyon closed?", "post: A story of doors.", "Unsubscribe me please"]):
        desk.take(written(words, answers=desk.letter, identity=f"<{number}@mail.example.org>"))
    assert [row.facts["answers"] for row in desk.rows("notice")] == [f"<{number}@mail.example.org>" for number in range(3)]
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    site = {"name": "Letter", "company": "Example", "url": "https://letter.example.com", "address": "1 Road"}
    config = company(engine, tmp_path, [person("cleo@example.org")], smtp={"port": mailbox.port}, site=site)
    assert notices.send_due(engine, config, clock=lambda: NOW + timedelta(hours=2)) == 3
    mailbox.stop()
    for number, letter in enumerate(mailbox.letters()):
        assert letter.parsed["In-Reply-To"] == letter.parsed["References"] == f"<{number}@mail.example.org>"
        assert letter.parsed["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("answers", ODD)
def test_nothing_but_one_plain_message_id_gets_into_a_head(answers: str) -> None:
    outside = envelope(sender="Mara <digest@example.com>", reply_to="", list_name="Letter")
    content = Content(kind="no_files", language="en", site_name="Letter", address="1 Road", link="", day=NOW)
    made = message_from_bytes(
        wire(outside, content, Outside(to_name="", to_address="a@x.example", dated_at=NOW, reference="r", answers=answers)), policy=SMTP
    )
    assert made["In-Reply-To"] is made["References"] is made["Bcc"] is None
