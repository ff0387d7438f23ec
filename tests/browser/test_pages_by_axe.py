"""Every page that the demo's letters lead to: axe finds nothing, nothing scrolls sideways, light and dark, on a phone and a desk; by the book too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page

from digest.demo import play
from digest.demo.play import Stage
from tests.by_the_book import complaints
from tests.looking import axe, overflow
from tests.tour import kind, tour

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The demo with its week sent."""
    with play.open_demo(tmp_path_factory.mktemp("demo"), lambda: datetime.now(UTC)) as stage:
        play.send_week(stage, lambda _done, _all: None, lambda _more: None)
        yield stage


@pytest.fixture(scope="module")
def pages(stage: Stage, browser: Browser) -> dict[str, str]:
    """Kind -> address, of English pages and of the German ones."""
    german = {f"{name}-de": url for name, url in tour(stage, browser, "de").items() if "127.0.0.1" in url and not name.startswith("inbox")}
    return tour(stage, browser) | german


def wrong(page: Page) -> list[str]:
    """What is wrong with the page as it stands."""
    return [*axe(page), *([f"{overflow(page)} px too wide"] if overflow(page) > 0 else [])]


def test_the_tour_sees_every_kind_of_page(pages: dict[str, str]) -> None:
    assert {"inbox", "inbox-text", "s-0", "u", "w", "r", "home"} <= set(pages)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_axe_finds_nothing_on_any_page(width: int, scheme: str, pages: dict[str, str], browser: Browser) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light")
    found = {}
    for name, url in pages.items():
        page.goto(url)
        found[name] = wrong(page)
    page.close()
    assert {name: said for name, said in found.items() if said} == {}


def test_no_page_breaks_a_rule_of_html(pages: dict[str, str], browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()
    said = complaints({name: page.request.get(url).text() for name, url in pages.items()}, "page", tmp_path)
    assert said == []
    page.close()


def test_axe_finds_nothing_on_what_a_press_leads_to(pages: dict[str, str], browser: Browser) -> None:
    """The first button of every page, pressed as it comes: what was left out is said, or it is done and said."""
    found = {}
    for name, url in pages.items():
        page = browser.new_page(viewport={"width": 375, "height": 900})
        page.goto(url)
        button = page.locator("main form[method=post] button:visible")
        if button.count():
            page.evaluate("document.querySelectorAll('form').forEach(form => form.noValidate = true)")
            try:
                with page.expect_navigation():
                    button.first.click()
                found[name] = wrong(page)
            except Error as error:  # it leads to a network, and nothing is reached from here
                if "ERR_NAME_NOT_RESOLVED" not in str(error):
                    raise
        page.close()
    assert len(found) > 3
    assert {name: said for name, said in found.items() if said} == {}


def test_what_a_page_is_does_not_depend_on_whose_it_is() -> None:
    assert kind("https://a.example/s/0123456789abcdefg/01b") == kind("https://a.example/s/9123456789abcdefg/0cb") == "s-b"
    assert kind("https://a.example/v/0123456789abcdefg/01") == "v"
    assert kind("https://a.example/me/0123456789abcdefg/history?page=2") == "me-history-page"
