"""Requests that nobody would make, and what must hold for each: parts for the fuzz tests."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, unquote_to_bytes, urlencode, urlsplit

from hypothesis import strategies as st
from sqlalchemy import func, literal, select, union_all

from digest.db.schema import metadata
from digest.db.session import read
from digest.domain.link import clean, web_address, with_utm
from digest.files.networks import load_networks
from tests.asgi import Answered, Asked
from tests.linked import ANA, BEN, BROWSER_TOKEN, GROUP, OLD, POSTS, SITE, Linked, share_link
from tests.signed import PATH, stamped

MARK = "zq9<i>mark"  # never shown as it is, and from a path, a query or a header never shown at all
GROWING = {"click", "visit", "day_salt", "short_link"}  # what a request without a form may add to
HEADERS = (
    b"user-agent referer host cookie origin accept-language content-type content-length transfer-encoding x-forwarded-for x-forwarded-proto"
    b" x-forwarded-host forwarded x-real-ip sec-fetch-site sec-fetch-mode sec-fetch-dest sec-fetch-user sec-purpose purpose x-moz"
    b" sec-ch-ua-mobile range expect if-none-match if-modified-since accept accept-encoding authorization x-http-method-override upgrade"
    b" connection te idempotency-key digest-signature digest-timestamp"
).split()
TYPES = (
    b"application/x-www-form-urlencoded",
    b"application/x-www-form-urlencoded; charset=utf-16",
    b"multipart/form-data; boundary=b",
    b"multipart/form-data; boundary=b; charset=unicode_escape",
    b"multipart/form-data; boundary=b; charset=\xff",
    b"multipart/form-data; boundary=",
    b"multipart/form-data",
    b'multipart/form-data; boundary="b\xe9"',
    b"application/json",
    b"text/plain",
    b"",
    b"\xff\xfe",
)
STRANGE = tuple(
    (b"multipart/form-data; boundary=b; charset=" + charset, word)
    for charset, word in ((b"unicode_escape", rb"\ud800"), (b"utf-7", b"+2AA-"), (b"punycode", b"\\"), (b"idna", b"xn--\xff"), (b"\xff", b"\xff"))
)
FIELDS = ("network", "words", "caption", "copy", "action", "check", "List-Unsubscribe", "server", "mastodon", "share", "remember")
ORIGINS = (
    (),
    ((b"origin", b"https://evil.example"),),
    ((b"sec-fetch-site", b"cross-site"),),
    ((b"origin", SITE.encode()),),
    *[((b"sec-fetch-site", b"same-origin"),)] * 5,
)
VALUES = ("1", "2", "8", "0", "leave", "return", "One-Click", "mastodon.example", "", MARK)
FORMS: tuple[dict[str, str], ...] = (
    {"network": "2", "words": "Mine."},
    {"network": "1", "words": MARK},
    {"network": "8", "words": "\r\nBcc: a@example.org", "copy": "1"},
    {"network": "6", "words": "Mine.", "server": "mastodon.example", "mastodon": "mastodon.example"},
    {"caption": "1", "words": ""},
    {"action": "leave"},
    {"action": "return"},
    {"List-Unsubscribe": "One-Click"},
)
FIELDS_OF_CLAIM = ("key", "click_id", "event", "external_id", "value", "currency", "occurred_at", "utm_campaign")
JSON = (
    "1e400",
    "-5",
    "NaN",
    "Infinity",
    "0.001",
    "9" * 5000,
    '"12.50"',
    '"EUR"',
    '"\\ud800"',
    '"\\u0000"',
    '"\\u202e"',
    "null",
    "true",
    "[" * 3000,
    "[]",
    "{}",
    '"2026-11-24T09:00:00Z"',
    '"9999-12-31T23:59:59-23:59"',
    '"' + "x" * 300 + '"',
)
AGENTS = (b"", b"curl/8", b"Twitterbot/1.0", b"Mozilla/5.0 (iPhone) Mobile", b"\xb7\xff\xfe", b"a\x00b", b"x" * 65536, "\N{PARTY POPPER}".encode())
LANGUAGES = (b"de", b"tlh", b"*", b"de-AT;q=0.9, en", b"\xff", b",,,", b"x" * 5000, b"../../etc/passwd", b"en\r\nset-cookie: a=b")
METHODS = (*["GET"] * 6, *["POST"] * 6, "HEAD", "HEAD", "PUT", "OPTIONS", "TRACE", "get", "P\u00d6ST", "")
LENGTHS = (b"0", b"-1", b"\xb2", b"1_0", b"12,12", b"65537", b"9" * 5000, b"abc", b"+5", b"0x10")
ODD = (
    "'",
    "%27",
    ".",
    "/",
    "//",
    "\0",
    "\r\n",
    "%00",
    "%0d%0aSet-Cookie: a=b",
    "\u2028",
    "\u202e",
    "\N{KELVIN SIGN}",
    "..",
    "/../",
    ";",
    "\\",
    "%",
    "%zz",
    MARK,
)


@dataclass(frozen=True, kw_only=True)
class World:
    """What the requests are about: the tables, their secrets, and every place that a redirect may lead to."""

    linked: Linked
    paths: tuple[str, ...]
    doors: tuple[str, ...]  # pages that take forms
    secrets: tuple[str, ...]
    places: frozenset[str]
    hosts: frozenset[str]
    check: str  # of Ana's form
    click_id: str  # of somebody's visit


def world(linked: Linked, slugs: Sequence[str], routes: Sequence[str], check: str, click_id: str) -> World:
    """The world of a small edition whose short links are `slugs`."""
    leave = linked.leave_link()
    tokens = (ANA, BEN, OLD, GROUP)
    paths = [f"/r/{text}/0{n}" for text in tokens for n in (1, 2, 3, 5)]
    paths += [f"/s/{text}/0{n}{letter}" for text in tokens for n in (1, 2, 3) for letter in "0123458"]
    others = [*(f"/l/{slug}" for slug in slugs), leave, f"/w/{BROWSER_TOKEN}", *routes, *[share_link(ANA, 1), share_link(BEN, 2)] * 3]
    paths += others * (len(paths) // len(others))  # as often as the links of the message, of which there are more
    networks = load_networks()
    articles = [address for post in POSTS if (address := web_address(post.url))]
    tagged = [
        with_utm(url, source=network.name, campaign="2026-W48", content=post.id)
        for post in POSTS
        if (url := web_address(post.url))
        for network in networks
    ]
    templates = [template for network in networks for template in (network.desktop, network.phone)]
    return World(
        linked=linked,
        paths=tuple(paths),
        doors=(leave, leave, share_link(ANA, 1), share_link(ANA, 1), share_link(BEN, 2), share_link(OLD, 1)),
        secrets=(*tokens, BROWSER_TOKEN, *slugs, leave[3:], linked.leave_link("ben")[3:], "ana@example.com", "ben@example.com", "intra.example.com"),
        places=frozenset([*articles, *tagged]),
        check=check,
        click_id=click_id,
        hosts=frozenset(
            urlsplit(template).netloc for template in templates if template.startswith("https://") and "{" not in urlsplit(template).netloc
        ),
    )


def spoiled(draw: st.DrawFn, path: str) -> str:
    """`path` with a few things done to it."""
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 1, 2, 3)))):
        at = draw(st.integers(0, len(path)))
        what = draw(st.sampled_from(("insert", "cut", "drop", "upper", "double", "append", "escape")))
        odd = draw(st.one_of(st.sampled_from(ODD), st.text(max_size=3)))
        path = {
            "insert": path[:at] + odd + path[at:],
            "cut": path[:at],
            "drop": path[:at] + path[at + 1 :],
            "upper": path[:at] + path[at:].upper(),
            "double": path + path[at:],
            "append": path + odd,
            "escape": path[:at] + quote(path[at : at + 3], safe="") + path[at + 3 :],
        }[what]
    return path


def _body(draw: st.DrawFn, check: str) -> tuple[bytes, bytes]:
    """(content type, body); `check` makes a form of the unsubscribe page valid."""
    fields = dict(draw(st.sampled_from(FORMS)), check=check)
    for name in draw(st.sampled_from((st.just([]), st.lists(st.sampled_from(FIELDS), max_size=3))).flatmap(lambda one: one)):
        fields[name] = draw(st.one_of(st.sampled_from(VALUES), st.text(max_size=20)))
    how = draw(st.sampled_from(("form", "form", "form", "parts", "parts", "strange", "strange", "bytes", "big", "many")))
    if how == "form":
        return draw(st.sampled_from((TYPES[0], TYPES[0], TYPES[0], *TYPES))), urlencode(fields, errors="replace").encode()
    if how in {"parts", "strange"}:
        kind, word = draw(st.sampled_from(STRANGE)) if how == "strange" else (TYPES[2], b"")
        return kind, b"\r\n".join([*(_part(name, word or value.encode("utf-8", "replace")) for name, value in fields.items()), b"--b--\r\n"])
    if how == "big":
        return TYPES[0], b"words=" + b"x" * draw(st.sampled_from((65529, 65530, 65531, 200_000)))
    if how == "many":
        return TYPES[0], b"&".join([b"a=1"] * 60)
    return draw(st.sampled_from(TYPES)), draw(st.binary(max_size=200))


def _part(name: str, value: bytes) -> bytes:
    return f'--b\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n'.encode("utf-8", "replace") + value


def _headers(draw: st.DrawFn) -> list[tuple[bytes, bytes]]:
    values = st.one_of(
        st.binary(max_size=30), st.sampled_from((b"1", b"-1", b"9" * 30, b"\xb2", b"0x1", b"1_0", b"", b"same-origin", MARK.encode(), b"x" * 65536))
    )
    found = draw(st.lists(st.tuples(st.sampled_from(HEADERS), values), max_size=5))
    for name, choices in ((b"user-agent", AGENTS), (b"accept-language", LANGUAGES), (b"content-length", LENGTHS)):
        if draw(st.integers(0, 3)) == 0:
            found.append((name, draw(st.sampled_from(choices))))
    return found


@st.composite
def sent(draw: st.DrawFn, found: World) -> Asked:
    """A form, most often to a page that takes one."""
    path = spoiled(draw, draw(st.sampled_from(found.doors))) if draw(st.sampled_from((*[False] * 5, True))) else draw(st.sampled_from(found.doors))
    kind, body = _body(draw, found.check)
    cut = draw(st.integers(0, len(body)))
    headers = _headers(draw) if draw(st.booleans()) else []
    headers += [(b"content-type", kind), *draw(st.sampled_from(ORIGINS))]
    leaves = draw(st.sampled_from((*[False] * 9, True)))
    return Asked(path=unquote(path), method="POST", headers=tuple(headers), chunks=(body[:cut], body[cut:]), leaves=leaves)


@st.composite
def claimed(draw: st.DrawFn, found: World) -> Asked:
    """A signed conversion with anything in its fields: who signs may still be careless."""
    fields = {"key": '"k1"', "event": '"lead"', "click_id": json.dumps(found.click_id)}
    for name in draw(st.lists(st.sampled_from((*FIELDS_OF_CLAIM, "zz", "\\ud800")), max_size=4)):
        fields[name] = draw(st.one_of(st.sampled_from(JSON), st.text(max_size=20).map(json.dumps)))
    body = ("{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}").encode("utf-8", "surrogatepass")
    body = draw(
        st.sampled_from((body, body, body, body, body, body[:-1], body * 2, b"\xff" + body, body.decode("utf-8", "replace").encode("utf-16")))
    )
    head = tuple((name.lower().encode(), value.encode()) for name, value in stamped(body).items())
    return Asked(path=PATH, method="POST", headers=head, chunks=(body,))


@st.composite
def asked(draw: st.DrawFn, found: World) -> Asked:
    """Any request; most of them near something that exists."""
    paths = found.paths
    which = draw(st.sampled_from((*["near"] * 9, "text", "bytes", "long")))
    if which == "near":
        raw = spoiled(draw, draw(st.sampled_from(paths)))
    elif which == "text":
        raw = "/" + draw(st.text(max_size=30))
    elif which == "bytes":
        raw = unquote_to_bytes("/" + draw(st.sampled_from(("", "r/", "s/", "l/", "u/", "w/")))).decode() + draw(st.binary(max_size=30)).decode(
            "latin-1"
        )
    else:
        raw = draw(st.sampled_from(paths)) + draw(st.sampled_from(ODD)) * draw(st.integers(10, 3000))
    method = draw(st.sampled_from(METHODS))
    headers = _headers(draw)
    chunks: list[bytes] = []
    if method == "POST" or draw(st.integers(0, 9)) == 0:
        kind, body = _body(draw, found.check)
        headers.append((b"content-type", kind))
        cut = draw(st.integers(0, len(body)))
        chunks = [body[:cut], body[cut:]]
        headers += draw(st.sampled_from(ORIGINS))
    query = draw(st.sampled_from((b"", b"url=https://evil.example", b"\xff\x00", MARK.encode(), b"a=" + b"b" * 9000)))
    client = draw(st.sampled_from((("192.0.2.7", 1), None, ("", 0), ("unix", 0), ("::1", 5))))
    return Asked(
        path=unquote(raw),
        raw_path=raw.encode("utf-8", "replace"),
        method=method,
        query=query,
        headers=tuple(headers),
        chunks=tuple(chunks),
        client=client,
    )


class Log(logging.Handler):
    """Keeps what is said louder than information."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.said.append(self.format(record))


