"""The letter in every language, at every width, with the longest words, without style sheets, without pictures, with its colours turned."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from digest.mail import catalogue
from tests.looking import TURN, axe, cut_off, draw_pictures, drop_pictures, letter, overflow, without_style
from tests.naughty import STRINGS

pytestmark = pytest.mark.browser

WIDTHS = (320, 375, 600, 1200)
KINDS = ("usual", "pictures", "longest")


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One page for all; every picture is answered from here."""
    page = browser.new_page()
    draw_pictures(page)
    yield page
    page.close()


def fits(page: Page, html: str, widths: tuple[int, ...] = WIDTHS) -> None:
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        page.set_content(html)
        assert (width, overflow(page), cut_off(page)) == (width, 0, [])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", catalogue.languages())
def test_no_letter_scrolls_sideways(language: str, kind: str, page: Page) -> None:
    fits(page, letter(language, kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", catalogue.languages())
def test_no_letter_scrolls_sideways_where_style_sheets_are_dropped(language: str, kind: str, page: Page) -> None:
    fits(page, without_style(letter(language, kind)))


@pytest.mark.parametrize("kind", STRINGS)
def test_no_naughty_words_make_a_letter_scroll(kind: str, page: Page) -> None:
    fits(page, letter("en", kind))
    fits(page, without_style(letter("ar", kind)), (320, 1200))


@pytest.mark.parametrize("language", ["en", "de", "ar", "ja"])
def test_a_letter_twice_as_large_still_fits(language: str, page: Page) -> None:
    """WCAG 2.2, 1.4.4 and 1.4.10: at 200 %, on a desk and on a wide phone."""
    for html in (letter(language, "pictures"), letter(language, "longest"), without_style(letter(language, "pictures"))):
        for width in (1280, 750):
            page.set_viewport_size({"width": width, "height": 900})
            page.set_content(html)
            page.evaluate("document.documentElement.style.zoom = 2")
            assert (width, overflow(page)) == (width, 0)


@pytest.mark.parametrize("width", [320, 1200])
@pytest.mark.parametrize("language", catalogue.languages())
def test_whatever_is_pressed_is_large_enough_for_a_thumb(language: str, width: int, page: Page) -> None:
    """WCAG 2.2, 2.5.8: 24 px; our own buttons and links are 44 px high."""
    for html in (letter(language), without_style(letter(language))):
        page.set_viewport_size({"width": width, "height": 900})
        page.set_content(html)
        sizes: list[tuple[str, float, float]] = page.evaluate(
            """() => [...document.querySelectorAll('a.btn-a, a.act')].map(e => {
              const box = (e.closest('.btn') || e).getBoundingClientRect();
              return [e.textContent, box.width, box.height];
            })"""
        )
        assert len(sizes) > 10
        assert [size for size in sizes if size[1] < 24 or size[2] < 44] == []


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_letter_without_pictures_says_the_same(language: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 375, "height": 900})
    drop_pictures(page)
    page.set_content(letter(language, "pictures"))
    shown = page.locator("body").aria_snapshot()
    assert shown.count("Two people at a bench") == 3
    assert (overflow(page), cut_off(page)) == (0, [])
    assert page.locator("h1").inner_text() == "The Osterglen Letter"
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", catalogue.languages())
def test_axe_finds_nothing_in_a_letter(language: str, scheme: str, page: Page) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 1200, "height": 900})
    page.set_content(letter(language, "pictures"))
    assert axe(page, letter=True) == []
    page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("language", ["de", "ar"])
def test_axe_finds_nothing_in_a_letter_of_long_words_on_a_phone(language: str, page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 900})
    for html in (letter(language, "longest"), without_style(letter(language, "longest"))):
        page.set_content(html)
        assert axe(page, letter=True) == []


@pytest.mark.parametrize("partly", [False, True], ids=["wholly", "partly"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_words_stay_readable_where_colours_are_turned(language: str, partly: bool, page: Page) -> None:
    """Gmail's apps turn every colour, Outlook those that are too light or too dark."""
    page.set_viewport_size({"width": 375, "height": 900})
    page.set_content(letter(language, "pictures"))
    before = page.evaluate("getComputedStyle(document.querySelector('.bg')).backgroundColor")
    page.evaluate(TURN, partly)
    assert page.evaluate("getComputedStyle(document.querySelector('.bg')).backgroundColor") != before
    assert axe(page, only=("color-contrast",)) == []


def test_axe_itself_would_find_something(page: Page) -> None:
    page.set_content(letter("en").replace("color:#5D574E", "color:#C9C4BA").replace('lang="en"', 'lang="xx"'))
    found = {one.partition(":")[0] for one in axe(page, letter=True)}
    assert {"color-contrast", "html-lang-valid"} <= found
    page.set_content("<title>x</title><div style='width:900px'>wide</div>")
    assert overflow(page) > 0
