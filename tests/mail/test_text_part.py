"""The text part in every language: lines of 76 columns, every address alone on its line and whole after transport."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes, policy
from functools import cache

import html5lib
import pytest

from digest.domain.lines import WIDTH, width
from digest.domain.post import Translation
from digest.mail import catalogue
from digest.mail.compile import compile_edition
from digest.pipeline.rendering import Renderer
from tests.factories_mail import ENVELOPE, KEYS, edition, message

ADDRESS = "https://osterglen.example/report?part=1&of=2#top"
WHY = f"Three **bakers** sent it back.\n\n- read the [whole report]({ADDRESS})\n- or see {ADDRESS}&again=1. It is short"


@cache
def _letter(language: str) -> tuple[str, str]:
    posts = list(edition().posts)
    posts[0] = replace(
        posts[0],
        why=WHY,
        translations={"ar": Translation(title="عاد الفرن", why="عاد **الفرن** إلينا بعد أسبوع."), "ja": Translation(title="題", why="本文")},
    )
    content = edition(posts=tuple(posts))
    body = compile_edition(content, language, inliner=lambda page: page)
    wire = Renderer(content, ENVELOPE, {language: body}, KEYS).wire(message(language=language, networks=("1", "6")))
    parsed = message_from_bytes(wire, policy=policy.default)
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content().replace("\r\n", "\n"), html.get_content()


@pytest.mark.parametrize("language", catalogue.languages())
def test_every_link_of_the_page_stands_alone_and_whole_in_the_text(language: str) -> None:
    text, html = _letter(language)
    lines = [line.strip() for line in text.split("\n")]
    links = {str(anchor.get("href")) for anchor in html5lib.parse(html, namespaceHTMLElements=False).iter("a")}
    assert [link for link in links if not link.startswith("mailto:") and link not in lines] == []
    assert [line for line in lines if "://" in line and re.search(r"\s", line)] == []
    assert max(width(line) for line in text.split("\n") if "://" not in line) <= WIDTH


@pytest.mark.parametrize("language", catalogue.languages())
def test_the_text_is_in_sections_with_air_between_them(language: str) -> None:
    text, _ = _letter(language)
    headings = re.findall(r"\n\n(.+)\n-{3,60}\n\n", text)
    said = catalogue.words(language)
    assert headings == [said(name) for name in ("colleagues", "sharing", "ledger", "lesson", "turn")]
    assert "**" not in text
    assert "\n\n\n\n\n" not in text


def test_a_right_to_left_letter_is_mirrored_and_foreign_words_are_not() -> None:
    _, html = _letter("ar")
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    assert (tree.get("lang"), tree.get("dir")) == ("ar", "rtl")
    assert {table.get("dir") for table in tree.iter("table")} == {"rtl"}
    quotes = list(tree.iter("blockquote"))
    assert [(quote.get("lang"), quote.get("dir")) for quote in quotes] == [(None, None), ("en", "ltr"), ("de", "ltr")]
    assert {table.get("align") for table in tree.iter("table")} == {None, "right"}
    assert "float:left" not in html


def test_a_letter_in_its_own_language_marks_only_what_is_foreign() -> None:
    _, html = _letter("en")
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    assert {node.get("lang") for node in tree.iter()} == {None, "en", "de"}
    assert {node.get("dir") for node in tree.iter()} == {None, "ltr"}
