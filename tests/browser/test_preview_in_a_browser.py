"""The live preview in a real browser: it follows the editor, opens nothing by accident, and is used by keyboard alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from digest.db.session import open_database
from tests.factories import QUEUE, company, person
from tests.readable import CONTRAST, NAMELESS
from tests.rehearsed import Desk, configured, previewed

pytestmark = pytest.mark.browser

LETTER = "#frame iframe:not(.next)"
GROUND = "() => getComputedStyle(document.querySelector('#frame iframe:not(.next)').contentDocument.querySelector('.bg')).backgroundColor"
HAS = """words => { const f = document.querySelector('#frame iframe:not(.next)');
                    return f && f.contentDocument && f.contentDocument.body && f.contentDocument.body.innerText.includes(words) }"""
TARGETS = """() => [...document.querySelectorAll('.tools a, button, input[type=search], summary')].filter(e => e.checkVisibility())
              .map(e => [e.textContent.trim(), e.getBoundingClientRect()]).filter(([, r]) => r.height < 44 || r.width < 24).map(([t]) => t)"""
POST = '\n[[post]]\nid = "p{n}"\ntitle = "Post {n} about a cold room"\nurl = "https://example.com/{n}"\nwhy = "{why}"\n{by}topics = ["quality"]\n'
SIXTY = QUEUE + "".join(POST.format(n=n, why="Words of a colleague. " * 8, by='by = "ana@example.org"\n' if n % 2 else "") for n in range(57))


@pytest.fixture
def desk(sqlite_template: Path, tmp_path: Path) -> Iterator[Desk]:
    """Three people, one of whom reads German."""
    (tmp_path / "digest.db").write_bytes(sqlite_template.read_bytes())
    engine = open_database(f"sqlite:///{tmp_path / 'digest.db'}")
    people = [person("ana@example.org", name="Ana Sousa"), person("zoe@example.org", name="Zoë Ölander", language="de")]
    company(engine, tmp_path, [*people, person("bo@example.org", name="Bo Lind", topics=["recycling"])])
    engine.dispose()
    configured(tmp_path, "sqlite:///digest.db")
    with previewed(tmp_path) as found:
        found.wait(whole=True)
        yield found


@pytest.fixture
def page(browser: Browser, desk: Desk) -> Iterator[Page]:
    """The preview on a desk; what the page complains of fails the test."""
    made = browser.new_page(viewport={"width": 1200, "height": 900})
    made.set_default_timeout(15_000)
    troubles: list[str] = []
    made.on("pageerror", lambda error: troubles.append(str(error)))
    made.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
    made.goto(desk.url)
    made.wait_for_function(HAS, arg="The cold room")
    yield made
    made.close()
    assert troubles == []


def test_what_is_saved_is_seen_at_once_with_sixty_posts(page: Page, desk: Desk) -> None:
    took = []
    for n in range(8):  # a busy machine gets some more
        words = f"Saved for the {n}. time"
        started = time.monotonic()
        desk.queue.write_text(SIXTY.replace("Three colleagues wrote", words), encoding="utf-8")
        page.wait_for_function(HAS, arg=words, polling="raf")
        took.append(time.monotonic() - started)
        if took[-1] < 1:
            return
    pytest.fail(f"seconds from saving to seeing: {took}")


def test_the_place_on_the_page_the_focus_and_what_was_typed_stay(page: Page, desk: Desk) -> None:
    page.get_by_label("Name or address").fill("zo")
    page.locator("#found a").wait_for()
    page.get_by_role("link", name="Zoë Ölander").first.focus()
    page.evaluate("scrollTo(0, 500)")
    before = page.evaluate("scrollY")
    desk.queue.write_text(QUEUE.replace("Three colleagues", "Four colleagues"), encoding="utf-8")
    page.wait_for_function(HAS, arg="Four colleagues")
    assert page.evaluate("scrollY") == before
    assert page.evaluate("document.activeElement.textContent") == "Zoë Ölander"
    assert page.get_by_label("Name or address").input_value() == "zo"


def test_problems_come_and_go_while_the_last_good_letter_stays(page: Page, desk: Desk) -> None:
    desk.queue.write_text(QUEUE.replace('visibility = "internal"', 'visibility = "interna"'), encoding="utf-8")
    page.get_by_text("queue.toml:28:14").wait_for()
    assert page.get_by_text("This is the last good letter.").is_visible()
    assert page.title().startswith("(1) ")
    assert page.evaluate(HAS, "The cold room that lied to us")
    desk.queue.write_text(QUEUE, encoding="utf-8")
    page.get_by_text("This is the last good letter.").wait_for(state="detached")
    assert not page.title().startswith("(")


def test_a_press_in_the_letter_opens_nothing_and_says_where_it_leads(page: Page) -> None:
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.frame_locator(LETTER).locator("a.btn-a").first.click()
    page.locator("#where", has_text="the article “The cold room that lied to us” at https://example.com/cold-room").wait_for()
    page.frame_locator(LETTER).locator("a.btn-a").first.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")  # a new tab, elsewhere
    page.wait_for_timeout(300)
    assert len(page.context.pages) == 1
    assert {url.split("/")[2] for url in asked} == {page.url.split("/")[2]}


def test_without_scripts_every_switch_works_and_a_press_stays_in_the_frame(browser: Browser, desk: Desk) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(desk.url)
    page.get_by_role("link", name="Text", exact=True).click()
    assert "Three colleagues wrote" in page.get_by_label("The letter as text").inner_text()
    page.get_by_role("link", name="German", exact=True).click()
    assert "Ana" in page.get_by_label("The letter as text").inner_text()
    page.get_by_label("Name or address").fill("bo lind")
    page.get_by_role("button", name="Find").click()
    page.locator("#found a").click()
    assert page.locator("h1").inner_text() == "No. 48 for Bo Lind"
    page.get_by_role("link", name="Letter", exact=True).click()
    page.frame_locator("#frame iframe").get_by_role("link").first.click()
    page.frame_locator("#frame iframe").get_by_text("In the real letter this leads to").wait_for()
    assert len(context.pages) == 1
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_letters_look_is_the_chosen_one_whatever_the_editors_system_prefers(browser: Browser, desk: Desk, scheme: str) -> None:
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    seen = {}
    for look in ("light", "dark", "inverted"):
        page.goto(f"{desk.url}/?look={look}")
        page.wait_for_function(HAS, arg="The cold room")
        seen[look] = page.evaluate(GROUND)
    assert seen == {"light": "rgb(255, 254, 252)", "dark": "rgb(22, 21, 19)", "inverted": "rgb(3, 2, 0)"}
    page.close()


def test_the_width_is_the_letters_own(page: Page) -> None:
    for width in (320, 375, 640):
        page.get_by_role("link", name=str(width), exact=True).click()
        page.wait_for_function(f"() => document.querySelector('{LETTER}').contentWindow.innerWidth === {width}")
    plate = "getComputedStyle(document.querySelector('#frame iframe:not(.next)').contentDocument.querySelector('h1')).fontSize"
    page.get_by_role("link", name="375", exact=True).click()
    page.wait_for_function(f"() => {plate} === '33px'")
    height = "(f => f.clientHeight - f.contentDocument.documentElement.scrollHeight)(document.querySelector('#frame iframe:not(.next)'))"
    page.wait_for_function(f"() => {height} === 0")


def test_keys_alone_reach_everything_and_the_focus_is_seen(page: Page) -> None:
    seen = []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(40):
        page.keyboard.press("Tab")
        name, style, width = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            "        return [e.dataset.key || e.id || e.tagName, s.outlineStyle, s.outlineWidth] }"
        )
        seen.append(name)
        if name != "IFRAME":
            assert (style, width) == ("solid", "2px"), name
        if name == "q":
            break
    assert seen[:8] == ["width-320", "width-375", "width-640", "look-light", "look-dark", "look-inverted", "pictures-on", "pictures-off"]
    assert seen[-1] == "q" or "IFRAME" in seen
    page.locator("[data-key=look-dark]").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => ({GROUND})() === 'rgb(22, 21, 19)'")
    assert page.evaluate("document.activeElement.dataset.key") == "look-dark"
    page.go_back()
    page.wait_for_function(f"() => ({GROUND})() === 'rgb(255, 254, 252)'")


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (375, "dark"), (1200, "light"), (1200, "dark")])
@pytest.mark.parametrize("state", ["/", "/?q=zo&look=inverted", "/?part=text&language=ar", "broken"])
def test_every_word_is_readable_and_nothing_runs_out_of_the_page(browser: Browser, desk: Desk, width: int, scheme: str, state: str) -> None:
    if state == "broken":
        desk.queue.write_text(QUEUE.replace("why", "whi"), encoding="utf-8")
        desk.wait(broken=True)
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light")
    page.goto(desk.url + (state if state != "broken" else "/"))
    page.wait_for_timeout(400)
    contrasts = page.evaluate(CONTRAST)
    assert len(contrasts) > 30
    assert [found for found in contrasts if found[1] < 4.5] == []
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(TARGETS) == []
    assert page.locator("h1").count() == 1
    assert page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, n, all) => all.indexOf(id) !== n)") == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    page.close()


def test_the_end_of_the_preview_is_said(browser: Browser, sqlite_template: Path, tmp_path: Path) -> None:
    (tmp_path / "digest.db").write_bytes(sqlite_template.read_bytes())
    (tmp_path / "queue.toml").write_text(QUEUE, encoding="utf-8")
    configured(tmp_path, "sqlite:///digest.db")
    with previewed(tmp_path) as desk:
        page = browser.new_page()
        page.goto(desk.url)
        page.get_by_text("A made-up reader: new, and follows nothing.").wait_for()
    page.get_by_text("The preview has ended.").wait_for()
    page.close()
