"""Votes, letters and passing on in a real Chromium: readable in light and dark, large enough for a thumb, usable by keys alone, nothing foreign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request

from digest.demo.mailbox import free_port
from digest.web.app import make_app
from tests.controlled import controls, notices, path
from tests.linked import BROWSER, Linked
from tests.readable import CONTRAST, NAMELESS, SMALL
from tests.served import served

pytestmark = pytest.mark.browser

READABLE = 4.5


@pytest.fixture
def site(linked: Linked) -> Iterator[str]:
    port = free_port()
    app = make_app(linked.engine, linked.settings(site_url=f"http://127.0.0.1:{port}"), lambda: datetime.now(UTC))
    with served(app, port) as address:
        yield address


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 375])
def test_every_page_can_be_read_and_pressed(linked: Linked, site: str, browser: Browser, scheme: str, width: int, tmp_path: Path) -> None:
    tokens = controls(linked)
    asked: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]  # light or dark
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    for where in (path("v", tokens["ana"], 2), path("v", tokens["ben"], 2), path("a", tokens["ana"], 1), path("pass", tokens["ana"], 3)):
        page.goto(site + where)
        faint = [found for found in page.evaluate(CONTRAST) if found[1] < READABLE]
        assert (faint, page.evaluate(NAMELESS), page.evaluate(SMALL)) == ([], [], [])
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("script").count() == 0
    page.screenshot(path=str(tmp_path / "page.png"))
    assert all(url.startswith(site) for url in asked)
    context.close()


def wait(page: Page) -> None:
    """As long as nobody reads a page in less."""
    page.wait_for_timeout(1100)


def test_keys_alone_answer_write_and_pass_on(linked: Linked, site: str, browser: Browser) -> None:
    tokens = controls(linked)
    page = browser.new_page(user_agent=BROWSER)  # its own name says that nobody sits before it
    page.goto(site + path("v", tokens["ana"], 2))
    wait(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("This post does not come again").wait_for()
    page.get_by_role("button", name="Take the answer back").focus()
    page.keyboard.press("Enter")
    page.get_by_text("It is as if nothing had been answered").wait_for()
    page.goto(site + path("a", tokens["ana"], 1))
    wait(page)
    page.keyboard.press("Tab")
    page.keyboard.type("Was the door warm?")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="On its way").wait_for()
    page.goto(site + path("pass", tokens["ana"], 3))
    wait(page)
    page.keyboard.press("Tab")
    page.keyboard.type("ben@example.com")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Thank you").wait_for()
    page.close()
    assert [one.kind for one in notices(linked)] == ["letter", "wrote", "passed"]
    assert notices(linked)[0].facts["quotes"] == [["", "Was the door warm?\n\nAna"]]


def test_a_browser_that_opens_every_page_and_runs_whatever_runs_changes_nothing(linked: Linked, site: str, browser: Browser) -> None:
    tokens = controls(linked)
    sent: list[Request] = []
    page = browser.new_page()
    page.on("request", lambda request: sent.append(request) if request.method != "GET" else None)
    page.clock.install()
    for room, n in (("v", 2), ("a", 1), ("pass", 3)):
        page.goto(site + path(room, tokens["ana"], n))
        page.clock.run_for(30_000)
        page.evaluate("() => window.dispatchEvent(new Event('load'))")
    page.close()
    assert sent == []
    assert notices(linked) == []
    assert linked.count("vote") + linked.count("correspondence") + linked.count("quota") + linked.count("audit") == 0
