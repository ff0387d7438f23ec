"""A question from a reply to its answer in print: by real mail on loopback, in a real Chromium without scripts, by the keyboard alone."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from digest.db import migrate
from digest.db.session import open_database, read, write
from digest.demo.mailbox import Letter, Mailbox, free_port
from digest.domain.question import Question
from digest.pipeline import entries, ledger, replies
from digest.pipeline.inbound import Taken, collect
from digest.pipeline.ledger import Hand
from digest.web.app import make_app
from digest.web.serving import web_settings
from tests.answers import written
from tests.conftest import NOW
from tests.factories import QUEUE, company, person
from tests.looking import axe, overflow
from tests.played import Played
from tests.served import served

pytestmark = pytest.mark.browser
POST = '[[post]]\nid = "extra-{n}"\ntitle = "Number {n} of what we learnt"\nurl = "https://example.com/extra-{n}"\nwhy = "One page, no form."\n'


class Office(Played):
    """One in which somebody asks a question."""

    def take(self, raw: bytes) -> Taken:
        """Mail comes in."""
        settings = replies.settings(self.config)
        return collect(self.engine, "-", kept=self.config.home / "in", clock=lambda: self.now, stdin=io.BytesIO(raw), settings=settings)

    def edit(self, deed: Callable[..., Question], *words: Any, **more: Any) -> Question:
        """An editor works at the ledger."""
        with write(self.engine) as connection:
            return deed(connection, *words, **{"hand": Hand(who="mara", now=self.now), **more})

    def entry(self) -> Question:
        """The first entry of the ledger."""
        with read(self.engine) as connection:
            return entries.find(connection, 1)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    engine = open_database(f"sqlite:///{tmp_path / 'digest.db'}")
    migrate.upgrade(engine)
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    port = free_port()
    site = {"company": "Example", "address": "Example, 1 Road", "url": f"http://127.0.0.1:{port}"}
    people = [person("ana@example.org"), person("ben@example.org", name="Ben Baker", team="Lab")]
    queue = QUEUE + "".join(POST.format(n=n) for n in range(4))
    config = company(engine, tmp_path, people, queue=queue, site=site, smtp={"port": mailbox.port}, sender={"from": "Mara <digest@example.com>"})
    made = Office(engine, config, mailbox, NOW)
    with served(make_app(engine, web_settings(config, NOW), lambda: made.now), port):
        yield made
    mailbox.stop()
    engine.dispose()


@pytest.fixture(params=[375, 1200])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A phone and a desk, without scripts."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": request.param, "height": 800})
    yield context.new_page()
    context.close()


def said(letter: Letter) -> str:
    """A letter's text on one line."""
    return " ".join(letter.part("plain").split())


def link(letter: Letter) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+/entry/\w+", letter.part("plain"))
    assert found is not None, letter.part("plain")
    return found[0]


def test_ask_be_answered_be_printed_and_be_thanked(office: Office, browser: Browser, page: Page) -> None:
    office.tick()
    thread = str(office.last("ben@example.org").parsed["message-id"]).strip("<>")
    raw = written("Why is Lyon closed?\n\nBest,\nBen Baker\n+49 30 1234", sender="Ben <ben@example.org>", to="digest@example.com", answers=thread)
    office.take(raw)
    office.tick(minutes=1)
    got = office.last("ben@example.org", "We have what you wrote")
    assert "Your question: Why is Lyon closed? It stands" in said(got)

    looked_at = browser.new_page(viewport=page.viewport_size)
    looked_at.goto(link(got))
    assert (axe(looked_at), overflow(looked_at)) == ([], 0)
    looked_at.close()
    page.goto(link(got))
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")  # around to the last, a post
    page.keyboard.press("ArrowLeft")  # to an objection
    page.keyboard.press("Tab")
    office.now += timedelta(seconds=20)
    page.keyboard.press("Enter")
    assert page.locator("[role=status]").inner_text() == "Done."
    assert office.entry().kind == "objection"

    office.edit(ledger.assign, 1, "Jonas Weber, sales")
    office.tick(minutes=1)
    assert "Jonas Weber, sales answers what you wrote" in said(office.last("ben@example.org", "Somebody will answer you"))
    office.edit(ledger.answer, 1, "Because customers would rather have visits.")
    office.edit(ledger.reword, 1, "What of Lyon?")  # Ben has not said that he may be quoted
    office.tick(minutes=1)
    answered = office.last("ben@example.org", "You have an answer")
    assert "Because customers would rather have visits. The next edition prints the answer, without your name." in said(answered)

    office.tick(days=6)  # planned and approved
    office.tick(days=1)
    letter = office.last("ana@example.org")
    assert "2026-W49" in str(letter.parsed["message-id"])
    text = said(letter)
    assert "Asked: What of Lyon? Answered: Because customers would rather have visits. Jonas Weber, sales, " in text
    assert "Ben" not in text
    assert "Why is Lyon closed?" not in text
    page.goto(link(answered))
    assert "edition 2026-W49 prints the answer" in page.locator(".lead").inner_text()
    assert page.locator("form").count() == 0


def test_a_forged_letter_is_thrown_away_by_whom_it_names(office: Office, page: Page) -> None:
    taken = office.take(written("Close the lab.", sender="ben@example.org", to="digest@example.com"))
    assert taken.asked == 1
    office.tick(minutes=1)
    assert [letter.recipient for letter in office.mailbox.letters() if "Did you write" in str(letter.parsed["subject"])] == ["ben@example.org"]
    page.goto(link(office.last("ben@example.org", "Did you write this")))
    office.now += timedelta(seconds=20)
    page.get_by_role("button", name="That was not me").click()
    assert (office.entry().state, page.locator("form").count()) == ("withdrawn", 0)
