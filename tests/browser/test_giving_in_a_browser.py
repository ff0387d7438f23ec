"""A post from giving to thanks: in a real Chromium without scripts, by real mail on loopback, in the letters of the weeks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from digest.db import contributions, migrate
from digest.db.session import open_database, read
from digest.demo.mailbox import Letter, Mailbox, free_port
from digest.domain.contribution import ContributionState
from digest.domain.moderation import Roles, Rules
from digest.pipeline.contribution_look import Seen
from digest.pipeline.contribution_moderation import Change, Moderator, accept, edit
from digest.web.app import make_app
from digest.web.serving import web_settings
from tests.conftest import NOW
from tests.factories import company, person
from tests.linked import PHONE
from tests.looking import axe, overflow
from tests.played import Played
from tests.served import served

pytestmark = pytest.mark.browser
BY = Moderator(who="mara@example.org", roles=Roles(), rules=Rules())
WORDS = "Our ovens are older than our data. I measured them for a month."


class Town(Played):
    """One in which somebody gives a post."""

    def state(self) -> ContributionState:
        """Where the post stands."""
        with read(self.engine) as connection:
            found = contributions.get(connection, 1)
        assert found is not None
        return found.state


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    engine = open_database(f"sqlite:///{tmp_path / 'digest.db'}")
    migrate.upgrade(engine)
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    port = free_port()
    site = {"company": "Example", "address": "Example, 1 Road", "url": f"http://127.0.0.1:{port}"}
    people = [person("ana@example.org"), person("ben@example.org", name="Ben Baker", team="Lab")]
    config = company(engine, tmp_path, people, site=site, smtp={"port": mailbox.port}, sender={"from": "Mara <mara@example.org>"})
    made = Town(engine, config, mailbox, NOW)
    settings = replace(web_settings(config, NOW), look=lambda _url: Seen(title="What our ovens cost"))
    with served(make_app(engine, settings, lambda: made.now), port):
        yield made
    mailbox.stop()
    engine.dispose()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A phone without scripts, that does not call itself a machine."""
    context = browser.new_context(java_script_enabled=False, user_agent=PHONE, viewport={"width": 375, "height": 800})
    yield context.new_page()
    context.close()


def said(letter: Letter) -> str:
    """A letter's text on one line."""
    return " ".join(letter.part("plain").split())


def link(letter: Letter, path: str) -> str:
    found = re.search(rf"http://127\.0\.0\.1:\d+/{path}/\w+", letter.part("plain"))
    assert found is not None, letter.part("plain")
    return found[0]


def test_give_edit_agree_appear_and_be_thanked(town: Town, page: Page) -> None:
    town.tick()
    page.goto(link(town.last("ben@example.org"), "give"))
    page.locator("#what").fill("https://example.com/ovens")
    page.locator("#why").fill(WORDS)
    town.now += timedelta(seconds=40)
    page.get_by_role("button", name="See how it looks").click()
    assert page.locator("h3").inner_text() == "What our ovens cost"
    town.now += timedelta(seconds=40)
    page.get_by_role("button", name="Send it").click()
    assert page.locator("h1").inner_text() == "Now look into your mailbox"

    town.tick(minutes=1)
    asked = town.last("ben@example.org", "Is this post from you")
    assert WORDS in said(asked)
    page.goto(link(asked, "give/yes"))
    assert "Ben Baker, Lab" in page.get_by_text("Print my name beside what I write").inner_text()
    page.get_by_label("Print my name beside what I write").check()
    town.now += timedelta(seconds=40)
    page.get_by_role("button", name="Yes, it is from me").click()
    assert "Friday 27 November 2026" in page.locator(".lead").inner_text()
    assert page.locator(".looks .small").first.inner_text() == "Ben Baker, Lab"
    town.tick(minutes=1)
    assert "Friday 27 November 2026" in said(town.last("ben@example.org", "We have your post"))

    change = Change(new={"why": WORDS.replace("a month", "five weeks")}, reason="facts", note="It was five weeks.")
    edit(town.engine, 1, BY, change, site_url="", now=town.now)
    accept(town.engine, 1, BY, town.now)
    town.tick(minutes=1)
    told = town.last("ben@example.org", "Your post was changed")
    assert "It was five weeks." in said(told)
    page.goto(link(told, "agree"))
    assert page.locator("del").inner_text().endswith("a month")
    page.get_by_role("button", name="Yes, print it so").click()
    assert town.state() is ContributionState.ACCEPTED
    town.tick(minutes=1)
    assert "What our ovens cost" in said(town.last("ben@example.org", "Your post is accepted"))

    town.tick(days=6, hours=23)
    town.tick(hours=1)
    text = said(town.last("ana@example.org"))
    assert "Our ovens are older than our data. I measured them for five weeks." in text
    assert "Ben Baker" in text
    assert "Half of the posts that people sent us were decided within 1 day." in text

    town.tick(days=1)
    assert town.state() is ContributionState.PUBLISHED
    town.tick(days=15)
    assert "Nobody is named" in said(town.last("ben@example.org", "What your post led to"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_axe_finds_nothing_on_any_of_the_pages(town: Town, browser: Browser, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light")
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        found[name] = [*axe(page), *([f"{overflow(page)} px too wide"] if overflow(page) > 0 else [])]

    town.tick()
    page.goto(link(town.last("ben@example.org"), "give"))
    look("give")
    page.get_by_role("button", name="See how it looks").click()
    look("problem")
    page.locator("#what").fill("https://example.com/ovens")
    page.locator("#why").fill(WORDS + " " + "w" * 90)
    page.get_by_role("button", name="See how it looks").click()
    look("preview")
    page.get_by_role("button", name="Send it").click()
    look("given")
    town.tick(minutes=1)
    page.goto(link(town.last("ben@example.org", "Is this post from you"), "give/yes"))
    look("yes")
    page.get_by_role("button", name="Yes, it is from me").click()
    look("proposed")
    edit(
        town.engine, 1, BY, Change(new={"title": "Another title", "visibility": "internal"}, reason="legal", note="Later."), site_url="", now=town.now
    )
    town.tick(minutes=1)
    page.goto(link(town.last("ben@example.org", "Your post was changed"), "agree"))
    look("agree")
    page.get_by_role("button", name="No, keep my own words").click()
    look("own words")
    page.close()
    assert {name: said for name, said in found.items() if said} == {}


def test_a_draft_is_its_owner_s_and_a_forwarded_letter_does_no_harm(town: Town, page: Page) -> None:
    town.tick()
    forwarded = link(town.last("ben@example.org"), "give")
    page.goto(forwarded)
    page.locator("#what").fill("https://example.com/nonsense")
    page.locator("#why").fill("Somebody else wrote this.")
    page.get_by_role("button", name="Keep it for later").click()
    page.goto(forwarded)
    assert "Somebody else wrote this." not in page.content()
    town.tick(minutes=1)
    draft = link(town.last("ben@example.org", "Your draft is kept"), "give/yes")
    page.goto(draft)
    assert page.locator("#why").input_value() == "Somebody else wrote this."
    assert town.state() is ContributionState.DRAFT
    town.tick(days=31)
    assert page.goto(draft) is not None
    assert page.locator("h1").inner_text() == "This link is not complete"
