"""Compile once, fill in many: the result is what the slow way makes, for every reader."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from typing import Any

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.domain.edition import EditionContent, EditionPost
from digest.domain.message import Pick
from digest.domain.occasion import offsets
from digest.domain.picture import Picture
from digest.domain.tally import Tally
from digest.errors import TemplateError
from digest.mail.compile import Compiled, compile_edition, load_compiled
from digest.mail.fill import BOUNDARY, Fill, Filler, fill
from digest.mail.templates import reasons_of
from tests.factories_mail import CONTROL, SHARE, UNSUBSCRIBE, colleague, curated, edition, inside, person, slow_message, slow_page

NAUGHTY = [
    "<script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %} {# #}",
    "100% of %s and %(name)s {name} {0}",
    "👩🏽‍🔬 🥐 ｡◕‿◕｡",
    "اختبار من اليمين إلى اليسار",
    "<!--@o colleagues 31--> <!--@c-->",
    "zq0zsharezq0z zq1z<o part 61> zq0z",
    "--=_digest",
    "=?utf-8?q?x?= \r\nBcc: a@b.example",
    "a\x00b\x07c\u2028d\ufffee\ud800f",
    '"><a href="javascript:alert(1)">x</a>',
    "x" * 300,
    "&amp; &lt;b&gt; &nbsp;",
    ".\n.\n..\nFrom here",
]
LANGUAGES = ["en", "de", "ar", "ja"]


def _headed(body: bytes) -> bytes:
    return f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n\r\n'.encode() + body


def _parts(message: bytes) -> tuple[str, str]:
    parsed = message_from_bytes(message, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not [defect for part in parsed.walk() for defect in part.defects]
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


def _dom(html: str) -> Any:
    """The tree a browser builds, without white space that it would not show."""

    def plain(node: Any) -> Any:
        return (str(node.tag), sorted(node.attrib.items()), seen(node.text), seen(node.tail), [plain(child) for child in node])

    def seen(text: str | None) -> str:
        return re.sub(r"[ \n\t]+", " ", text or "").strip(" ")

    return plain(html5lib.parse(html, namespaceHTMLElements=False))


@cache
def _compiled(language: str, kind: str) -> tuple[EditionContent, Compiled]:
    content = EDITIONS[kind]
    return content, load_compiled(compile_edition(content, language))


def _shown(post: EditionPost, alt: str) -> EditionPost:
    picture = Picture(name="0123456789abcdefghjkmnpqrs.jpg", width=490, height=300, octets=1)
    return replace(post, picture=picture, image_alt=alt, face=replace(picture, width=40, height=40))


def _naughty() -> EditionContent:
    posts = [_shown(colleague(n, title=text, why=text, author=text[:40]), text) for n, text in enumerate(NAUGHTY, start=1)]
    posts += [curated(len(posts) + 1 + n, title=text, why=text, questions=(text,), topics=(text,)) for n, text in enumerate(NAUGHTY)]
    posts += [inside(len(posts) + 1 + n, title=text, why=text) for n, text in enumerate(NAUGHTY)]
    everything = " ".join(NAUGHTY)
    return edition(posts=tuple(posts), note=everything, signed=everything, ask=everything, site_name=NAUGHTY[0], company=NAUGHTY[6])


EDITIONS = {
    "full": edition(),
    "naughty": _naughty(),
    "no colleagues": edition(posts=(curated(1), curated(2), inside(3))),
    "no figures": edition(figures=()),
    "one post": edition(posts=(colleague(1),), figures=(), answers=(), lesson=None, note="", ask="", signed=""),
    "nothing inside": edition(posts=(colleague(1), curated(2)), figures=()),
    "figures alone": edition(posts=(colleague(1),)),
    "with a subject": edition(subject="Three ovens came back"),
    "off": edition(tracking="off"),
    "a source heard of": edition(heard=("sales.example", "a&b.example")),
    "nothing but heard": edition(heard=("sales.example",), answers=()),
    "pictures": edition(
        posts=tuple(_shown(post, alt) for post, alt in zip((colleague(1), curated(2), inside(3)), ("", *NAUGHTY[:6:5]), strict=True))
    ),
    "right to left": edition(posts=(colleague(1, language="ar", title="الفرن", why="عاد الفرن"), curated(2, language="he")), figures=()),
}


@st.composite
def readers(draw: st.DrawFn, content: EditionContent) -> Fill:
    """Any reader the plan may make: any picks in any order, any reason, at most two networks."""
    numbers = draw(st.lists(st.sampled_from([post.n for post in content.posts]), min_size=1, max_size=8, unique=True))
    picks = tuple(Pick(n=n, because=draw(st.sampled_from(["", "topic:gone", *reasons_of(content.posts[n - 1])]))) for n in numbers)
    networks = draw(st.lists(st.sampled_from([letter for letter, _, _ in content.networks]), max_size=2, unique=True))
    counts = st.integers(0, 3) | st.sampled_from([11, 100, 1_000, 2_000_000])
    visits = draw(counts)
    tally = st.builds(Tally, counts, counts, counts, counts, st.just(visits), counts.map(lambda more: visits + more), counts)
    name = draw(st.sampled_from(["", "Ana", "Zoë", "李", "N'Golo", "<b>"]))
    hours = [(post.n, offsets(post.starts_at)) for post in content.posts if offsets(post.starts_at) and post.n in numbers]
    clocks = tuple((n, draw(st.sampled_from(known))) for n, known in hours if draw(st.booleans()))
    return person(picks=picks, networks=tuple(networks), name=name, tally=draw(st.none() | tally), clocks=clocks)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [kind for kind in EDITIONS if kind != "naughty"])
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_the_filled_message_is_what_the_slow_way_makes(data: st.DataObject, kind: str, language: str) -> None:
    _same_as_slow(data, kind, language)


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_naughty_words_change_nothing_about_that(data: st.DataObject, language: str) -> None:
    _same_as_slow(data, "naughty", language)


def _same_as_slow(data: st.DataObject, kind: str, language: str) -> None:
    content, compiled = _compiled(language, kind)
    reader = data.draw(readers(content))
    text, html = _parts(_headed(fill(compiled, reader).body))
    page = slow_page(content, compiled, reader)
    slow_text, slow_html = _parts(slow_message(page, "x"))
    assert text.rstrip("\n") == slow_text.rstrip("\n")
    assert _dom(html) == _dom(slow_html)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", EDITIONS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_every_line_is_short_and_no_line_begins_with_a_dot(data: st.DataObject, kind: str, language: str) -> None:
    content, compiled = _compiled(language, kind)
    body = fill(compiled, data.draw(readers(content))).body
    assert body.isascii()
    assert body.endswith(b"--\r\n")
    assert all(len(line) <= 76 and not line.startswith(b".") for line in body.split(b"\r\n"))
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert body.count(b"=_") == 3
    text, html = _parts(_headed(body))
    assert len(html.encode()) < 90_000
    assert "zq" not in re.sub(r"zq[01]z", "", text + html) or kind == "naughty"


def test_every_address_is_the_one_that_was_minted() -> None:
    odd = "https://osterglen.example/a?b=c&d=%20e=f&list[]=1|2^{3}~$x'(y)*!#part=9&amp;z"
    content = edition(posts=(colleague(1, url=odd), curated(2)), tracking="off")
    compiled = load_compiled(compile_edition(content, "en", intents={(1, "1"): "https://www.linkedin.com/feed/?text=a%20b%26c&x=%0D%0A"}))
    text, html = _parts(_headed(fill(compiled, person(picks=(Pick(n=1), Pick(n=2)))).body))
    hrefs = _hrefs(html)
    for address in (odd, "https://www.linkedin.com/feed/?text=a%20b%26c&x=%0D%0A"):
        assert address in hrefs
        assert address in text.split("\n")


def test_tokens_stand_in_every_link_of_a_tracked_letter() -> None:
    _, compiled = _compiled("en", "full")
    text, html = _parts(_headed(fill(compiled, person(networks=("5", "1"))).body))
    site = "https://letter.osterglen.example"
    wanted = [f"{site}/r/{SHARE}/01", f"{site}/s/{SHARE}/010", f"{site}/s/{SHARE}/015", f"{site}/s/{SHARE}/011", f"{site}/a/{CONTROL}/01"]
    wanted += [f"{site}/v/{CONTROL}/04", f"{site}/u/{UNSUBSCRIBE}", f"{site}/w/q8d2k6x0b4n7v9s3t", f"{site}/me/{CONTROL}", f"{site}/give/{CONTROL}"]
    hrefs = _hrefs(html)
    assert [address for address in wanted if address not in hrefs] == []
    assert [address for address in wanted if address not in text.split("\n")] == []
    assert hrefs.index(wanted[2]) < hrefs.index(wanted[3])  # the person's favourite first


def test_an_internal_post_has_no_link_that_leads_outside() -> None:
    _, compiled = _compiled("en", "full")
    text, html = _parts(_headed(fill(compiled, person(picks=(Pick(n=8),), networks=("1", "2"))).body))
    assert "/s/" not in html + text
    assert f"/r/{SHARE}/08" in html


def test_with_tracking_off_no_token_stands_anywhere() -> None:
    _, compiled = _compiled("en", "off")
    text, html = _parts(_headed(fill(compiled, person(share="")).body))
    assert "/r/" not in html + text
    assert "/s/" not in html + text
    assert "https://osterglen.example/blog/4" in _hrefs(html)
    assert "We do not record which links you press." in " ".join(text.split())


def _hrefs(html: str) -> list[str]:
    return [str(anchor.get("href")) for anchor in html5lib.parse(html, namespaceHTMLElements=False).iter("a")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiling_twice_gives_the_same_octets(language: str) -> None:
    assert compile_edition(edition(), language) == compile_edition(edition(), language)


def test_a_format_of_another_version_is_refused_with_what_to_type() -> None:
    with pytest.raises(TemplateError, match="digest edition plan"):
        load_compiled(b"digest-body 999\n{}")


def test_the_subject_is_the_editors_or_the_first_picks_title_cut_to_fit() -> None:
    _, plain = _compiled("en", "full")
    _, set_by_editor = _compiled("en", "with a subject")
    assert fill(plain, person()).subject == "The bakery that returned our ovens"
    assert fill(plain, person(picks=(Pick(n=7), Pick(n=1)))).subject == "The bakery that returned our ovens", (
        "what is inside stands on no locked screen"
    )
    assert fill(plain, person(picks=(Pick(n=7),))).subject == "The Osterglen Letter"
    assert fill(set_by_editor, person()).subject == "Three ovens came back"


def test_a_reader_without_a_name_is_greeted_without_one() -> None:
    _, compiled = _compiled("en", "full")
    assert "Hello,\n" in _parts(_headed(fill(compiled, person(name="")).body))[0]
    assert "Hello Zoë,\n" in _parts(_headed(fill(compiled, person(name="Zoë")).body))[0]


def test_the_reading_time_counts_what_this_reader_gets() -> None:
    long = colleague(2, why="word " * 900)
    compiled = load_compiled(compile_edition(edition(posts=(colleague(1), long)), "en"))
    assert ", 1 minute\n" in _parts(_headed(fill(compiled, person(picks=(Pick(n=1),))).body))[0]
    assert ", 5 minutes\n" in _parts(_headed(fill(compiled, person(picks=(Pick(n=1), Pick(n=2)))).body))[0]


def test_a_filler_gives_every_reader_what_a_fresh_one_gives() -> None:
    _, compiled = _compiled("en", "full")
    filler = Filler(compiled)
    for number in range(1, 700):  # more variants than are kept
        reader = person(picks=(Pick(n=number % 8 + 1), Pick(n=(number + 3) % 8 + 1, because=f"topic:{number}")), name=f"N{number}")
        assert filler.fill(reader) == fill(compiled, reader)


def test_a_token_of_the_wrong_length_is_refused() -> None:
    _, compiled = _compiled("en", "full")
    with pytest.raises(TemplateError):
        fill(compiled, replace(person(), share="short"))


def test_the_largest_letter_the_configuration_allows_is_not_clipped() -> None:
    """Gmail clips at 102 KB and hides the link to leave; twelve posts and five inside are the most that `[mix]` takes.

    Planning leaves things out above `budget.html_bytes`; this is what it begins with.
    """
    posts = tuple(colleague(n) if n <= 6 else curated(n) if n <= 12 else inside(n) for n in range(1, 18))
    compiled = load_compiled(compile_edition(edition(posts=posts), "de"))
    reader = person(picks=tuple(Pick(n=post.n, because="team") for post in posts), networks=("1", "6"))
    _, html = _parts(_headed(fill(compiled, reader).body))
    assert len(html.encode()) < 102_000


def test_a_post_in_another_language_says_so() -> None:
    _, compiled = _compiled("en", "full")
    _, html = _parts(_headed(fill(compiled, person(picks=(Pick(n=3),))).body))
    assert '<blockquote lang="de">' in html.replace(' style="margin:0"', "")
    _, right = _compiled("en", "right to left")
    _, html = _parts(_headed(fill(right, person(picks=(Pick(n=1),))).body))
    assert 'lang="ar" dir="rtl"' in html
