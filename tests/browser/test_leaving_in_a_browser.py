"""Stopping the letter in a real browser: a page that is only looked at acts on nothing, whatever its scripts would like."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page

from digest.db import suppressions
from digest.db.session import read
from digest.demo.mailbox import free_port
from digest.web.app import make_app
from tests.linked import Linked
from tests.served import served

pytestmark = pytest.mark.browser


@pytest.fixture
def site(linked: Linked) -> Iterator[str]:
    """The pages, served."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = make_app(linked.engine, linked.settings(site_url=url), lambda: datetime.now(UTC))
    with served(app, port):
        yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page."""
    page = browser.new_page()
    yield page
    page.close()


def stopped(linked: Linked) -> bool:
    with read(linked.engine) as connection:
        return bool(suppressions.reasons(connection, ["ana@example.com"], datetime.now(UTC)))


def test_a_browser_that_waits_on_the_page_for_half_a_minute_stops_nothing(linked: Linked, site: str, page: Page) -> None:
    """D4: it loads the page, runs whatever runs and lets thirty seconds pass on the page's clock; nothing was pressed."""
    page.clock.install()
    page.goto(site + linked.leave_link())
    page.clock.run_for(30_000)
    page.evaluate("() => { window.dispatchEvent(new Event('load')); document.dispatchEvent(new Event('visibilitychange')); }")
    page.wait_for_timeout(500)
    assert page.locator("script").count() == 0
    assert not stopped(linked)
    assert linked.count("suppression") + linked.count("audit") == 0


def test_a_browser_that_presses_the_button_at_once_acts_and_can_take_it_back(linked: Linked, site: str, page: Page) -> None:
    """D5: as a mail filter does it; the page says what happened and has the way back."""
    page.goto(site + linked.leave_link())
    page.get_by_role("button").click()
    assert stopped(linked)
    page.get_by_role("button", name="Undo: send me the letter again").click()
    page.get_by_text("The letter comes to you again").wait_for()
    assert not stopped(linked)
    page.goto(site + linked.leave_link())
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("You will get no more letters").wait_for()
    assert stopped(linked)