def counts(linked: Linked) -> dict[str, int]:
    """Table -> rows."""
    statement = union_all(*(select(literal(name), func.count()).select_from(table) for name, table in metadata.tables.items()))
    with read(linked.engine) as connection:
        return {row[0]: row[1] for row in connection.execute(statement)}


def ours(request: Asked) -> bool:
    """True when the request says that it comes from a page of ours."""
    headers = [(name.lower(), value) for name, value in request.headers]
    return (b"sec-fetch-site", b"same-origin") in headers or (b"origin", SITE.encode()) in headers or (b"sec-fetch-site", b"none") in headers


def one_click(request: Asked, found: World) -> bool:
    """True for a mail program that unsubscribes: the one form that needs no page of ours (RFC 8058)."""
    return clean(request.path[3:])[0] == found.linked.leave_link()[3:] and b"One-Click" in b"".join(request.chunks)


def may_change(request: Asked, found: World) -> set[str]:
    """Tables whose number of rows this request may change."""
    if request.path == PATH and dict(request.headers).get(b"digest-signature", b"").startswith(b"v1="):
        return {"outcome"}
    if request.method == "POST":
        return set(metadata.tables) if (ours(request) or one_click(request, found)) and not request.leaves else set()
    return GROWING if request.method == "GET" else {"short_link"} if request.method == "HEAD" else set()


