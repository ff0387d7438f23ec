"""Looking at a page that somebody named: the public web alone, within limits, and never anybody else's errors."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from digest.pipeline.contribution_look import look
from tests.site import Site, answer, moved


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), (90, 120, 60)).save(out, "JPEG")
    return out.getvalue()


PAGE = (
    b'<html lang="en"><head><title>x</title><meta property="og:title" content="Ovens &amp; &lt;b&gt;data">'
    b'<meta property="og:image" content="/o.jpg"></head>'
)


def test_title_and_picture_come_from_the_page_itself() -> None:
    with Site({"/a": answer(PAGE), "/o.jpg": answer(picture(), kind="image/jpeg")}) as site:
        seen = look(site.url("/a"), site.way())
        assert seen is not None
        assert (seen.title, seen.image, seen.size) == ("Ovens & <b>data", site.url("/o.jpg"), (400, 300))
        kind, _, octets = seen.picture.partition(";base64,")
        assert kind == "data:image/jpeg"
        assert Image.open(io.BytesIO(base64.b64decode(octets))).size == (400, 300)


@pytest.mark.parametrize(
    "broken", [answer(b"no picture", kind="image/jpeg"), answer(b"<svg/>", kind="image/svg+xml"), answer(status="404 Not Found")]
)
def test_a_picture_that_cannot_be_had_costs_only_the_picture(broken: bytes) -> None:
    with Site({"/a": answer(PAGE), "/o.jpg": broken}) as site:
        seen = look(site.url("/a"), site.way())
        assert seen is not None
        assert (seen.title, seen.image, seen.picture) == ("Ovens & <b>data", "", "")


def test_what_is_inside_is_never_asked() -> None:
    with Site({"/a": answer(PAGE)}) as site:
        for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"):
            assert look(f"http://{host}:{site.port}/a") is None
        assert site.asked == []


def test_a_page_that_points_its_picture_inside_gains_nothing() -> None:
    page = PAGE.replace(b"/o.jpg", b"http://inside.example:1/secret.jpg")
    with Site({"/a": answer(page), "/b": moved("http://inside.example/")}) as site:
        site.inside["inside.example"] = ["10.0.0.7"]
        seen = look(site.url("/a"), site.way())
        assert seen is not None
        assert seen.image == ""
        assert look(site.url("/b"), site.way()) is None


@pytest.mark.parametrize("url", ["", "x", "javascript:alert(1)", "file:///etc/passwd", "https://user:word@example.com/", "ftp://example.com/"])
def test_what_is_no_address_is_no_page(url: str) -> None:
    assert look(url) is None
