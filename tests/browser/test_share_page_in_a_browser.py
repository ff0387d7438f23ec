"""The share page in a real Chromium: counted while typing, copied in every way, reached by keys alone, readable in light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request

from digest.db.session import open_database
from digest.demo.mailbox import free_port
from digest.domain.counting import count
from digest.domain.frozen import freeze
from digest.domain.share import room, room_octets
from digest.files.networks import load_networks
from digest.web.app import make_app
from tests.linked import ANA, BEN, CONTENT, DISCLOSURE, Linked, share_link
from tests.readable import CONTRAST, NAMELESS, SMALL
from tests.served import served

pytestmark = pytest.mark.browser

NETWORKS = {network.name: network for network in load_networks()}
NAMES = ("linkedin", "x", "threads", "bluesky", "mastodon", "whatsapp", "facebook", "email", "teams", "slack", "engage")
TEXTS = [
    "",
    "plain words",
    "R&D: 50% off + “Größe” 🎉\n#ai?",
    "👨‍👩‍👧‍👦 family, 👍🏽 hand, 🇩🇪 flag, e\u0301 mark, नि",
    "漢字かなまじり文 한국어",
    "see https://example.com/a/long/path?with=query&and=more and http://x.example/ too",
    "bare example.com and sub.example.org/path but not me@example.com",
    "\u2026\u2014\u2013\u2018\u2019\u201c\u201d \u2070 \u2211 \u200d",
    "word " * 200,
    "漢" * 1200,
    "HTTPS://EXAMPLE.COM/ÜBER",
]


@pytest.fixture(scope="module")
def site(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages over a small edition, served on loopback."""
    path = tmp_path_factory.mktemp("share") / "digest.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_database(f"sqlite:///{path}")
    linked = Linked(engine)
    content = replace(CONTENT, networks=tuple((NETWORKS[name].letter, name, NETWORKS[name].label) for name in NAMES))
    linked.change("edition", {"id": linked.edition}, content=freeze(content))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = make_app(engine, linked.settings(site_url=url), lambda: linked.now)
    with served(app, port):
        yield url
    engine.dispose()


@pytest.fixture(params=[(320, "light"), (375, "dark"), (1200, "light"), (1200, "dark")], ids=lambda p: f"{p[0]}-{p[1]}")
def page(request: pytest.FixtureRequest, browser: Browser, site: str) -> Iterator[Page]:
    """Ana's share page, wide or narrow, light or dark."""
    width, scheme = request.param
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(site + share_link(ANA, 1))
    yield page
    page.close()