def check_answer(request: Asked, answer: Answered, found: World) -> None:
    """What must hold for every answer to every request."""
    assert 200 <= answer.status < 500, "never an error of ours"
    assert answer.all("set-cookie") == []
    assert all(octet not in value for _, value in answer.headers for octet in b"\r\n\0")
    if request.method != "HEAD" and answer.all("content-length"):  # of HEAD the server drops the body
        assert int(answer.one("content-length")) == len(answer.body)
    _check_place(request, answer, found)
    if answer.one("content-type").startswith("text/html"):
        _check_page(answer)
    _check_silence(request, answer, found)


def _check_place(request: Asked, answer: Answered, found: World) -> None:
    places = answer.all("location")
    assert len(places) == (1 if 300 <= answer.status < 400 else 0)
    for place in places:
        assert place.isascii()
        assert place.isprintable()
        typed = b"".join(request.chunks)
        host = urlsplit(place).netloc
        known = re.sub(r"&ac_id=[0-9a-z]{16}", "", place) in found.places or host in found.hosts or place.startswith((f"{SITE}/", "/"))
        assert not place.startswith("//")
        assert known or (re.fullmatch(r"[a-z0-9.-]+", host) and host.encode() in typed.lower() and urlsplit(place).path == "/share"), place


def _check_page(answer: Answered) -> None:
    policy = answer.one("content-security-policy")
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert (answer.one("x-frame-options"), answer.one("x-content-type-options")) == ("DENY", "nosniff")
    assert (answer.one("referrer-policy"), answer.one("x-robots-tag")) == ("no-referrer", "noindex, nofollow")
    assert answer.one("cache-control") == "no-store"


def _check_silence(request: Asked, answer: Answered, found: World) -> None:
    """Nobody's token or address but that of the path; nothing of path, query or headers; typed words only as text."""
    said = answer.body.decode("utf-8", "replace") + " ".join(value.decode("latin-1") for _, value in answer.headers)
    path = request.path.lower().replace("o", "0").replace("i", "1").replace("l", "1")
    typed = unquote(b"".join(request.chunks).decode("latin-1"))
    own = ANA in path or BEN in path or GROUP in path
    for secret in found.secrets:
        allowed = secret in path or (own and len(secret) == 12) or (secret == "intra.example.com" and own and answer.status == 302)
        assert allowed or secret not in said or secret in typed, secret
    assert MARK not in said
