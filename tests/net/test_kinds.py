"""Pages, feeds and pictures told apart: by what a server says and by the first octets, which must agree."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from digest.net.fetch import Fetched, fetch
from digest.net.kinds import Kind
from digest.net.refusals import (
    WrongKindError,
)
from tests.site import Site, answer

PAGE = b"<!doctype html><html><head><title>A page</title></head><body>Words.</body></html>"
FEED = b'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title></channel></rss>'
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 32
MOST = 100_000


@pytest.fixture
def site() -> Iterator[Site]:
    with Site({"/": answer(PAGE)}) as found:
        yield found


def get(site: Site, path: str = "/", *kinds: Kind, patience: float = 10.0, most: int = MOST, etag: str = "") -> Fetched:
    return fetch(site.url(path), kinds=kinds or (Kind.PAGE,), most=most, patience=patience, etag=etag, way=site.way())


@pytest.mark.parametrize(
    ("kind", "said", "body"),
    [
        (Kind.PAGE, "text/html", b"just words"),
        (Kind.PAGE, "application/xhtml+xml", b'<?xml version="1.0"?><!DOCTYPE html><html/>'),
        (Kind.PAGE, "", b"  <!-- hm --><HTML>"),
        (Kind.PAGE, "text/plain", PAGE),
        (Kind.FEED, "application/rss+xml", FEED),
        (Kind.FEED, "text/html", FEED),
        (Kind.FEED, "application/octet-stream", b"\xef\xbb\xbf" + FEED),
        (Kind.PICTURE, "image/png", PNG),
        (Kind.PICTURE, "image/jpeg", PNG),
        (Kind.PICTURE, "", b"GIF89a\x01"),
        (Kind.PICTURE, "image/webp", b"RIFF\x00\x00\x00\x00WEBPVP8 "),
    ],
)
def test_header_and_first_octets_agree(site: Site, kind: Kind, said: str, body: bytes) -> None:
    site.pages["/"] = answer(body, kind=said)
    assert get(site, "/", kind).kind is kind


@pytest.mark.parametrize(
    ("kind", "said", "body"),
    [
        (Kind.PAGE, "text/html", PNG),
        (Kind.PAGE, "text/html", b"%PDF-1.7\x00\x01"),
        (Kind.PAGE, "application/pdf", PAGE),
        (Kind.PAGE, "text/plain", b"just words"),
        (Kind.PAGE, "application/rss+xml", FEED),
        (Kind.FEED, "text/html", PAGE),
        (Kind.FEED, "application/xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        (Kind.PICTURE, "image/png", PAGE),
        (Kind.PICTURE, "text/html", PNG),
        (Kind.PICTURE, "image/bmp", b"BM\x00\x00"),
        (Kind.PICTURE, "image/png", b""),
    ],
)
def test_what_pretends_is_refused(site: Site, kind: Kind, said: str, body: bytes) -> None:
    site.pages["/"] = answer(body, kind=said)
    with pytest.raises(WrongKindError, match=f"wanted a {kind}"):
        get(site, "/", kind)


@pytest.mark.parametrize(
    ("said", "body"), [("image/svg+xml", b"<svg/>"), ("image/png", b'<?xml version="1.0"?><!-- x --><svg onload="x">'), ("", b"<svg>")]
)
def test_an_svg_is_refused_with_a_sentence(site: Site, said: str, body: bytes) -> None:
    site.pages["/"] = answer(body, kind=said)
    with pytest.raises(WrongKindError, match="use a JPEG or PNG"):
        get(site, "/", Kind.PICTURE)
