"""Letters to look at in a browser, in every language and with the longest words, and what to look for."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page, Route

from digest.domain.brand import Logo
from digest.domain.edition import EditionContent
from digest.domain.message import Pick
from digest.domain.picture import Picture
from digest.domain.tally import Tally
from digest.mail.compile import compile_edition, load_compiled
from tests.factories_mail import edition, html_of, person
from tests.naughty import STRINGS, everywhere
from tests.pictures import png

LONGEST = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_NO_PAGE = ["region", "landmark-one-main"]  # a letter stands in a mail program's page, which has the landmarks
# Elements with words of their own that are drawn, at least partly, left or right of the window.
CUT_OFF = """() => [...document.querySelectorAll('body *')]
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .filter(e => {
    const box = e.getBoundingClientRect();
    return box.width && box.height > 2 && (box.right > document.documentElement.clientWidth + 1 || box.left < -1);
  })
  .map(e => e.tagName + ': ' + e.textContent.trim().slice(0, 40))"""
# What a mail program does that turns colours on its own: the lightness of each colour, of every one or of those that are too light or too dark.
TURN = """partly => {
  const brush = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const read = colour => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => (Math.max(r, g, b) + Math.min(r, g, b)) / 510;
  const turned = ([r, g, b]) => {
    const more = 255 * (1 - 2 * light([r, g, b]));
    return `rgb(${[r, g, b].map(part => Math.round(Math.max(0, Math.min(255, part + more))))})`;
  };
  const changes = [...document.querySelectorAll('body, body *')].map(e => {
    const had = getComputedStyle(e), ground = read(had.backgroundColor), ink = read(had.color);
    return [e, ground[3] && (!partly || light(ground) > 0.5) && turned(ground), (!partly || light(ink) < 0.5) && turned(ink)];
  });
  document.querySelectorAll('style').forEach(e => e.remove());
  for (const [e, ground, ink] of changes) {
    if (ground) e.style.setProperty('background-color', ground, 'important');
    if (ink) e.style.setProperty('color', ink, 'important');
  }
}"""
_SIZES = {1: (536, 300), 4: (400, 224), 7: (490, 274)}  # as wide as the column, narrower, as wide as the wall
_PICTURES = {n: Picture(name="bench.png", width=width, height=height) for n, (width, height) in _SIZES.items()}


def pictured(content: EditionContent) -> EditionContent:
    """`content` with a logo, a face and pictures, one of them inside the wall."""
    brand = replace(content.brand, name="The Osterglen Letter", logo=Logo(address="https://pictures.example/logo.png", width=96, height=32))
    posts = [replace(post, picture=_PICTURES[post.n], image_alt="Two people at a bench") if post.n in _PICTURES else post for post in content.posts]
    posts = [replace(post, face=Picture(name="face.png", width=40, height=40)) if post.n == 2 else post for post in posts]
    return replace(content, posts=tuple(posts), brand=brand)


def worded(kind: str) -> EditionContent:
    """The full edition: "usual", with pictures, with the longest German word, or with one of the naughty strings, in every field."""
    if kind == "usual":
        return edition()
    return pictured(edition()) if kind == "pictures" else everywhere(pictured(edition()), LONGEST if kind == "longest" else STRINGS[kind])


@cache
def letter(language: str, kind: str = "usual") -> str:
    """The page of somebody who gets every post, has a long name, two networks of their own, and something to read about their week."""
    content = worded(kind)
    answers = tuple(replace(answer, hard=n == 0) for n, answer in enumerate(content.answers))
    content = replace(content, answers=answers, heard=("example.com",), decided_days=14)
    compiled = load_compiled(compile_edition(content, language))
    name = {"usual": "Ana", "pictures": "Ana"}.get(kind, LONGEST)
    reasons = ("team", "country", "")  # for posts without a topic, and for every third one
    picks = tuple(Pick(n=p.n, because=f"topic:{p.topics[0]}" if p.topics and p.n % 3 else reasons[p.n // 3 % 3]) for p in content.posts)
    tally = Tally(presses=4, shares=1, read=2, shared=1, visits=12, perhaps=15, outcomes=1)
    return html_of(compiled, person(name=name, picks=picks, networks=("1", "2"), tally=tally))


def without_style(html: str) -> str:
    """What a program shows that drops every style sheet."""
    return re.sub(r"<style\b.*?</style>", "", html, flags=re.DOTALL)


def draw_pictures(page: Page) -> None:
    """Answer every picture from here, so that nothing is asked of anybody."""

    def answer(route: Route) -> None:
        small = "face" in route.request.url
        route.fulfill(body=png(80, 80) if small else png(192, 64) if "logo" in route.request.url else png(1072, 600), content_type="image/png")

    page.route(re.compile(r"https?://[^/]+/(?:p|b)/|pictures\.example"), answer)


def drop_pictures(page: Page) -> None:
    """Pictures are off."""
    page.route(re.compile(r"https?://(?!127\.0\.0\.1).*|.*/(?:p|b)/.*"), lambda route: route.abort())


def overflow(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    return int(page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - document.documentElement.clientWidth"))


def cut_off(page: Page) -> list[str]:
    """Words that stand outside the window, beside which nothing scrolls."""
    found: list[str] = page.evaluate(CUT_OFF)
    return found


def axe(page: Page, *, letter: bool = False, only: tuple[str, ...] = ()) -> list[str]:
    """What axe-core finds: rule, element and why."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    rules = {name: {"enabled": False} for name in _NO_PAGE if letter}
    run = {"type": "rule", "values": list(only)} if only else {"type": "tag", "values": _RULES}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", {"runOnly": run, "rules": rules, "resultTypes": ["violations"]})
    assert found["testEngine"]["name"] == "axe-core"
    return [
        f"{one['id']}: {node['html'][:160]}: {' '.join(node['failureSummary'].split())[:240]}" for one in found["violations"] for node in one["nodes"]
    ]
