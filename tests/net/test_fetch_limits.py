"""Fetching within limits of time and size, from real servers on loopback that keep to none."""

from __future__ import annotations

import gzip
import socket
import time
import zlib
from collections.abc import Iterator

import pytest

from digest.net.fetch import Fetched, Way, fetch
from digest.net.kinds import Kind
from digest.net.refusals import (
    GarbledError,
    TooBigError,
    TooSlowError,
)
from tests.site import LOOPBACK, Play, Site, answer, moved

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


def slowly(*parts: bytes, pause: float) -> Play:
    def play(wire: socket.socket) -> None:
        for part in parts:
            wire.sendall(part)
            time.sleep(pause)

    return play


@pytest.mark.parametrize("whole", [answer(PAGE), b"HTTP/1.1 100 Continue\r\n\r\n" * 100, answer(gzip.compress(PAGE), content_encoding="gzip")])
def test_a_drip_ends_at_the_deadline(site: Site, whole: bytes) -> None:
    """B8: a server that sends an octet now and then, in its head or in its body, is left after the patience for the whole."""
    site.pages["/"] = slowly(*(bytes([octet]) for octet in whole), pause=0.05)
    began = time.monotonic()
    with pytest.raises(TooSlowError, match=r"0\.6 seconds"):
        get(site, patience=0.6)
    assert time.monotonic() - began < 2


def test_a_server_that_says_nothing_ends_at_the_deadline(site: Site) -> None:
    site.pages["/"] = slowly(b"", pause=3)
    with pytest.raises(TooSlowError):
        get(site, patience=0.3)


def test_slow_redirects_share_one_deadline(site: Site) -> None:
    site.pages |= {f"/{n}": slowly(b"", moved(f"/{n + 1}"), pause=0.25) for n in range(9)}
    began = time.monotonic()
    with pytest.raises(TooSlowError):
        get(site, "/0", patience=0.6)
    assert time.monotonic() - began < 2


def test_a_resolver_that_hangs_ends_at_the_deadline(site: Site) -> None:
    def hang(_name: str, _port: int) -> list[str]:
        time.sleep(3)
        return []

    with pytest.raises(TooSlowError):
        fetch(site.url(), kinds=[Kind.PAGE], most=MOST, patience=0.3, way=Way(resolve=hang, reach=LOOPBACK))


def endless(wire: socket.socket) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html>")
    for _ in range(16_384):
        wire.sendall(b"a" * 65_536)


def test_a_body_is_read_up_to_the_limit_and_no_further(site: Site) -> None:
    """B8: a body of 1 GB, announced or not, chunked or not, is left at the limit."""
    site.pages |= {"/endless": endless, "/announced": answer(PAGE, length=1_000_000_000)}
    site.pages["/chunks"] = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\n30000\r\n" + b"<html>" * 40_000
    for path in ("/endless", "/announced", "/chunks"):
        with pytest.raises(TooBigError, match="octets"):
            get(site, path)
    site.pages |= {"/fits": answer(b"<html>".ljust(MOST, b" ")), "/over": answer(b"<html>".ljust(MOST + 1, b" "))}
    assert len(get(site, "/fits").data) == MOST
    with pytest.raises(TooBigError):
        get(site, "/over")


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate"])
def test_a_bomb_is_not_unpacked_beyond_the_limit(site: Site, coding: str) -> None:
    """B8: 200 MB packed into 200 kB stop at the limit."""
    pack = zlib.compressobj(wbits=15 if coding == "deflate" else 31)
    bomb = b"".join(pack.compress(b"<html>" + b" " * 999_994) for _ in range(200)) + pack.flush()
    site.pages["/"] = answer(bomb, content_encoding=coding)
    with pytest.raises(TooBigError):
        get(site, most=1_000_000)


def test_head_lines_are_limited_too(site: Site) -> None:
    site.pages["/"] = b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: %s\r\n" % (n, b"a" * 60_000) for n in range(50)) + b"\r\n"
    with pytest.raises((TooBigError, GarbledError)):
        get(site)
