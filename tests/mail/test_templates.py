"""Templates: found, strict, wrapped; an error says which file and line."""

from __future__ import annotations

import pytest

from digest.errors import TemplateError
from digest.mail.compile import compile_edition
from digest.mail.environment import render_file, templates_folder
from digest.mail.plain import ascii_url, clean, paragraphs, wrap
from tests.factories_mail import edition


def test_an_email_is_a_folder_of_three_files() -> None:
    folder = templates_folder() / "digest"
    assert [name for name in ("subject.txt", "body.txt", "body.html") if not (folder / name).is_file()] == []


def test_a_missing_template_and_a_missing_value_are_named() -> None:
    with pytest.raises(TemplateError, match=r"digest/nothing\.html"):
        render_file("digest/nothing.html", {})
    with pytest.raises(TemplateError, match=r"digest/subject.txt:1: .*'edition' is undefined"):
        render_file("digest/subject.txt", {})


def test_an_inliner_that_loses_a_mark_is_found_out() -> None:
    with pytest.raises(TemplateError, match=r"view\.close|view\.open"):
        compile_edition(edition(), "en", inliner=lambda page: page.replace("zq0zc-->", "-->", 1))


def test_text_is_wrapped_by_words_and_keeps_its_own_breaks() -> None:
    assert wrap("a\nb") == "a\nb"
    assert max(map(len, wrap("word " * 100).split("\n"))) <= 76
    assert wrap("https://x.example/" + "a" * 100) == "https://x.example/" + "a" * 100
    assert wrap("one two", "  ", "  ") == "  one two"
    assert paragraphs("a\n\n b \n \n\nc") == ["a", "b", "c"]


def test_what_no_mail_may_carry_is_dropped() -> None:
    assert clean("a\x00b\x1bc\ud800d\u2028e\r\nf") == "abcd\ne\nf"
    assert clean("👩🏽\u200d🔬 \u200f") == "👩🏽\u200d🔬 \u200f"


def test_an_address_outside_ascii_is_percent_encoded_and_nothing_else_changes() -> None:
    assert ascii_url("https://x.example/ü?a=%C3%BC&b=[1]|2") == "https://x.example/%C3%BC?a=%C3%BC&b=[1]|2"
