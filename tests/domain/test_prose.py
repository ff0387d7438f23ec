"""Markdown in a letter: a little of it, safe, and readable as text."""

from __future__ import annotations

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.prose import blocks, caption, links, plain

ADDRESS = "https://example.com/a?b=1&c=2"


def _html(text: str) -> str:
    return "|".join(block.html for block in blocks(text))


def _text(text: str) -> str:
    return "|".join(block.text for block in blocks(text))


@pytest.mark.parametrize(
    ("typed", "page", "text"),
    [
        ("plain", "plain", "plain"),
        ("**bold** and *it*", "<strong>bold</strong> and <em>it</em>", "bold and it"),
        (f"Read [it]({ADDRESS}).", 'Read <a class="lnk" href="https://example.com/a?b=1&amp;c=2">it</a>.', f"Read it.\nit:\n{ADDRESS}"),
        ("See https://example.com/x. Then go", None, "See\nhttps://example.com/x\nThen go"),
        ("<ana@example.com>", '<a class="lnk" href="mailto:ana@example.com">ana@example.com</a>', "ana@example.com"),
        ("[x](javascript:alert(1)) ![i](data:a)", "x i", "x i"),
        ("<b>x</b> &amp; `code`", "&lt;b&gt;x&lt;/b&gt; &amp;amp; `code`", "<b>x</b> &amp; `code`"),
        ("# head\n#energy", "# head\n#energy", "# head\n#energy"),
        ("snake_case_name 2 * 3 * 4 **open", "snake_case_name 2 * 3 * 4 **open", "snake_case_name 2 * 3 * 4 **open"),
        ("one\n\ntwo\nlines", "one|two\nlines", "one|two\nlines"),
        ("", "", ""),
    ],
)
def test_marks_become_tags_and_words(typed: str, page: str | None, text: str) -> None:
    assert page is None or _html(typed) == page
    assert _text(typed) == text


def test_lists_keep_their_marks_and_numbers() -> None:
    found = blocks("Before:\n\n- one\n- two\n\n3. three\n4. four")
    assert [(block.kind, block.mark, block.text) for block in found] == [
        ("p", "", "Before:"),
        ("ul", "•", "one"),
        ("ul", "•", "two"),
        ("ol", "3.", "three"),
        ("ol", "4.", "four"),
    ]
    assert plain("- one\n- two") == "• one\n\n• two"


def test_a_caption_loses_its_marks_and_keeps_its_lines() -> None:
    assert caption("Three *ovens*.\n\n**Ask** me #bread") == "Three ovens.\n\nAsk me #bread"
    assert caption("Nothing to see\n#here") == "Nothing to see\n#here"


def test_links_are_listed() -> None:
    assert links(f"[a]({ADDRESS}) and <https://b.example>") == [ADDRESS, "https://b.example"]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
def test_whatever_is_typed_is_harmless(text: str) -> None:
    for block in blocks(text):
        tree = html5lib.parseFragment(block.html, namespaceHTMLElements=False)
        assert {node.tag for node in tree.iter() if node is not tree} <= {"strong", "em", "br", "a"}
        assert all(node.get("href", "").startswith(("https://", "http://", "mailto:")) for node in tree.iter("a"))
