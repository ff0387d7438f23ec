"""Naughty words in every field of a letter: the same page with the same heads, and the words as words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from email import message_from_bytes, policy
from functools import cache
from typing import Any

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.domain.lines import WIDTH, width
from digest.mail.compile import compile_edition
from digest.mail.inline import inline
from digest.mail.plain import clean
from digest.pipeline.rendering import Renderer
from tests.factories_mail import ENVELOPE, KEYS, edition, message
from tests.naughty import EVERY, FIELDS, STRINGS


@cache
def _letter(field: str, text: str) -> tuple[list[tuple[str, str]], str, str]:
    """Heads, text and page of a letter. Inlining is slow: it is done where all fields are naughty at once."""
    content = FIELDS[field](edition(), text)
    bodies = {"en": compile_edition(content, "en", inliner=inline if field == EVERY else lambda page: page)}
    picks = tuple(replace(pick, because=f"topic:{text}") if pick.n == 1 and field in {"topic", EVERY} else pick for pick in message().picks)
    wire = Renderer(content, ENVELOPE, bodies, KEYS).wire(message(picks=picks))
    assert wire.isascii()
    assert all(len(line) <= 998 and not line.startswith(b".") for line in wire.split(b"\r\n"))
    parsed = message_from_bytes(wire, policy=policy.default)
    assert [defect for part in parsed.walk() for defect in part.defects] == []
    plain, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert plain is not None
    assert html is not None
    return [(name, str(value)) for name, value in parsed.items()], plain.get_content().replace("\r\n", "\n"), html.get_content()


def _tree(html: str) -> Any:
    return html5lib.parse(html, namespaceHTMLElements=False)


def _shape(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Tags with the names of their attributes, in order; what Markdown may add is left out."""
    added = {"p", "strong", "em", "br", "ul", "ol", "li"}
    return [(str(node.tag), tuple(sorted(node.attrib))) for node in _tree(html).iter() if isinstance(node.tag, str) and node.tag not in added]


def _seen(text: str) -> str:
    """Letters and digits alone: signs may be marks of Markdown, and lines are folded."""
    return "".join(c for c in clean(text) if unicodedata.category(c)[0] in "LN")


def _check(field: str, text: str) -> None:
    heads, plain, html = _letter(field, text)
    known_heads, _, known = _letter(field, "words")
    assert [name for name, _ in heads] == [name for name, _ in known_heads]
    assert all(not re.search(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", value) for _, value in heads)
    assert _shape(html) == _shape(known)
    shown = "".join(_tree(html).itertext()) + " ".join(value for node in _tree(html).iter() for value in node.attrib.values())
    assert _seen(text) in _seen(shown) or field == "subject" or "]" in text
    for part in (plain, html):
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", part)
    assert "javascript:" not in " ".join(node.get("href", "") for node in _tree(html).iter("a"))
    assert max(width(line) for line in plain.split("\n") if "https://" not in line) <= WIDTH


@pytest.mark.parametrize("kind", STRINGS)
@pytest.mark.parametrize("field", FIELDS)
def test_naughty_words_are_words_and_nothing_else(field: str, kind: str) -> None:
    _check(field, STRINGS[kind])


@settings(max_examples=60, deadline=None)
@given(field=st.sampled_from(sorted(FIELDS)), text=st.text(st.characters(), min_size=1, max_size=120).filter(lambda text: "://" not in text))
def test_no_words_at_all_change_the_page(field: str, text: str) -> None:
    _check(field, f"words {text} words")


@pytest.mark.parametrize("kind", STRINGS)
def test_a_naughty_name_is_greeted_and_addressed_safely(kind: str) -> None:
    bodies = {"en": compile_edition(edition(), "en", inliner=lambda page: page)}
    wire = Renderer(edition(), ENVELOPE, bodies, KEYS).wire(message(name=STRINGS[kind]))
    parsed = message_from_bytes(wire, policy=policy.default)
    assert parsed["To"].addresses[0].addr_spec == "ana@osterglen.example"
    assert "Bcc" not in parsed
    assert len(parsed["To"].addresses) == 1
