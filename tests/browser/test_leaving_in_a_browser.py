"""Stopping the letter in a real browser: a page that is only looked at acts on nothing, whatever its scripts would like."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from digest.db import migrate, suppressions
from digest.db.session import open_database, read
from digest.demo.mailbox import free_port
from digest.web.app import make_app
from tests.linked import Linked
from tests.needs import chromium

pytestmark = pytest.mark.browser


@pytest.fixture
def linked(tmp_path: Path) -> Iterator[Linked]:
    """A small edition whose clock is the real one."""
    engine = open_database(f"sqlite:///{tmp_path / 'digest.db'}")
    migrate.upgrade(engine)
    yield Linked(engine)
    engine.dispose()


@pytest.fixture
def site(linked: Linked) -> Iterator[str]:
    """The pages, served."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = make_app(linked.engine, linked.settings(site_url=url), lambda: datetime.now(UTC))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield url
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        )
        yield found
        found.close()


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
