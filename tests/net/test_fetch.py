"""Fetching from real servers on loopback: what comes back, and what is refused however it is dressed."""

from __future__ import annotations

import gzip
import socket
import ssl
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.net.fetch import PUBLIC, Fetched, Way, fetch
from digest.net.kinds import Kind
from digest.net.refusals import (
    AddressRefusedError,
    FetchError,
    GarbledError,
    InsideError,
    RedirectError,
    StatusError,
    UnknownNameError,
    UnreachableError,
)
from tests.certificates import certificate
from tests.nameserver import free_port
from tests.site import LOOPBACK, Site, answer, moved

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


def test_a_page_comes_back_with_its_kind_and_charset(site: Site) -> None:
    found = get(site)
    assert found == Fetched(url=site.url(), kind=Kind.PAGE, data=PAGE, charset="utf-8")


def test_the_request_says_who_asks_and_carries_nothing_else(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    site.pages["/a?b=%C3%BC"] = answer(PAGE, set_cookie="a=b")
    get(site, "/a?b=ü#fragment")
    get(site, "/a?b=ü")
    head = site.asked[1].splitlines()
    names = [line.partition(":")[0] for line in head[1:] if line]
    assert head[0] == "GET /a?b=%C3%BC HTTP/1.1"
    assert names == ["Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"]
    assert head[1] == f"Host: news.example:{site.port}"
    assert head[2].startswith("User-Agent: weekly-digest/")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "127。0。0。1"]
)
def test_by_default_nothing_on_this_machine_is_asked(site: Site, address: str) -> None:
    way = Way(reach=PUBLIC.reach.__class__(ports=frozenset()))  # the default but for the port, which is chance here
    with pytest.raises(InsideError):
        fetch(f"http://{address}:{site.port}/", kinds=[Kind.PAGE], most=MOST, way=way)
    assert site.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fd00:ec2::254]/",
        "http://0/",
        "http://127.0.0.1:8080/",
        "https://localhost/",
        "http://①②⑦.⓪.⓪.①/",
        "http://0x7f.1/",
    ],
)
def test_the_default_way_goes_to_no_inside_address(url: str) -> None:
    """B8: addresses of clouds, private networks and this machine, in every spelling, are refused before a connection is made."""
    with pytest.raises(InsideError):
        fetch(url, kinds=[Kind.PAGE], most=MOST)  # a connection elsewhere than loopback would end the test by its guard


def test_a_name_that_leads_inside_is_refused_even_with_a_public_address_beside(site: Site) -> None:
    site.inside["trap.example"] = ["8.8.8.8", "10.0.0.1"]
    with pytest.raises(InsideError):
        fetch(site.url(name="trap.example"), kinds=[Kind.PAGE], most=MOST, way=site.way())


