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

from digest.domain.edition import EditionContent, EditionPost
from digest.domain.lines import WIDTH, width
from digest.mail.compile import compile_edition
from digest.mail.inline import inline
from digest.mail.plain import clean
from digest.pipeline.rendering import Renderer
from tests.factories_mail import ENVELOPE, KEYS, edition, message

STRINGS = {
    "joined emoji": "👩🏽‍🔬👨‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿 baking",
    "turned": "safe \u202egnp.exe\u202c \u2067x\u2069 \u200f end",
    "endless": "Donaudampfschiff" * 125,
    "endless in Japanese": "電" * 2000,
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)></td></tr></table>",
    "attribute": '"><a href="javascript:alert(1)" onclick=\'x\'>x</a>',
    "entities": "&amp; &lt;b&gt; &nbsp; &#8203;",
    "jinja": "{{ 7 * 7 }}{% for x in y %}{# gone #}${7*7}",
    "formats": "100% of %s %(name)s {name} {0} {n!r}",
    "null": "a\x00b\x07c\x1b[31m",
    "surrogate": "x\ud800y\udfff",
    "head": "Hello\r\nBcc: everybody@example.com\r\n\r\n<b>body</b>",
    "encoded word": "=?utf-8?q?=0D=0ABcc:_a@b.example?=",
    "boundary": "\n--=_digest--\n.\n.\r\nFrom nobody",
    "comment": "<!--zq0zo colleagues 31--> --> <!--[if mso]> ]]>",
    "slot": "zq0zsharezq0z zq1z<o part 61>",
    "separators": "a\u2028b\u2029c\u0085d\x0be",
    "marks": "Z̴̡̛͎a̷l̵g̶o̸ é́́",
    "right to left": "שלום ومرحبا 123",
    "unsafe link": "[click](javascript:alert(1)) [x](data:text/html,x) ![i](cid:1)",
    "broken markdown": "**bold _it [x](<y> `code` # head > quote | a | b",
}


def _post(content: EditionContent, n: int, **changes: Any) -> EditionContent:
    posts: list[EditionPost] = [replace(post, **changes) if post.n == n else post for post in content.posts]
    return replace(content, posts=tuple(posts))


def _first(content: EditionContent, kind: str, **changes: Any) -> EditionContent:
    several = getattr(content, kind)
    changed: dict[str, Any] = {kind: (replace(several[0], **changes), *several[1:])}
    return replace(content, **changed)


FIELDS: dict[str, Any] = {
    **{name: (lambda c, t, name=name: replace(c, **{name: t})) for name in ("site_name", "company", "address", "subject", "note", "signed", "ask")},
    "disclosure": lambda c, t: replace(c, disclosure=t),
    **{
        f"colleague's {name}": (lambda c, t, name=name: _post(c, 1, **{name: t}))
        for name in ("title", "why", "author", "author_team", "author_place")
    },
    **{f"curated {name}": (lambda c, t, name=name: _post(c, 4, **{name: t})) for name in ("title", "why", "place", "starts_at", "refer")},
    "question": lambda c, t: _post(c, 4, questions=(t,)),
    "topic": lambda c, t: _post(c, 1, topics=(t,)),
    **{f"inside {name}": (lambda c, t, name=name: _post(c, 7, **{name: t})) for name in ("title", "why", "author_team")},
    **{f"figure's {name}": (lambda c, t, name=name: _first(c, "figures", **{name: t})) for name in ("name", "value", "before", "meaning", "you_can")},
    **{f"answer's {name}": (lambda c, t, name=name: _first(c, "answers", **{name: t})) for name in ("question", "owner", "answer")},
    **{f"lesson's {name}": (lambda c, t, name=name: replace(c, lesson=replace(c.lesson, **{name: t}))) for name in ("rule", "example", "question")},
    "choice": lambda c, t: replace(c, lesson=replace(c.lesson, choices=(t, "No"))),
}
EVERY = "every field"


def _everywhere(content: EditionContent, text: str) -> EditionContent:
    for field, put in FIELDS.items():
        content = put(content, text) if field != EVERY else content
    return content


FIELDS[EVERY] = _everywhere


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
