"""A person's own page in a real browser, without scripts and by the keyboard alone; looking at it is harmless."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page

from digest.demo.mailbox import free_port
from digest.web.app import make_app
from tests.linked import PHONE, Linked
from tests.served import served
from tests.web.test_me import ledger, own_link, row

pytestmark = pytest.mark.browser


@pytest.fixture
def site(linked: Linked) -> Iterator[str]:
    """The pages, served."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = make_app(linked.engine, linked.settings(site_url=url, quiet="21:00-06:00"), lambda: datetime.now(UTC))
    with served(app, port):
        yield url


@pytest.fixture(params=[1200, 375])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page without scripts, on a desk and on a phone, in a browser that does not call itself a machine."""
    context = browser.new_context(java_script_enabled=False, user_agent=PHONE, viewport={"width": request.param, "height": 800})
    yield context.new_page()
    context.close()


def test_choices_are_made_by_mouse_and_taken_back_without_a_script(linked: Linked, site: str, page: Page) -> None:
    page.goto(site + own_link(linked))
    page.get_by_label("Every four weeks").check()
    page.get_by_role("button", name=re.compile("Save ?: How often")).click()
    page.get_by_text("Saved: How often: Every four weeks.").wait_for()
    assert row(linked).frequency == "monthly"
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Saved: How often: Every week.").wait_for()
    assert row(linked).frequency == "weekly"
    page.get_by_label("Time of day").select_option("07:30")
    page.get_by_role("button", name=re.compile("Save ?: Time of day")).click()
    page.get_by_text("Saved: Time of day: 07:30.").wait_for()
    assert "05:30" not in page.get_by_label("Time of day").inner_text()
    page.get_by_role("button", name="Switch off: Measure my clicks").click()
    page.get_by_role("button", name="Switch on: Measure my clicks").wait_for()
    assert ledger(linked) == [("measure", False, "1")]


def test_the_keyboard_alone_turns_a_switch(linked: Linked, site: str, page: Page) -> None:
    page.goto(site + own_link(linked))
    button = page.get_by_role("button", name="Switch on: Show my name")
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.and_(page.locator(":focus")).count():
            break
    page.wait_for_timeout(1200)  # as long as a person reads at least
    page.keyboard.press("Enter")
    page.get_by_text("Saved: Show my name: on.").wait_for()
    assert row(linked).named is True


def test_nothing_runs_out_of_the_page_and_every_field_has_its_label(linked: Linked, site: str, page: Page) -> None:
    linked.change("employee", {"id": linked.people["ana"]}, topics=["x" * 40], language="de")
    page.goto(site + own_link(linked))
    assert page.locator("script").count() == 0
    fields = page.locator("input:not([type=hidden]), select")
    assert fields.count() == 10
    for place in range(fields.count()):
        box = fields.nth(place).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= (page.viewport_size or {"width": 0})["width"]
    named = page.locator("label input:not([type=hidden])").count() + page.locator("label[for]").count()
    assert named == fields.count()
