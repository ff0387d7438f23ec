"""The letter and its pages as people meet them: in a real Chromium, on a phone and a desk, light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from digest.demo import play
from digest.demo.mailbox import Letter
from digest.demo.play import Stage

pytestmark = pytest.mark.browser

WIDTHS = [320, 375, 1200]
SCHEMES = ["light", "dark"]
READER = "rita.meireles@fernwood.example"  # she reads English, as the buttons named below do


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The demo's company with its week sent."""
    with play.open_demo(tmp_path_factory.mktemp("demo"), lambda: datetime.now(UTC)) as stage:
        play.send_week(stage, lambda _done, _all: None, lambda _more: None)
        yield stage


def her_letter(stage: Stage) -> Letter:
    """The letter to READER: letters come in no fixed order, and their languages differ."""
    return next(letter for letter in stage.mailbox.letters() if letter.recipient == READER)


def links(stage: Stage) -> dict[str, str]:
    letter = her_letter(stage)
    html = letter.part("html")
    share = re.findall(r'href="(http://[^"]+/s/[^"]+0)"', html)[0]
    return {
        "share": share,
        "leave": str(letter.parsed["List-Unsubscribe"]).strip("<>"),
        "browser": re.findall(r'href="(http://[^"]+/w/[^"]+)"', html)[0],
        "unknown": re.sub(r"/s/.*", "/r/00000000000000000/01", share),
        "inbox": stage.inbox_url,
    }


@pytest.fixture(params=[(width, scheme) for width in WIDTHS for scheme in SCHEMES], ids=lambda p: f"{p[0]}-{p[1]}")
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """An empty page of that width and colour scheme."""
    width, scheme = request.param
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    yield page
    page.close()


def overflow(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_no_letter_is_wider_than_its_window(stage: Stage, page: Page) -> None:
    for letter in stage.mailbox.letters():
        page.set_content(letter.part("html"))
        assert overflow(page) <= 0, letter.recipient


def test_the_letter_follows_the_readers_colour_scheme(stage: Stage, page: Page) -> None:
    page.set_content(her_letter(stage).part("html"))
    paper = page.evaluate("getComputedStyle(document.querySelector('.bg')).backgroundColor")
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert paper == ("rgb(22, 21, 19)" if dark else "rgb(255, 254, 252)")


@pytest.mark.parametrize("name", ["share", "leave", "browser", "unknown", "inbox"])
def test_every_page_fits_and_asks_nobody_else(stage: Stage, page: Page, name: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(links(stage)[name])
    assert overflow(page) <= 0
    assert page.locator("h1").count() == 1
    assert {url.split("/")[2].split(":")[0] for url in asked if url.startswith("http")} == {"127.0.0.1"}


def test_sharing_in_own_words_needs_no_script(stage: Stage, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    gone: list[str] = []
    page.on("request", lambda request: gone.append(request.url))  # it goes nowhere: no test reaches beyond this machine
    page.goto(links(stage)["share"])
    page.get_by_role("radio", name="Bluesky").check()
    page.locator("textarea").fill("I wrote this myself & meant it: 100 % über Uhren.")
    page.get_by_role("button", name=re.compile("Open")).click()
    page.wait_for_timeout(500)
    intent = next(url for url in gone if url.startswith("https://bsky.app/intent/compose?text="))
    assert "I%20wrote%20this%20myself%20%26%20meant%20it%3A%20100%20%25%20%C3%BCber%20Uhren." in intent
    assert "I%20work%20at%20Fernwood%20Instruments." in intent
    context.close()


def test_leaving_takes_one_press_and_can_be_undone(stage: Stage, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(links(stage)["leave"])
    page.get_by_role("button").first.click()
    undo = page.get_by_role("button", name=re.compile("Undo|again", re.IGNORECASE))
    expect(undo).to_have_count(1)
    undo.click()
    expect(undo).to_have_count(0)
    expect(page.locator("h1")).to_have_count(1)
    page.close()


def test_the_inbox_shows_each_letter_as_sent_as_text_and_as_source(stage: Stage, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(stage.inbox_url)
    assert page.locator(".list li").count() == len(stage.mailbox.letters())
    assert page.frame_locator("iframe").locator("h1").count() == 1
    page.get_by_role("link", name="Plain text").click()
    assert "/r/" in page.locator("pre").inner_text()
    page.get_by_role("link", name="Source").click()
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in page.locator("pre").inner_text()
    page.close()


def test_a_picture_of_the_letter_is_not_blank(stage: Stage, page: Page, tmp_path: Path) -> None:
    page.set_content(her_letter(stage).part("html"))
    picture = page.screenshot(path=tmp_path / "letter.png", full_page=True)
    assert len(picture) > 30_000
