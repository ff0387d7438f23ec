"""What a page says about itself, however it is written, cut or broken."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.net.fetch import Fetched
from digest.net.kinds import Kind
from digest.net.preview import LONGEST_DESCRIPTION, LONGEST_TITLE, Preview, preview

URL = "https://news.example/blog/post"


def read(page: str | bytes, charset: str = "utf-8", url: str = URL) -> Preview:
    data = page if isinstance(page, bytes) else page.encode("utf-8", "surrogatepass")
    return preview(Fetched(url=url, kind=Kind.PAGE, data=data, charset=charset))


def test_a_well_kept_page_says_everything() -> None:
    found = read(
        '<!doctype html><html lang="pt-BR"><head><base href="/assets/"><title>Other</title>'
        '<meta property="og:title" content="O frio &amp; n&oacute;s"><meta name="description" content="Nove\n dias.">'
        '<meta property="og:image" content="cold.jpg?a=1&amp;b=2"><meta property="og:image:alt" content="Uma porta">'
        '<meta property="og:site_name" content="News"><link rel="canonical" href="/blog/real"></head><body>…</body></html>'
    )
    assert found == Preview(
        title="O frio & nós",
        description="Nove dias.",
        image="https://news.example/assets/cold.jpg?a=1&b=2",
        image_alt="Uma porta",
        language="pt-BR",
        canonical="https://news.example/blog/real",
        site="News",
    )


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<title>  A\n\ttitle </title>", "A title"),
        ("<title></title><meta name='twitter:title' content='T'>", "T"),
        ("<TITLE>a &lt;b&gt;</TITLE>", "a <b>"),
        ("<svg><title>drawn</title></svg><title>real</title>", "drawn"),  # the first that says something
        ("<title>a<b>c</title>", "a<b>c"),
        ("words alone", ""),
        ("", ""),
        ("<!-- <title>no</title> -->", ""),
        ("<meta property=og:title content=bare>", "bare"),
        ("<meta property='og:title' content=''><title>t</title>", "t"),
        ("<title>ab\u202ecd\u200b\u0000e\u2066f</title>", "abcdef"),
        ("<title>\U0001f469‍\U0001f52c</title>", "\U0001f469‍\U0001f52c"),
        ("<title>x" + "y" * 5000 + "</title>", "x" + "y" * (LONGEST_TITLE - 2) + "…"),
        ("<title>a\nSubject: b\r\nBcc: c</title>", "a Subject: b Bcc: c"),
        ("<head><title>cut of", "cut of"),
    ],
)
def test_a_title_is_one_plain_line(page: str, title: str) -> None:
    assert read(page).title == title


@pytest.mark.parametrize(
    "told",
    ["javascript:alert(1)", "data:image/png;base64,AA", "file:///etc/passwd", "http://", "//user:word@x.example/", "https://[", "a" * 4000, "  "],
)
def test_an_address_that_is_none_of_the_webs_is_left_out(told: str) -> None:
    found = read(f'<meta property="og:image" content="{told}"><link rel=canonical href="{told}"><title>t</title>')
    assert (found.image, found.canonical, found.title) == ("", "", "t")


@pytest.mark.parametrize(
    ("told", "language"), [("de", "de"), ("en_US", "en-US"), ("zh-Hant-TW", "zh-Hant-TW"), ("x onload=1", ""), ("", ""), ("de, en", "de")]
)
def test_a_language_is_a_tag_or_nothing(told: str, language: str) -> None:
    assert read(f'<html lang="{told}"><title>t</title></html>').language == language


@pytest.mark.parametrize(
    ("data", "charset", "title"),
    [
        ("<title>Straße</title>".encode(), "", "Straße"),
        ("<title>Straße</title>".encode("latin-1"), "iso-8859-1", "Straße"),
        ("<meta charset=windows-1251><title>Привет</title>".encode("cp1251"), "", "Привет"),
        ("<title>日本</title>".encode("shift_jis"), "shift_jis", "日本"),
        (b'<?xml version="1.0" encoding="euc-jp"?><html><title>' + "日本".encode("euc-jp") + b"</title></html>", "", "日本"),
        ("<title>Ünï</title>".encode("utf-16"), "utf-8", "Ünï"),
        (b"<title>a\xffb</title>", "utf-8", "a\ufffdb"),
        ("<title>é</title>".encode(), "rot13", "é"),
        ("<title>é</title>".encode(), "iso-8859-99", "é"),
        (b"<title>\x93a\x94</title>", "iso-8859-1", "\u201ca\u201d"),
        ("<title>é</title>".encode(), "unicode_escape", "é"),
        ("<title>é</title>".encode(), "idna", "é"),
    ],
)
def test_characters_are_read_by_what_the_page_declares(data: bytes, charset: str, title: str) -> None:
    assert read(data, charset).title == title


@given(st.binary(max_size=400), st.sampled_from(["", "utf-8", "utf-16", "gb18030", "iso-2022-jp", "nonsense"]))
def test_no_octets_break_it(data: bytes, charset: str) -> None:
    found = read(b"<meta property=og:title content='" + data, charset)
    assert len(found.title) <= LONGEST_TITLE
    assert len(found.description) <= LONGEST_DESCRIPTION
    assert found.title.isprintable() or any(c in "\u200c\u200d" or not c.isprintable() for c in found.title)


@pytest.mark.parametrize(
    "page", ["<div>" * 100_000, "<a " + "x=1 " * 120_000, "<meta name=a content=b>" * 20_000, "<!--" * 100_000, "<title>" * 70_000, "&" * 500_000]
)
def test_hostile_pages_end_soon(page: str) -> None:
    began = time.monotonic()
    read(page + "<title>t</title>")
    assert time.monotonic() - began < 5
