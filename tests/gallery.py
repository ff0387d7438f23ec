"""Pictures of the letter and of every page, in every condition that people meet them in: `scripts/gallery [FOLDER]`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from digest.demo import play
from tests.looking import TURN, draw_pictures, drop_pictures, letter, without_style
from tests.needs import chromium
from tests.tour import tour

PHONE, SMALL, DESK = 375, 320, 1200


@dataclass(frozen=True, kw_only=True)
class Look:
    """One way to see a letter."""

    name: str
    language: str = "en"
    kind: str = "pictures"
    width: int = PHONE
    dark: bool = False
    pictures: bool = True
    styled: bool = True
    turned: bool | None = None  # None: not; True: only what is too light or too dark
    zoom: int = 1


LETTERS = (
    Look(name="letter-320", width=SMALL),
    Look(name="letter-375"),
    Look(name="letter-1200", width=DESK),
    Look(name="letter-375-dark", dark=True),
    Look(name="letter-1200-dark", width=DESK, dark=True),
    Look(name="letter-375-pictures-off", pictures=False),
    Look(name="letter-1200-pictures-off", width=DESK, pictures=False),
    Look(name="letter-375-no-style-sheet", styled=False),
    Look(name="letter-375-turned-wholly", turned=False),
    Look(name="letter-375-turned-partly", turned=True),
    Look(name="letter-750-twice-as-large", width=750, zoom=2),
    Look(name="letter-375-without-pictures", kind="usual"),
    Look(name="letter-375-arabic", language="ar"),
    Look(name="letter-1200-arabic", language="ar", width=DESK),
    Look(name="letter-375-japanese", language="ja"),
    Look(name="letter-1200-german", language="de", width=DESK),
    Look(name="letter-320-german-longest-words", language="de", kind="longest", width=SMALL),
    Look(name="letter-1200-longest-words", kind="longest", width=DESK),
    Look(name="letter-375-arabic-longest-words", language="ar", kind="longest"),
    Look(name="letter-375-html-as-words", kind="html"),
    Look(name="letter-375-joined-emoji", kind="joined emoji"),
)
PAGES = ((PHONE, False), (PHONE, True), (DESK, False), (DESK, True))


def letters(browser: Browser, folder: Path) -> Iterator[Path]:
    """A picture of every look at the letter."""
    for look in LETTERS:
        page = browser.new_page(viewport={"width": look.width, "height": 900}, color_scheme="dark" if look.dark else "light")
        (draw_pictures if look.pictures else drop_pictures)(page)
        html = letter(look.language, look.kind)
        page.set_content(html if look.styled else without_style(html))
        if look.turned is not None:
            page.evaluate(TURN, look.turned)
        if look.zoom != 1:
            page.evaluate(f"document.documentElement.style.zoom = {look.zoom}")
        yield _taken(page, folder / f"{look.name}.png")


def pages(browser: Browser, folder: Path) -> Iterator[Path]:
    """Pictures of every page that the demo's letters lead to, and of one of its letters."""
    with tempfile.TemporaryDirectory() as home, play.open_demo(Path(home), lambda: datetime.now(UTC)) as stage:
        play.send_week(stage, lambda _done, _all: None, lambda _more: None)
        for name, url in tour(stage, browser).items():
            for width, dark in PAGES:
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
                page.goto(url)
                yield _taken(page, folder / f"page-{name}-{width}{'-dark' if dark else ''}.png")


def _taken(page: Page, file: Path) -> Path:
    page.screenshot(path=file, full_page=True)
    page.close()
    return file


def main(folder: Path) -> None:
    """Take them all."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        outside = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-background-networking", outside])
        for taken in (*letters(browser, folder), *pages(browser, folder)):
            sys.stdout.write(f"{taken}\n")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="digest-gallery-")))