@pytest.fixture
def desk(browser: Browser, site: str) -> Iterator[Page]:
    """Ana's share page on a desk."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(site + share_link(ANA, 1))
    yield page
    page.close()


def copy_page(page: Page, words: str = "Mine & yours.") -> None:
    """Go on to the page that copies."""
    page.locator("textarea").fill(words)
    page.get_by_role("button", name="Copy text and link").click()
    page.wait_for_selector("#text")


def test_the_count_is_the_one_that_each_network_makes(desk: Page, site: str) -> None:
    link = f"{site}/l/000000000000"
    for text in TEXTS:
        desk.locator("textarea").fill(text)
        plain = text.strip()
        for name in NAMES:
            network = NETWORKS[name]
            left = room(network.limit, DISCLOSURE, link) - count(network.limit, plain)
            octets = room_octets(network.limit, DISCLOSURE, link)
            expected = left if octets is None else min(left, octets - len(plain.encode()))
            shown = desk.locator(f"#rest [data-letter='{network.letter}']").get_attribute("data-rest")
            assert (name, text[:40], int(str(shown))) == (name, text[:40], expected)


def test_words_that_are_too_many_are_told_once_and_before_they_are_cut(desk: Page) -> None:
    desk.get_by_role("radio", name="Bluesky").check()
    said = desk.locator("#over")
    assert said.inner_text() == ""
    desk.locator("textarea").fill("w" * 400)
    first = said.inner_text()
    assert re.fullmatch(r"\d+ too many for Bluesky: the end will be cut", first)
    desk.locator("textarea").fill("w" * 500)
    assert said.inner_text() == first  # a screen reader is not told at each key
    assert desk.locator("#rest .over:visible").inner_text() != first  # who looks sees the number of now
    desk.locator("textarea").fill("short")
    assert said.inner_text() == ""


def test_one_count_and_one_button_are_shown_for_the_chosen_network(page: Page) -> None:
    for name in ("X", "Mastodon", "Viva Engage"):
        page.get_by_role("radio", name=name, exact=True).check()
        assert page.locator("#rest [data-letter]:visible").count() == 1
        assert page.get_by_role("button", name=f"Open {name}", exact=True).is_visible()
        assert page.get_by_label("Your Mastodon server").is_visible() is (name == "Mastodon")


def test_the_text_lands_on_the_clipboard(browser: Browser, site: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(site + share_link(ANA, 1))
    copy_page(page)
    page.get_by_role("button", name="Copy", exact=True).click()
    page.locator("#told", has_text="Copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(rf"Mine & yours\.\nI work at Fernwood Instruments\. {site}/l/[0-9a-z]{{12}}", copied.replace("\r\n", "\n"))
    context.close()


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("delete Navigator.prototype.clipboard", "Copied."),  # no secure page: the old way
        ("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))", "Copied."),
        ("delete Navigator.prototype.clipboard; document.execCommand = () => false", "press Ctrl and C"),
        ("delete Navigator.prototype.clipboard; document.execCommand = () => { throw new Error('no') }", "press Ctrl and C"),
    ],
)
def test_copying_never_fails_in_silence(browser: Browser, site: str, broken: str, told: str) -> None:
    page = browser.new_page()
    page.add_init_script(broken)
    page.goto(site + share_link(ANA, 1))
    copy_page(page)
    page.get_by_role("button", name="Copy", exact=True).click()
    page.locator("#told:not(:empty)").wait_for()
    assert told in page.locator("#told").inner_text()
    assert page.evaluate("getSelection().toString()").startswith("Mine & yours.")
    page.close()


@pytest.mark.parametrize(
    ("touch", "answer", "told"), [(True, "resolve()", ""), (True, "reject(new DOMException('', 'NotAllowedError'))", "No app took it.")]
)
def test_a_phone_hands_the_whole_text_to_an_app(browser: Browser, site: str, *, touch: bool, answer: str, told: str) -> None:
    context = browser.new_context(has_touch=touch, is_mobile=touch, viewport={"width": 375, "height": 800})
    page = context.new_page()
    page.add_init_script(f"navigator.share = data => {{ window.shared = data; return Promise.{answer} }}")
    page.goto(site + share_link(ANA, 1))
    page.get_by_role("radio", name="Facebook").check()  # its composer takes the link alone, an app takes all
    page.locator("textarea").fill("Mine.")
    page.get_by_role("button", name="Open Facebook").click()
    page.wait_for_selector("#text")
    page.get_by_role("button", name="Share with an app").click()
    shared: dict[str, Any] = page.evaluate("window.shared")
    assert re.fullmatch(rf"Mine\.\nI work at Fernwood Instruments\. {site}/l/[0-9a-z]{{12}}", shared["text"])
    assert list(shared) == ["text"]
    page.wait_for_timeout(200)
    assert (told in page.locator("#told").inner_text()) if told else page.locator("#told").inner_text() == ""
    context.close()


def test_a_desk_without_apps_shows_no_such_button(desk: Page) -> None:
    copy_page(desk)
    assert not desk.get_by_role("button", name="Share with an app").is_visible()


def test_keys_alone_do_everything_and_the_focus_is_always_seen(desk: Page) -> None:
    gone: list[str] = []
    desk.on("request", lambda request: gone.append(request.url))
    seen = []
    for _ in range(7):
        desk.keyboard.press("Tab")
        seen.append(desk.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        ring = desk.evaluate(
            """() => { const e = document.activeElement; const r = e.type === 'radio' ? e.closest('label') : e;
                       const s = getComputedStyle(r); return [s.outlineStyle, parseFloat(s.outlineWidth)] }"""
        )
        assert ring[0] == "solid"
        assert ring[1] >= 2
    assert seen[:3] == ["Read it first", "k1", "words"]
    assert seen[4:6] == ["Copy text and link", "Or start from a line somebody wrote"]
    desk.locator("#k1").focus()
    desk.keyboard.press("ArrowRight")
    assert desk.evaluate("document.activeElement.id") == "k2"
    desk.keyboard.press("Tab")
    desk.keyboard.type("By hand.")
    desk.keyboard.press("Tab")
    desk.keyboard.press("Enter")
    desk.wait_for_timeout(500)
    assert any(url.startswith("https://x.com/intent/tweet?text=By%20hand.%0AI%20work") for url in gone)


@pytest.mark.parametrize("then", ["page", "copy", "wrong"])
def test_every_word_is_readable_and_every_field_has_its_name(page: Page, then: str) -> None:
    if then == "copy":
        copy_page(page)
    elif then == "wrong":
        page.get_by_role("radio", name="Mastodon").check()
        page.get_by_label("Your Mastodon server").fill("https://me")
        page.get_by_role("button", name="Open Mastodon").click()
        page.wait_for_selector("#problem")
        assert page.get_by_label("Your Mastodon server").get_attribute("aria-invalid") == "true"
    else:
        page.locator("summary").click()
    contrasts = page.evaluate(CONTRAST)
    assert len(contrasts) > 5
    assert [found for found in contrasts if found[1] < 4.5] == []
    nameless = page.evaluate(NAMELESS)
    assert nameless == []
    assert page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, n, all) => all.indexOf(id) !== n)") == []
    assert page.locator("h1").count() == 1
    small = page.evaluate(SMALL)
    assert small == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_nothing_is_asked_of_anybody_else_and_no_script_complains(browser: Browser, site: str) -> None:
    page = browser.new_page()
    asked: list[Request] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - playwright marks the function it is given
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(site + share_link(ANA, 1))
    copy_page(page)
    page.get_by_role("button", name="Copy", exact=True).click()
    page.wait_for_timeout(300)
    assert [request.url for request in asked if not request.url.startswith(site)] == []
    assert [text for text in said if "favicon" not in text] == []
    page.close()


def test_without_scripts_a_server_is_kept_and_a_line_is_taken(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + share_link(ANA, 1))
    page.get_by_role("radio", name="Mastodon").check()
    page.get_by_label("Your Mastodon server").fill("mastodon.example")
    page.get_by_role("button", name="Save").click()
    assert "Saved." in page.get_by_role("status").first.inner_text()
    page.locator("summary").click()
    page.get_by_role("button", name="Use and change it").first.click()
    assert page.locator("textarea").input_value().startswith("A thermometer")
    assert page.get_by_role("radio", name="Mastodon").is_checked()
    assert page.get_by_label("Your Mastodon server").input_value() == "mastodon.example"
    page.get_by_label("Your Mastodon server").fill("")
    page.get_by_role("button", name="Save").click()
    assert "Forgotten." in page.get_by_role("status").first.inner_text()
    context.close()


def test_the_page_speaks_german_to_the_last_word(browser: Browser, site: str) -> None:
    page = browser.new_page()
    page.goto(site + share_link(BEN, 1))
    page.get_by_role("radio", name="Mastodon").check()
    page.locator("textarea").fill("x" * 700)
    assert "zu viel für Mastodon: das Ende fällt weg" in page.locator("#over").inner_text()
    assert page.get_by_label("Dein Mastodon-Server").is_visible()
    page.close()