def test_a_name_that_changes_its_mind_is_asked_once_and_answered_by_what_was_judged(site: Site) -> None:
    """B8: a name that is resolved anew would lead to 10.0.0.1; the connection goes to the address that was looked at."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    found = fetch(site.url(), kinds=[Kind.PAGE], most=MOST, way=Way(reach=LOOPBACK, resolve=lambda *_: next(answers)))
    assert found.data == PAGE
    assert list(answers) == [["10.0.0.1"]]


@pytest.mark.parametrize("target", ["http://169.254.169.254/", "http://inside.example/", "//10.0.0.1/", "http://[fd00::1]/", "http://0x7f.1:1/"])
def test_a_redirect_inward_is_refused(site: Site, target: str) -> None:
    """B8: each hop is judged as the first."""
    site.inside |= {"inside.example": ["192.168.0.1"], "169.254.169.254": ["169.254.169.254"], "10.0.0.1": ["10.0.0.1"], "fd00::1": ["fd00::1"]}
    site.inside["127.0.0.1"] = ["100.64.0.1"]
    site.pages["/"] = moved(target)
    with pytest.raises(InsideError):
        get(site)
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://news.example/",
        "file:///etc/passwd",
        "gopher://news.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://user@news.example/",
        "http://user:word@news.example/",
        "http:\\\\news.example\\",
        "//news.example/",
        "news.example",
        "",
        "http://",
        "http://news.example:0/",
        "http://news.example:99999/",
        "http://ex\u0430mple.com/",
        f"http://news.example/{'a' * 3000}",
        "http://news.example:22/",
        "http://news.example:6379/",
        "http://news.example:5432/",
    ],
)
def test_an_address_that_is_none_of_the_webs_is_refused(url: str) -> None:
    with pytest.raises(AddressRefusedError, match=r"allowed|port"):
        fetch(url, kinds=[Kind.PAGE], most=MOST, way=Way(resolve=lambda *_: ["8.8.8.8"]))


@pytest.mark.parametrize("injected", ["/%0d%0aX-Evil:%201", "/\r\nX-Evil: 1", "/\tx", "/ HTTP/1.1\r\n\r\nGET /other"])
def test_a_line_break_in_an_address_makes_no_second_line(site: Site, injected: str) -> None:
    with pytest.raises(FetchError):
        get(site, injected)
    assert all(
        line.partition(":")[0] in {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection", ""}
        for line in "".join(site.asked).splitlines()[1:]
    )


def test_redirects_are_followed_five_times(site: Site) -> None:
    site.pages |= {f"/{n}": moved(f"{n + 1}", "301 Moved") for n in range(1, 9)} | {"/6": answer(PAGE)}
    assert get(site, "/1").url == site.url("/6")
    site.pages["/6"] = moved("/7")
    with pytest.raises(RedirectError, match="more than 5"):
        get(site, "/1")
    assert len(site.asked) == 6 + 6


@pytest.mark.parametrize("location", ["", "http://", "http://[", "javascript:alert(1)", "file:///etc/passwd", "http://a:b@news.example/"])
def test_a_redirect_to_no_address_is_refused(site: Site, location: str) -> None:
    site.pages["/"] = moved(location)
    with pytest.raises((RedirectError, AddressRefusedError)):
        get(site)


def test_a_redirect_with_letters_beyond_ascii_is_followed(site: Site) -> None:
    site.pages |= {"/": moved("/straße".encode().decode("latin-1")), "/stra%C3%9Fe": answer(PAGE)}
    assert get(site).url.endswith("/stra%C3%9Fe")


def test_https_is_verified_and_asks_by_name(tmp_path: Path) -> None:
    both = certificate(tmp_path, names="DNS:news.example")
    with Site({"/": answer(PAGE), "/down": moved("http://news.example/")}, both) as site:
        assert get(site).data == PAGE
        with pytest.raises(RedirectError, match="anybody on the way"):
            get(site, "/down")
        with pytest.raises(UnreachableError, match="certificate"):
            fetch(site.url(name="other.example"), kinds=[Kind.PAGE], most=MOST, way=site.way())
        with pytest.raises(UnreachableError, match="certificate"):
            fetch(
                site.url(),
                kinds=[Kind.PAGE],
                most=MOST,
                way=Way(reach=LOOPBACK, resolve=lambda *_: ["127.0.0.1"], context=ssl.create_default_context),
            )


def test_a_name_without_an_address_is_named() -> None:
    def nobody(_name: str, _port: int) -> list[str]:
        raise socket.gaierror

    for way in (Way(resolve=nobody), Way(resolve=lambda *_: [])):
        with pytest.raises(UnknownNameError, match=r"http://news\.example/: its name is not known: check how it is spelled"):
            fetch("http://news.example/", kinds=[Kind.PAGE], most=MOST, way=way)


def test_nobody_there_is_named_and_the_next_address_is_tried(site: Site) -> None:
    with pytest.raises(UnreachableError):
        fetch(f"http://news.example:{free_port()}/", kinds=[Kind.PAGE], most=MOST, way=site.way())
    site.inside["news.example"] = ["::1", "127.0.0.1"]  # nobody listens on the first
    assert get(site).data == PAGE


def raw_deflate(data: bytes) -> bytes:
    pack = zlib.compressobj(wbits=-15)
    return pack.compress(data) + pack.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [("gzip", gzip.compress(PAGE, mtime=0)), ("deflate", zlib.compress(PAGE)), ("deflate", raw_deflate(PAGE)), ("identity", PAGE)],
    ids=["gzip", "zlib", "deflate", "identity"],
)
def test_packed_pages_are_unpacked(site: Site, coding: str, body: bytes) -> None:
    site.pages["/"] = answer(body, content_encoding=coding)
    assert get(site).data == PAGE


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        answer(PAGE, content_encoding="br"),
        answer(b"no gzip at all", content_encoding="gzip"),
        answer(gzip.compress(PAGE)[:-9], content_encoding="gzip"),
        answer(PAGE, length=len(PAGE) + 5),
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    ],
)
def test_a_broken_answer_is_named(site: Site, said: bytes) -> None:
    site.pages["/"] = said
    with pytest.raises((GarbledError, UnreachableError)):
        get(site)


@pytest.mark.parametrize(
    "status", ["204 No Content", "206 Partial Content", "304 Not Modified", "401 Unauthorized", "404 Not Found", "500 Oh", "999 No"]
)
def test_an_answer_that_is_no_page_is_named_by_its_status(site: Site, status: str) -> None:
    site.pages["/"] = answer(status=status)
    with pytest.raises(StatusError, match=status[:3]):
        get(site)


def test_what_has_not_changed_is_not_fetched_again(site: Site) -> None:
    site.pages["/"] = answer(PAGE, etag='W/"7"')
    assert get(site).etag == 'W/"7"'
    site.pages["/"] = answer(status="304 Not Modified")
    found = get(site, etag='W/"7"')
    assert (found.unchanged, found.data, found.etag) == (True, b"", 'W/"7"')
    assert 'If-None-Match: W/"7"' in site.asked[-1]


def test_an_etag_cannot_bring_a_line_of_its_own(site: Site) -> None:
    get(site, etag='"a"\r\nX-Evil: 1')
    assert "If-None-Match" not in site.asked[-1]
