"""Inlining: what is moved onto elements, what stays, and that nothing is fetched."""

from __future__ import annotations

import re

import css_inline
import html5lib

from digest.mail.compile import compile_edition, load_compiled
from digest.mail.inline import inline
from tests.factories_mail import edition, person, slow_page

PAGE = """<!DOCTYPE html><html><head>
<style>.a{color:#1E1C19;font-size:14px}p{margin:0}</style>
<style data-premailer="ignore">@media (max-width:480px){.a{color:red!important}}[data-ogsc] .a{color:blue!important}</style>
<link rel="stylesheet" href="file:///etc/passwd"><link rel="stylesheet" href="http://192.0.2.1/x.css">
</head><body><!--mark--><p class="a" style="color:#000">Hello,  world; again, and</p></body></html>"""


def test_plain_styles_move_onto_elements_and_an_elements_own_style_wins() -> None:
    assert '<p class="a" style="margin:0;color:#000;font-size:14px">' in inline(PAGE)


def test_styles_for_phones_and_dark_mode_stay_word_for_word() -> None:
    found = inline(PAGE)
    assert "@media (max-width:480px){.a{color:red!important}}[data-ogsc] .a{color:blue!important}" in found
    assert "data-premailer" not in found


def test_words_and_marks_are_left_alone() -> None:
    found = inline(PAGE)
    assert "Hello,  world; again, and" in found
    assert "<!--mark-->" in found


def test_words_that_look_like_a_style_are_left_alone() -> None:
    words = 'x style="a, b; c" &lt;p style="a, b; c"&gt;'
    found = inline(f"<html><body><p title='{words}' style='color: red; margin: 0'>{words}</p></body></html>")
    paragraph = html5lib.parse(found, namespaceHTMLElements=False).find("body/p")
    assert paragraph is not None
    assert (paragraph.text, paragraph.get("title")) == ('x style="a, b; c" <p style="a, b; c">',) * 2


def test_a_second_inliner_gives_every_element_the_same_style() -> None:
    content = edition()
    compiled = load_compiled(compile_edition(content, "en"))
    ours = slow_page(content, compiled, person()).html
    theirs = slow_page(content, compiled, person(), inliner=_rust).html
    mine, other = (_styles(page) for page in (ours, theirs))
    assert len(mine) > 100
    assert mine == other


def _rust(page: str, /) -> str:
    return css_inline.CSSInliner(load_remote_stylesheets=False).inline(page.replace("data-premailer", "data-css-inline"))


def _styles(page: str) -> list[tuple[str, str, dict[str, str]]]:
    """Every element of the body that says something about its looks: tag, class, property -> value."""
    body = html5lib.parse(page, namespaceHTMLElements=False).find("body")
    assert body is not None
    found = [(str(node.tag), node.get("class", ""), _declarations(node.get("style", ""))) for node in body.iter()]
    return [entry for entry in found if entry[2]]


def _declarations(style: str) -> dict[str, str]:
    pairs = (part.split(":", 1) for part in style.split(";") if ":" in part)
    return {name.strip(): re.sub(r"\s*,\s*", ",", value.strip()).replace('"', "'").lower().replace("#ffffff", "#fff") for name, value in pairs}
