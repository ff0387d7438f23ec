"""What fuzzing found, each as a plain example."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from digest.web.guard import place
from tests.asgi import Asked, Client
from tests.linked import ANA, OURS, Linked, read_link, share_link

SAME = (b"sec-fetch-site", b"same-origin")
FORM = (b"content-type", b"application/x-www-form-urlencoded")


@pytest.mark.parametrize("length", [b"\xb2", b"abc", b"-1", b"1_0", b"12,12", b""])
@pytest.mark.parametrize("path", [share_link(ANA, 1), "/healthz", "/nowhere"])
def test_a_length_that_is_no_number_is_no_fault_of_ours(linked: Linked, path: str, length: bytes) -> None:
    method = "POST" if path.startswith("/s/") else "GET"
    with Client(linked) as client:
        answer = client(Asked(path=path, method=method, headers=(SAME, FORM, (b"content-length", length)), chunks=(b"network=2&words=x",)))
    assert answer.status == {"/healthz": 200, "/nowhere": 404}.get(path, 303)


def test_a_length_of_five_thousand_digits_is_too_much(linked: Linked) -> None:
    with Client(linked) as client:
        assert client(Asked(path=share_link(ANA, 1), method="POST", headers=(SAME, FORM, (b"content-length", b"9" * 5000)))).status == 413


def parts(**fields: bytes) -> bytes:
    lines = [f'--b\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n'.encode() + value for name, value in fields.items()]
    return b"\r\n".join([*lines, b"--b--\r\n"])


@pytest.mark.parametrize(
    "charset",
    ["unicode_escape", "utf-7", "punycode", "idna", "hex", "utf-16", '"unicode_escape"', "nonsense", "\xff", "utf-8; charset=idna"],
)
@pytest.mark.parametrize("words", [rb"\ud800", b"+2AA-", b"xn--\xff", b"\xff"])
def test_a_form_in_a_strange_encoding_is_none(linked: Linked, charset: str, words: bytes) -> None:
    kinds = [f"charset={charset}", "charset*=utf-8''unicode_escape"]
    with Client(linked) as client:
        for kind in kinds:
            head = (SAME, (b"content-type", f"multipart/form-data; boundary=b; {kind}".encode("latin-1")))
            for path in (share_link(ANA, 1), linked.leave_link()):
                body = parts(network=b"2", words=words, action=words, check=words)
                assert client(Asked(path=path, method="POST", headers=head, chunks=(body,))).status == 400
    assert linked.count("suppression") == 0


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", '; charset="UTF-8"', "; charset=us-ascii", "; charset=iso-8859-1"])
def test_a_form_in_a_plain_encoding_is_read(web: TestClient, charset: str) -> None:
    kind = {"content-type": f"multipart/form-data; boundary=b{charset}"}
    assert web.post(share_link(ANA, 1), content=parts(network=b"2", words=b"Mine."), headers={**OURS, **kind}).status_code == 303


def test_broken_forms_fill_no_log(web: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    kind = {"content-type": "multipart/form-data; boundary=b"}
    for body in (b"--x--", b"--b\r\nno colon\r\n\r\n--b--", b"L"):
        assert web.post(share_link(ANA, 1), content=body, headers={**OURS, **kind}).status_code == 400
    assert caplog.records == []


@pytest.mark.parametrize("path", ["/s", "/u", "/w", "/healthz/", "/robots.txt/"])
@pytest.mark.parametrize("host", [b"evil.example", b"\xff", b"", b"a b"])
def test_a_path_without_its_last_slash_builds_no_address_from_the_host(linked: Linked, path: str, host: bytes) -> None:
    """B10: the router's own redirect is off."""
    with Client(linked) as client:
        answer = client(Asked(path=path, headers=((b"host", host),)))
    assert answer.status == 404
    assert answer.all("location") == []


@pytest.mark.parametrize("chunks", [(), (b"",), (b"network=2&wor",)])
def test_who_goes_away_in_the_middle_of_a_form_is_no_fault_of_ours(
    linked: Linked, caplog: pytest.LogCaptureFixture, chunks: tuple[bytes, ...]
) -> None:
    with Client(linked) as client:
        for path in (share_link(ANA, 1), linked.leave_link()):
            client(Asked(path=path, method="POST", headers=(SAME, FORM), chunks=chunks, leaves=True))
    assert caplog.records == []
    assert linked.clicks() == linked.short_links() == []


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (read_link(ANA, 1), "/r/..."),
        ("/a\n2026-11-22 all is well/x", "/a?2026-11-22 all is /..."),
        ("/a\r\nb\x1b[2J\u2028", "/a??b?[2J?"),
        ("", ""),
        ("x", "x"),
    ],
)
def test_a_path_in_the_log_is_one_line_without_its_token(path: str, kept: str) -> None:
    assert place(path) == kept
